"""Frames in: a file, a camera or a stream, each frame with its own time."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from .capture import open_camera, open_file, open_stream
from .errors import VideoError

# Some containers only estimate how many frames they hold. More missing than this share is no estimate.
COUNT_TOLERANCE = 0.01
# Who is late by less than this many seconds plays faster until that is made up; by more, never.
MOST_LATE = 1.0
OpenCapture = Callable[[], cv2.VideoCapture]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a camera or a recording.

    Attributes
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        The pixels, BGR.
    index : int
        0, 1, 2, … since the source was opened.
    time : float
        Seconds: from the recording's start, by its container's timestamps; for what is live, on the
        monotonic clock.
    """

    image: NDArray[np.uint8]
    index: int
    time: float


class VideoSource(Iterator[Frame]):
    """An open file, camera or stream: an iterator of `Frame` and a context manager. Made by `open_video`.

    One thread iterates; `close` may be called from any. It is released at its end, after an error, by
    `close` and at the end of a ``with`` block. Pickled before a frame was taken, it is opened again.

    Attributes
    ----------
    fps : float
        Frames a second, as the source itself says; 0.0 if it does not know.
    size : tuple of int
        (width, height) in pixels.
    frame_count : int or None
        How many frames a recording holds, as its container says; None for what is live.
    is_live : bool
        Whether it is a camera or an endless stream.
    pace : float
        How many times its own speed a recording is played, 0 for as fast as it can be decoded. It may be
        set from any thread, also while the recording plays.
    """

    def __init__(
        self, source: str | int, open_capture: OpenCapture, is_live: bool, pace: float, loop: bool
    ) -> None:
        self._source = source
        self.name = name = source if isinstance(source, str) else f"Camera {source}"
        self.is_live = is_live
        self._open_capture = open_capture
        self.pace, self._loop = float(pace), loop and not is_live
        # A capture must not be released while another thread reads from it.
        self._lock = threading.Lock()
        self._capture: cv2.VideoCapture | None = open_capture()
        self._index = 0  # of the next frame, since opening
        self._taken = 0  # of this round of a loop
        self._round_start = self._last_time = 0.0
        self._due = self._shown = 0.0  # when the last frame was due, by the clock and by the recording
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = fps if 0 < fps < 1000 else 0.0
        self.size = (
            int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        )
        count = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self.frame_count = None if is_live else max(count, 0)
        # A recording's first frame is read at once, so that a file without frames fails when it is opened.
        self._first = None if is_live else self._read()
        if not is_live and self._first is None:
            self.close()
            raise VideoError(
                f"{name} has no frames that can be decoded.", "Record it again, or name another clip."
            )

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Frame:
        frame, self._first = self._first or self._read(), None
        if frame is None and self._loop and self._capture is not None:
            frame = self._start_again()
        if frame is None:
            self._end()
            raise StopIteration
        pace = self.pace  # read once: another thread may set it to 0
        if pace and not self.is_live:
            now = time.monotonic()
            self._due += (frame.time - self._shown) / pace
            if now - self._due > MOST_LATE:
                self._due = now
            time.sleep(max(0.0, self._due - now))
        self._shown = frame.time
        return frame

    def _read(self) -> Frame | None:
        with self._lock:
            if self._capture is None:
                return None
            there, image = self._capture.read()
            if not there:
                return None
            milliseconds = 0.0 if self.is_live else self._capture.get(cv2.CAP_PROP_POS_MSEC)
        if self.is_live:
            now = time.monotonic()
        else:
            now = self._round_start + milliseconds / 1000
            if self._index and now <= self._last_time:  # a container without timestamps
                now = self._last_time + 1 / (self.fps or 30.0)
        frame = Frame(image, self._index, now)  # type: ignore[arg-type]
        self._index += 1
        self._taken += 1
        self._last_time = now
        return frame

    def _start_again(self) -> Frame | None:
        self._check_complete()
        with self._lock:
            if self._capture is None:
                return None
            self._capture.release()
            self._capture = self._open_capture()
        self._taken = 0
        self._round_start = self._last_time + 1 / (self.fps or 30.0)
        return self._read()

    def _end(self) -> None:
        closed_by_hand = self._capture is None
        self.close()
        if closed_by_hand:
            return
        if self.is_live:
            raise VideoError(
                f"{self.name} stopped after {self._index} frames.",
                "Check its cable or network, and start again.",
            )
        self._check_complete()

    def _check_complete(self) -> None:
        count = self.frame_count or 0
        if count - self._taken > max(2, COUNT_TOLERANCE * count):
            self.close()
            raise VideoError(
                f"{self.name} ends early: frame {self._taken} of {count} cannot be read.",
                "The file is damaged or was cut off: copy or record it again.",
            )

    def close(self) -> None:
        """Release the file or camera; again is harmless. An iteration under way ends."""
        with self._lock:
            if self._capture is not None:
                self._capture.release()
                self._capture = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Be opened again, from the beginning, in the process that this is sent to."""
        if self._capture is None or self._index > (self._first is not None):
            raise VideoError(
                f"{self.name} cannot go to another process: it is closed, or its first frame was taken.",
                "Open it again and send it before you take a frame.",
            )
        return partial(open_video, pace=self.pace, loop=self._loop), (self._source,)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_video(
    source: str | os.PathLike[str] | int, *, pace: float = False, loop: bool = False
) -> VideoSource:
    """Open a recording, a camera or a stream.

    Parameters
    ----------
    source : str, path-like or int
        The path of a clip, the index of a camera, or an rtsp or http URL.
    pace : float
        How many times its own speed to play a recording, so that True is its own; False or 0 as fast as it
        can be decoded. No effect on what is live.
    loop : bool
        Begin again at a recording's end; indexes and times go on counting. No effect on what is live.

    Raises
    ------
    VideoError
        If the source is not there, is no video or has no frames. While iterating: if a recording ends
        early, or a camera or stream stops.
    """
    if isinstance(source, int):
        return VideoSource(source, lambda: open_camera(source), True, pace, loop)
    name = os.fspath(source)
    if "://" in name:
        capture = open_stream(name)
        # A web server may also serve a recording: it knows how many frames it has, and can be opened again.
        is_live = capture.get(cv2.CAP_PROP_FRAME_COUNT) <= 0
        first = iter([capture])
        return VideoSource(name, lambda: next(first, None) or open_stream(name), is_live, pace, loop)
    return VideoSource(name, lambda: open_file(Path(name)), False, pace, loop)
