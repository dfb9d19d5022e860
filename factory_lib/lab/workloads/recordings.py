"""Many short recordings, and what is done with them, for notebook 08."""

import functools
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2

from ...motion import Detection, MotionDetector
from ...preset import MotionPreset
from ...resources import resource_path
from ...video import Frame, open_video
from .cameras import CLIPS


@contextmanager
def short_recordings(count: int = 16, frames: int = 100) -> Iterator[list[Path]]:
    """Write so many copies of Cam1's first frames into a folder of their own; it goes with the ``with``."""
    with tempfile.TemporaryDirectory(prefix="recordings-", ignore_cleanup_errors=True) as folder:
        paths = [Path(folder, f"recording-{number:04}.mp4") for number in range(1, count + 1)]
        for path in paths:
            path.write_bytes(_short_clip(frames))
        yield paths


@functools.cache
def _short_clip(frames: int) -> bytes:
    with tempfile.TemporaryDirectory() as folder, open_video(resource_path(CLIPS["Cam1"][0])) as video:
        path = Path(folder, "clip.mp4")
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), video.fps, video.size)
        for _, frame in zip(range(frames), video, strict=False):
            writer.write(frame.image)
        writer.release()
        return path.read_bytes()


def frames_of(recording: Path) -> list[Frame]:
    """Read all frames of a recording, as whoever wants to send them has to."""
    with open_video(recording) as video:
        return list(video)


def inspect_frames(frames: Sequence[Frame], preset: MotionPreset) -> list[Detection]:
    """Do with frames what inspect_recording does with a path."""
    detector = MotionDetector(preset)
    found = (frame for frame in frames if detector.detect(frame.image, frame.time) is not None)
    return [Detection(frame.index, frame.time) for frame in found]
