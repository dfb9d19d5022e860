"""What the lessons' workers do: here a process finds its target, in a cell it could not."""

import functools
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
from numpy.typing import NDArray

from ..motion import Detection, MotionDetector
from ..preset import MotionPreset
from ..producer import RingProducer
from ..resources import resource_path
from ..video import Frame, open_video
from .clips import Clip
from .lanes import Span
from .timeline import Timeline

# The two cameras of every lesson: a clip, and its section in motion.cfg.
CLIPS = {"Cam1": ("conveyor.mp4", "default"), "Cam2": ("conveyor2.mp4", "cam2")}
# What a worker hands back: how many parts it has found, and who did what when.
Work = tuple[int, list[Span]]


def _camera(camera: str) -> tuple[Path, MotionPreset]:
    clip, key = CLIPS[camera]
    return resource_path(clip), MotionPreset.load(resource_path("motion.cfg"), key)


# -- 02: three kinds of work, each for whoever runs it ---------------------------------------------


def inspect_with_opencv(camera: str, frames: int = 800) -> Work:
    """Read a camera's first frames and look for parts. Nearly all of it is C++ code in OpenCV."""
    clip, preset = _camera(camera)
    detector, timeline, parts = MotionDetector(preset), Timeline(), 0
    with open_video(clip) as video:
        for _ in range(frames):
            with timeline.span(camera, "read"):
                frame = next(video)
            with timeline.span(camera, "inspect"):
                parts += detector.detect(frame.image, frame.time) is not None
    return parts, timeline.spans


def inspect_in_python(camera: str, frames: int = 110) -> Work:
    """Do the same with a detector written in Python."""
    clip, preset = _camera(camera)
    timeline, parts, before = Timeline(), 0, False
    with open_video(clip) as video:
        for _ in range(frames):
            with timeline.span(camera, "read"):
                frame = next(video)
            with timeline.span(camera, "inspect"):
                passes = passes_in_python(frame.image, preset)
            parts += passes and not before
            before = passes
    return parts, timeline.spans


def wait_for_camera(camera: str, frames: int = 24) -> Work:
    """Take frames as a real camera gives them, 30 a second: nearly all of it is waiting."""
    timeline = Timeline()
    with open_video(_camera(camera)[0], pace=True) as video:
        for _ in range(frames):
            with timeline.span(camera, "wait"):
                next(video)
    return 0, timeline.spans


def passes_in_python(image: NDArray[np.uint8], preset: MotionPreset) -> bool:
    """Tell whether a frame passes, as MotionDetector does with reference "none", pixel by pixel."""
    (left, top), (right, bottom) = preset.roi_top_left, preset.roi_bottom_right
    bright = [0, 0]
    for y, row in enumerate(image[top:bottom, left:right]):
        values = iter(row.tobytes())
        for blue, green, red in zip(values, values, values, strict=True):
            if max(blue, green, red) > preset.threshold:
                bright[y >= preset.top_margin] += 1
    width, height = right - left, bottom - top
    share = [bright[0] / (width * preset.top_margin), bright[1] / (width * (height - preset.top_margin))]
    if preset.inverted:
        share = [1 - share[0], 1 - share[1]]
    if preset.flipped:
        return share[0] >= preset.top_ratio and share[1] <= preset.mid_ratio
    return share[0] <= preset.top_ratio and share[1] >= preset.mid_ratio


def arrive(barrier: Any) -> None:
    """Wait until every worker has started, so that what is measured next is the work alone."""
    barrier.wait(timeout=60)


# -- 03: targets of single processes ---------------------------------------------------------------


def send_pids(results: Any) -> None:
    """Send home this process's number and its parent's."""
    results.put((os.getpid(), os.getppid()))


belt_speed = 1


def append_part(parts: list[str], results: Any) -> None:
    """Append to the list that was handed over; send home what it and the speed are here."""
    parts.append("X")
    results.put((parts, belt_speed))


def nap(seconds: float = 0.3) -> None:
    """Do nothing for a while, then end as one should."""
    time.sleep(seconds)


def leave() -> None:
    """End by itself, with an exit code of its own choice."""
    sys.exit(3)


def fail() -> None:
    """End by an error. Python writes its traceback to stderr: here nowhere, to keep the lesson readable."""
    sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    raise ValueError("this worker has an error")


def write_report(path: str, begun: Any) -> None:
    """Write a file that is complete when its last line says so."""
    report = Path(path)
    try:
        report.write_text("begin\n", encoding="utf-8")
        begun.set()
        time.sleep(60)
    finally:
        report.write_text("begin\nend\n", encoding="utf-8")


def send_by_queue(queue: Any, count: int) -> None:
    """Put so many frames into a queue."""
    for number in range(count):
        queue.put(_frame(number))


def send_by_pipe(connection: Any, count: int) -> None:
    """Send so many frames through a pipe."""
    for number in range(count):
        connection.send(_frame(number))


def send_by_memory(shared: tuple[str, Any, Any], count: int) -> None:
    """Write so many frames into shared memory, each when the one before has been taken."""
    name, full, empty = shared
    memory = SharedMemory(name)
    for number in range(count):
        if not empty.acquire(timeout=60):
            raise TimeoutError("nobody took the frame for 60 s")
        np.ndarray(FRAME, np.uint8, memory.buf)[:] = _frame(number)
        full.release()
    memory.close()


def send_by_ring(end: RingProducer, count: int) -> None:
    """Write so many frames into a ring, each in its place there."""
    with end:
        for number in range(count):
            with end.reserve() as image:
                image[:] = number % 256


FRAME = (480, 640, 3)


def _frame(number: int) -> NDArray[np.uint8]:
    return np.full(FRAME, number % 256, np.uint8)


def download(url: str, folder: str, messages: Any) -> None:
    """Download a clip and tell of it in messages: its size, each piece as it comes, and where it is."""

    def progress(stream: Any, chunk: bytes, bytes_remaining: int) -> None:
        messages.put(("piece", len(chunk)))

    def complete(stream: Any, path: str) -> None:
        messages.put(("complete", path))

    stream = Clip(url, progress, complete).streams.get_highest_resolution()
    messages.put(("size", stream.filesize))
    stream.download(folder)


def count_parts(camera: str, results: Any, frames: int = 300) -> None:
    """Count the parts in a camera's first frames, and send home ("Cam1", count)."""
    results.put((camera, len(_crops(camera, frames))))


def send_crops(camera: str, results: Any, frames: int = 300) -> None:
    """Send home ("Cam1", crop) for each part in a camera's first frames, and at last ("Cam1", None)."""
    for crop in [*_crops(camera, frames), None]:
        results.put((camera, crop))


def _crops(camera: str, frames: int) -> list[NDArray[np.uint8]]:
    clip, preset = _camera(camera)
    detector = MotionDetector(preset)
    with open_video(clip) as video:
        seen = [
            detector.detect(frame.image, frame.time) for _, frame in zip(range(frames), video, strict=False)
        ]
    return [crop for crop in seen if crop is not None]


# -- what the checks give a learner's code to run --------------------------------------------------


def answer_twice(value: Any, results: Any) -> None:
    """Put twice the value after a while, and need a little longer to end."""
    time.sleep(0.3)
    results.put(value + value)
    time.sleep(0.5)


def answer_at_once(value: Any, results: Any) -> None:
    """Put twice the value and end, which waits until somebody has taken what is large."""
    results.put(value + value)


def answer_and_break(value: object, results: Any) -> None:
    """Put a result, and end with exit code 3 all the same: it is not to be trusted."""
    results.put(value)
    sys.exit(3)


# -- 06: what threads and processes cost ------------------------------------------------------------


def crash() -> None:
    """End the whole process at once, as a fault in a C library does."""
    os.abort()


def wait_a_second(seconds: float = 1.0) -> None:
    """Wait, as for a camera or the network."""
    time.sleep(seconds)


def add_squares(count: int = 25_000_000) -> int:
    """Compute in pure Python."""
    return sum(number * number for number in range(count))


def stay(begun: Any, leave: Any) -> None:
    """Tell how many bytes this process needs for itself, with all that a camera imports; stay until told."""
    memory = psutil.Process()
    try:
        own = memory.memory_full_info().uss
    except psutil.AccessDenied:  # some macOS
        own = memory.memory_info().rss
    begun.put(own)
    leave.wait(timeout=60)


# -- 08: many recordings ----------------------------------------------------------------------------


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
    with tempfile.TemporaryDirectory() as folder, open_video(_camera("Cam1")[0]) as video:
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


# -- for tests --------------------------------------------------------------------------------------

# What share of the work that is only measured is really done. What a lesson shows of these functions, and
# what it counts, stays as it is.
SHARE = float(os.environ.get("FACTORY_WORK", "1"))
for _work in (inspect_with_opencv, inspect_in_python, wait_for_camera, add_squares):
    _work.__defaults__ = tuple(max(1, round(full * SHARE)) for full in _work.__defaults__ or ())
wait_a_second.__defaults__ = (SHARE,)
