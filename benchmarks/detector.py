"""The detector against the kit's plain formula."""

from collections.abc import Iterator

import cv2
import numpy as np

from factory_lib import MotionDetector, MotionPreset, open_video, resource_path
from factory_lib.motion import Image

from .paired import Ratio, timed

# A frame that was just decoded is in the processor's cache: it is looked at again and again, not in turn.
REPEATS = 50


def plain_passes(image: Image, preset: MotionPreset) -> bool:
    """Decide by the kit's rule, restated without any thought of speed; not for inverted or flipped."""
    (left, top), (right, bottom) = preset.roi_top_left, preset.roi_bottom_right
    brightness = np.maximum.reduce(cv2.split(image[top:bottom, left:right]))
    _, binary = cv2.threshold(brightness, preset.threshold, 255, cv2.THRESH_BINARY)
    strips = binary[: preset.top_margin], binary[preset.top_margin :]
    top_share, mid_share = (cv2.countNonZero(strip) / strip.size for strip in strips)
    return top_share <= preset.top_ratio and mid_share >= preset.mid_ratio


def cases() -> Iterator[Ratio]:
    """Compare on the shipped clip's frames, apart by what it takes to decide them."""
    preset = MotionPreset()
    detector = MotionDetector(preset)
    both: list[Image] = []
    top_only: list[Image] = []
    for frame in open_video(resource_path("conveyor.mp4")):
        if frame.index % 3 == 0:
            top_decides = detector.explain(frame.image).top_ratio > preset.top_ratio
            (top_only if top_decides else both).append(frame.image)
    for name, images, goal in (("both strips", both, 5.0), ("top only", top_only, 10.0)):

        def ours(images: list[Image] = images) -> int:
            for image in images:
                for _ in range(REPEATS):
                    detector.detect(image, 0.0)
            return REPEATS * len(images)

        def theirs(images: list[Image] = images) -> int:
            for image in images:
                for _ in range(REPEATS):
                    plain_passes(image, preset)
            return REPEATS * len(images)

        what = f"detector, {name}"
        yield Ratio(what, timed(ours), "plain formula", timed(theirs), "frame", goal, pairs=11)
