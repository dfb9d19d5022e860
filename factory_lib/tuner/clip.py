"""Frames by their number: any of a recording's, exactly; of a camera the next and the last few."""

from bisect import bisect_left
from itertools import pairwise
from pathlib import Path

import cv2

from ..capture import open_file
from ..video import Frame, open_video

KEPT = 32  # frames at hand; of 640x480 that is 30 MB
BEFORE = 8
SAME = 1e-4  # seconds: two times that differ by less are one


class Clip:
    """A recording whose frames are read in any order. What is live has no `path` and no `count`."""

    def __init__(self, path: Path) -> None:
        self.path: Path | None = path
        self.name, self._file = path.stem, path
        with open_video(path) as video:  # which refuses what has no frames
            first, self.size, self.fps, count = next(video), video.size, video.fps or 30.0, video.frame_count
        self._times = _times(path, first.time)
        self.count = len(self._times) or count
        self._kept = {0: first}
        self._capture, self._here = open_file(path), -1

    def frame(self, index: int) -> Frame | None:
        """Return the frame with this number, counted from the first one; None if there is none."""
        if index in self._kept or index < 0 or (self._times and index >= len(self._times)):
            return self._kept.get(index)
        if index != self._here + 1:
            # Who steps back goes on stepping back: then a few frames before are read too.
            self._seek(max(0, index - BEFORE) if index + 1 in self._kept else index)
        while self._here < index and self._capture.grab():
            self._here += 1
            if self._here >= index - BEFORE:
                self._take()
        return self._kept.get(index)

    def _seek(self, index: int) -> None:
        """Go to this frame, or to one before it from which to count on."""
        wish = index
        while self._times and wish > 0:
            # OpenCV finds frames at equal distances. Elsewhere it comes out before or behind: the time tells.
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, wish)
            time = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000 if self._capture.grab() else -1.0
            self._here = bisect_left(self._times, time - SAME)
            if time < 0 or abs(self._times[min(self._here, len(self._times) - 1)] - time) > SAME:
                break
            if self._here <= index:
                self._take()
                return
            wish -= 2 * (self._here - index)
        self._capture.release()
        self._capture, self._here = open_file(self._file), -1

    def _take(self) -> None:
        """Keep the frame that was grabbed last."""
        there, image = self._capture.retrieve()
        if there:
            time = self._times[self._here] if self._times else self._here / self.fps
            self._keep(Frame(image, self._here, time))  # type: ignore[arg-type]

    def _keep(self, frame: Frame) -> Frame:
        self._kept.pop(frame.index, None)
        self._kept[frame.index] = frame
        if len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]
        return frame

    def close(self) -> None:
        """Release the file; a frame asked for later opens it again."""
        self._capture.release()
        self._kept.clear()
        self._here = -2  # before no frame: it has to be sought


def _times(path: Path, first: float) -> list[float]:
    """List the times of all frames in seconds, without decoding one; empty if the file has none to go by."""
    packets, times = open_file(path), []
    packets.set(cv2.CAP_PROP_FORMAT, -1)  # raw: the stream's packets as they are
    while packets.grab():
        times.append(packets.get(cv2.CAP_PROP_POS_MSEC) / 1000)
    packets.release()
    times = sorted(time for time in times if time > first - SAME)  # packets come in the order of decoding
    steps = (after - before for before, after in pairwise(times))
    return times if all(step > SAME for step in steps) else []


class Live(Clip):
    """A camera or a stream: its next frame, and the last ones again."""

    def __init__(self, source: str | int) -> None:
        self.path = self.count = None
        self.name = f"camera{source}" if isinstance(source, int) else "stream"
        self._video, self._kept = open_video(source, pace=True), {}
        self.size, self.fps = self._video.size, self._video.fps or 30.0

    def frame(self, index: int) -> Frame | None:
        """Return the frame with this number if it is the next one or among the last ones, else None."""
        if index in self._kept or index != max(self._kept, default=-1) + 1:
            return self._kept.get(index)
        frame = next(self._video, None)
        return self._keep(frame) if frame is not None else None

    def close(self) -> None:
        """Release the camera; again is harmless."""
        self._video.close()
