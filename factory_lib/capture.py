"""Opens OpenCV captures, or says in one sentence why not. What a capture gives is video.py's subject."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2

from .errors import VideoError

# FFmpeg writes its own complaints to stderr past Python; ours say the same in one sentence.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

# A stream that says nothing for this long has stopped; FFmpeg would wait 30 s.
STREAM_TIMEOUT_MS = 5000


def open_file(path: Path) -> cv2.VideoCapture:
    """Open a video file."""
    try:
        str(path).encode()
    except UnicodeEncodeError:  # OpenCV would crash
        raise VideoError(f"The name of the clip {str(path)!a} is no text in UTF-8.", "Rename it.") from None
    try:
        with path.open("rb") as file:
            is_empty = not file.read(1)
    except FileNotFoundError:
        raise VideoError(
            f"There is no clip {path}.", f"Check the path; the current folder is {Path.cwd()}."
        ) from None
    except IsADirectoryError:
        raise VideoError(f"{path} is a folder, not a clip.", "Name one video file in it.") from None
    except OSError as error:
        if os.path.isdir(path):  # Windows says "permission denied" of a folder
            raise VideoError(f"{path} is a folder, not a clip.", "Name one video file in it.") from None
        raise VideoError(
            f"The clip {path} cannot be read: {error.strerror}.", "Name a file that you may read."
        ) from None
    if is_empty:
        raise VideoError(f"The clip {path} is empty (0 bytes).", "Copy or record it again.")
    # One decoding thread: FFmpeg's own threading costs more than it gains with two cameras on few cores.
    capture = _open(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    if capture is None:
        raise VideoError(
            f"{path} is not a video that FFmpeg can read, or it was cut off.",
            "Name an mp4, avi, mkv or webm clip.",
        )
    return capture


def open_stream(url: str) -> cv2.VideoCapture:
    """Open an rtsp or http URL; it gives up after 5 s without an answer, also later while it is read."""
    timeouts = [
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
        STREAM_TIMEOUT_MS,
        cv2.CAP_PROP_READ_TIMEOUT_MSEC,
        STREAM_TIMEOUT_MS,
    ]
    capture = _open(url, cv2.CAP_FFMPEG, [*timeouts, cv2.CAP_PROP_N_THREADS, 1])
    if capture is None:
        raise VideoError(
            f"Nothing that can be played answers at {url}.",
            "Check the address, the network and the camera's power.",
        )
    return capture


def open_camera(index: int) -> cv2.VideoCapture:
    """Open a camera of this machine."""
    capture = _open(index, cv2.CAP_ANY, [])
    if capture is None:
        there = ", ".join(str(number) for number in _cameras() if number != index) or "none"
        raise VideoError(
            f"Camera {index} is not there or is in use by another program; other cameras found: {there}.",
            "Plug it in, close the other program, or name another index or a clip.",
        )
    return capture


def _cameras() -> Iterator[int]:
    """Try the indexes a camera may have; slow, so only on the way to an error message."""
    if sys.platform == "linux":
        numbers = (path.name.removeprefix("video") for path in Path("/dev").glob("video*"))
        indexes = sorted(int(number) for number in numbers if number.isdecimal())
    else:
        indexes = list(range(4))
    for index in indexes:
        capture = _open(index, cv2.CAP_ANY, [])
        if capture is not None:
            capture.release()
            yield index


def _open(source: str | int, backend: int, parameters: list[int]) -> cv2.VideoCapture | None:
    with _quiet_opencv():
        capture = cv2.VideoCapture(source, backend, parameters)
    if capture.isOpened():
        return capture
    capture.release()
    return None


@contextmanager
def _quiet_opencv() -> Iterator[None]:
    """Keep OpenCV's warnings about what it cannot open off stderr; our error says it."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)
