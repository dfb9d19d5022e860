"""Draw the README's picture from a real run: ``python docs/picture.py [FILE]``, by default docs/factory.jpg.

It runs the factory on the shipped clips with a display that, instead of opening windows, remembers what each
window shows, and stops once both cameras have detected a few parts.
"""

import sys
from pathlib import Path

import cv2
import numpy as np

from factory_lib import (
    Camera,
    FactoryController,
    MotionDetector,
    MotionPreset,
    open_video,
    resource_path,
    run_factory,
)
from factory_lib.motion import Image

WINDOWS = ("Cam1 live", "Cam1 detected", "Cam2 live", "Cam2 detected")
ENOUGH = 4
BAR, GAP, SHADE = 26, 14, (60, 52, 44)


class Memory:
    """A display that keeps the last picture of each window, as they were at a part's detection."""

    def __init__(self) -> None:
        self.latest: dict[str, Image] = {}
        self.crops = {"Cam1": 0, "Cam2": 0}

    def show(self, title: str, image: Image) -> None:
        """Keep the picture; stop keeping a camera's pictures once it has shown enough."""
        camera, kind = title.split()
        if self.crops[camera] < ENOUGH:
            self.latest[title] = image.copy()
            self.crops[camera] += kind == "detected"

    def poll(self) -> bool:
        """Go on until both cameras have detected enough."""
        return min(self.crops.values()) < ENOUGH

    def close(self) -> None:
        """Do nothing."""


def window(title: str, image: Image) -> Image:
    """Draw a window's title bar above its picture."""
    bar = np.full((BAR, image.shape[1], 3), SHADE, np.uint8)
    cv2.putText(bar, title, (8, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (240, 240, 240), 1, cv2.LINE_AA)
    return np.vstack([bar, image])


def main(path: Path) -> None:
    """Run the factory and write the picture."""
    memory = Memory()
    cameras = [
        Camera(
            name,
            open_video(resource_path(clip)),
            MotionDetector(MotionPreset.load(resource_path("motion.cfg"), key)),
        )
        for name, clip, key in (("Cam1", "conveyor.mp4", "default"), ("Cam2", "conveyor2.mp4", "cam2"))
    ]
    with FactoryController() as controller:
        run_factory(cameras, controller, memory, drop_live=False)
    sheet = np.full((480 + 224 + 2 * BAR + 3 * GAP, 2 * 640 + 3 * GAP, 3), 255, np.uint8)
    for number, title in enumerate(WINDOWS):
        picture = window(title, memory.latest[title])
        y = GAP if title.endswith("live") else 480 + BAR + 2 * GAP
        x = GAP + number // 2 * (640 + GAP)
        sheet[y : y + picture.shape[0], x : x + picture.shape[1]] = picture
    path.write_bytes(cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes())
    print(f"Wrote {path} ({path.stat().st_size // 1024} KB)")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).with_name("factory.jpg"))
