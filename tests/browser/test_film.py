import runpy
from pathlib import Path

import pytest
from PIL import Image, ImageSequence

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]


def test_the_readmes_film_and_lanes_can_be_made_again(tmp_path: Path) -> None:
    runpy.run_path(str(DOCS / "film.py"))["main"](tmp_path, 6)

    for folder in (tmp_path, DOCS):
        with Image.open(folder / "live.webp") as film:
            frames = {frame.convert("RGB").tobytes() for frame in ImageSequence.Iterator(film)}
            assert (film.width, film.info["loop"], len(frames) > 1) == (760, 0, True)
        with Image.open(folder / "lanes.png") as lanes:
            assert len(lanes.getcolors() or []) > 2
    assert (DOCS / "live.webp").stat().st_size < 1_500_000
    assert (DOCS / "lanes.png").stat().st_size < 60_000
