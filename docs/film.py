"""Film the README's pictures in a real browser: ``python docs/film.py [FOLDER]``, by default docs/.

It opens a notebook of two cells in JupyterLab, as the browser tests do. The lanes of a losing order become
lanes.png, and the live view, once each camera has detected a part, live.webp.
"""

import re
import sys
import time
from base64 import b64decode
from collections import deque
from functools import reduce
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image, ImageChops, ImageOps
from playwright.sync_api import CDPSession, Page

ROOT = Path(__file__).resolve().parent.parent
sys.path += [str(ROOT / "tests"), str(ROOT / "tests" / "browser")]

from browser import opened  # noqa: E402

LANES = """from factory_lib.interleave import plot_lanes
from factory_lib.lab import level

plot_lanes(level("count").explore().counterexample)"""
LIVE = """from factory_lib.lab import LiveView

LiveView()"""
KERNEL = {"name": "parallelism", "display_name": "parallelism", "language": "python"}
OUTPUT = ".jp-OutputArea-output"

FRAMES, RATE, WIDTH = 40, 8, 760  # RATE: frames a second at most
MARGIN, FINE = 10, 2  # pixels of white around; pixels of lanes.png for one of the page
PATIENCE = 60  # seconds


def trimmed(frames: list[Image.Image]) -> list[Image.Image]:
    """Cut off the white around what any of the frames shows, but for a margin."""
    box = ImageChops.invert(reduce(ImageChops.darker, frames)).getbbox()
    return [ImageOps.expand(frame.crop(box), MARGIN, "white") for frame in frames]


def film(browser: CDPSession, page: Page, count: int) -> tuple[list[Image.Image], list[int]]:
    """Take frames of the page as it changes, and tell how many milliseconds each was to be seen."""
    taken: list[tuple[float, Image.Image]] = []
    arrived: deque[dict[str, Any]] = deque()
    browser.on("Page.screencastFrame", lambda event: arrived.append(event))
    browser.send("Page.startScreencast", {"format": "jpeg", "quality": 95})
    deadline = time.monotonic() + PATIENCE
    while len(taken) <= count:
        assert time.monotonic() < deadline, f"In {PATIENCE} s only {len(taken)} frames came."
        page.wait_for_timeout(20)
        while arrived:
            event = arrived.popleft()
            # Not in the event's own handler: there an answer may still be on its way when the browser closes.
            browser.send("Page.screencastFrameAck", {"sessionId": event["sessionId"]})
            moment = event["metadata"]["timestamp"]
            if not taken or moment - taken[-1][0] >= 1 / RATE:
                taken.append((moment, Image.open(BytesIO(b64decode(event["data"]))).convert("RGB")))
    browser.send("Page.stopScreencast")
    seen = [round(1000 * (end - start)) for (start, _), (end, _) in pairwise(taken[: count + 1])]
    return [frame for _, frame in taken[:count]], seen


def main(folder: Path, count: int = FRAMES) -> None:
    """Run the notebook and write both pictures."""
    with TemporaryDirectory() as name:
        path, home = Path(name, "film.ipynb"), Path(name, "home")
        home.mkdir()
        cells = [new_code_cell(LANES), new_code_cell(LIVE)]
        nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": KERNEL}), path)
        with opened(path, home) as notebook:
            page = notebook.page
            # JupyterLab's question whether to fetch news lies over what is filmed.
            page.add_style_tag(content=".Toastify { display: none }")
            browser = page.context.new_cdp_session(page)
            notebook.run_all()
            page.mouse.move(0, 0)  # A row of a table below the mouse has another colour.

            place = notebook.find(OUTPUT, "ends as").bounding_box()
            shot = {"format": "png", "clip": {**place, "scale": FINE}}
            data = browser.send("Page.captureScreenshot", shot)["data"]
            lanes = trimmed([Image.open(BytesIO(b64decode(data))).convert("RGB")])[0]

            view = notebook.find(OUTPUT, "actuator 1")
            for number in (1, 2):
                view.get_by_text(re.compile(f"actuator {number}: [1-9]")).wait_for(timeout=1000 * PATIENCE)
            view.scroll_into_view_if_needed()
            place = view.bounding_box()
            frames, seen = film(browser, page, count)
    x, y = place["x"], place["y"]
    frames = trimmed([frame.crop((x, y, x + place["width"], y + place["height"])) for frame in frames])
    size = WIDTH, WIDTH * frames[0].height // frames[0].width
    first, *rest = [frame.resize(size, Image.Resampling.LANCZOS) for frame in frames]
    first.save(folder / "live.webp", save_all=True, append_images=rest, duration=seen, quality=60)
    lanes.quantize(64).save(folder / "lanes.png", optimize=True)
    for path in (folder / "live.webp", folder / "lanes.png"):
        print(f"Wrote {path} ({path.stat().st_size // 1024} KB)")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent)
