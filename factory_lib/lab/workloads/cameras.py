"""Work on the two cameras' frames: three kinds of it for notebook 02, and a counter of parts for 03."""

from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from ...motion import MotionDetector
from ...preset import MotionPreset
from ...resources import resource_path
from ...video import open_video
from ..lanes import Span
from ..timeline import Timeline
from .targets import SHARE

# The two cameras of every lesson: a clip, and its section in motion.cfg.
CLIPS = {"Cam1": ("conveyor.mp4", "default"), "Cam2": ("conveyor2.mp4", "cam2")}
# What a worker hands back: how many parts it has found, and who did what when.
Work = tuple[int, list[Span]]


def _camera(camera: str) -> tuple[Path, MotionPreset]:
    clip, key = CLIPS[camera]
    return resource_path(clip), MotionPreset.load(resource_path("motion.cfg"), key)


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


def stay(begun: Any, leave: Any) -> None:
    """Tell how many bytes this process needs for itself, with all that a camera imports; stay until told."""
    memory = psutil.Process()
    try:
        own = memory.memory_full_info().uss
    except psutil.AccessDenied:  # some macOS
        own = memory.memory_info().rss
    begun.put(own)
    leave.wait(timeout=60)


for _work in (inspect_with_opencv, inspect_in_python, wait_for_camera):
    _work.__defaults__ = tuple(max(1, round(full * SHARE)) for full in _work.__defaults__ or ())
