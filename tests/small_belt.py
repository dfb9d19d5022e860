"""A belt small enough to be read in a moment, and clips whose frames are hard to find."""

import functools
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from factory_lib import MotionPreset, open_video, resource_path
from factory_lib.conveyor.belt import write_clip
from factory_lib.ground_truth import GroundTruth

# The slide's preset for a picture a quarter as wide.
SMALL = MotionPreset(
    top_margin=3,
    roi_top_left=(3, 0),
    roi_bottom_right=(53, 22),
    crop_top_left=(0, 2),
    crop_bottom_right=(56, 58),
)
PARTS, FRAMES = 3, 240


@functools.cache
def _belt() -> tuple[bytes, GroundTruth]:
    path = resource_path("conveyor.mp4")
    with open_video(path) as video, tempfile.TemporaryDirectory() as folder:
        images = [cv2.resize(shot.image, (160, 120)) for shot, _ in zip(video, range(FRAMES), strict=False)]
        write_clip(images, Path(folder) / "belt.mp4")  # type: ignore[arg-type]
        clip = (Path(folder) / "belt.mp4").read_bytes()
    truth = GroundTruth.load(path.with_suffix(".json"))
    return clip, replace(truth, frames=FRAMES, size=(160, 120), parts=truth.parts[:PARTS])


def small_clip(folder: Path, name: str = "belt") -> Path:
    """Write the beginning of the course's first clip a quarter as wide, and its truth."""
    clip, truth = _belt()
    path = folder / f"{name}.mp4"
    path.write_bytes(clip)
    truth.save(path.with_suffix(".json"))
    return path


def numbered_clip(path: Path, times: Sequence[float], options: dict[str, str]) -> Path:
    """Write a clip of H.264 whose frame i shows a white bar at i, at these times in seconds."""
    with av.open(path, "w") as file:
        stream = file.add_stream("libx264", rate=30, options=options | {"threads": "1"})
        stream.width, stream.height, stream.pix_fmt = 320, 64, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 90_000)
        for i, time in enumerate(times):
            image = np.zeros((64, 320, 3), np.uint8)
            image[:, i : i + 4] = 255
            frame = av.VideoFrame.from_ndarray(image, "bgr24")
            frame.pts, frame.time_base = round(90_000 * time), Fraction(1, 90_000)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


def other(**changes: object) -> MotionPreset:
    """Return the small belt's preset with keys changed."""
    return replace(SMALL, **changes)  # type: ignore[arg-type]
