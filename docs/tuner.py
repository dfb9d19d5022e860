"""Draw the picture of the tuner: ``python docs/tuner.py [FILE]``, by default docs/tuner.jpg.

It starts the tool itself on a screen that nobody sees (Linux, with Xvfb and xdotool), goes to a frame in
which a part has just been detected, and takes a screenshot.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
from picture import GAP, window

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from desktop import place_of, screenshot, virtual_screen, xdotool

FRAME = 80
SURVEY = 15  # seconds, in which the tool has looked at the whole clip
TOOL = [sys.executable, "-u", "-m", "factory_lib.tuner.desktop", "--debug", "conveyor.mp4"]


def main(path: Path) -> None:
    """Run the tool and write the picture."""
    with virtual_screen() as screen:
        environment = os.environ | {"DISPLAY": screen}
        tool = subprocess.Popen(TOOL, env=environment, stdout=subprocess.PIPE, encoding="utf-8")
        assert tool.stdout is not None
        index = 0
        for line in tool.stdout:
            if line.startswith("frame"):
                index = int(line.split()[1].rstrip(":"))
            if line.startswith("frame 30:"):
                xdotool(screen, "mousemove", "320", "500", "key", "space")
            if line.startswith("key"):
                break
        for _ in range(abs(FRAME - index)):
            xdotool(screen, "key", "period" if index < FRAME else "comma")
            while not tool.stdout.readline().startswith("key"):
                pass
        time.sleep(SURVEY)
        picture = screenshot(screen)
        parts = []
        for title in ("input", "threshold", "detected"):
            left, top, width, height = place_of(screen, title)
            parts.append(window(title, picture[top : top + height, left : left + width]))
        tool.kill()
        tool.wait(timeout=10)
    sheet = np.full(
        (max(len(part) for part in parts) + 2 * GAP, sum(part.shape[1] + GAP for part in parts) + GAP, 3),
        255,
        np.uint8,
    )
    x = GAP
    for part in parts:
        sheet[GAP : GAP + part.shape[0], x : x + part.shape[1]] = part
        x += part.shape[1] + GAP
    path.write_bytes(cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes())
    print(f"Wrote {path} ({path.stat().st_size // 1024} KB)")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).with_name("tuner.jpg"))
