"""What the README and the pages in docs/ show is true: their programs run, and their links lead somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def block_with(word: str, page: str) -> str:
    [block] = [block for block in blocks(ROOT / page) if word in block]
    return block


RACE, FACTORY = block_with("explore(", "README.md"), block_with("run_factory(", "README.md")
RING = block_with("FrameRing(", "docs/factory.md")
OTHERS = [
    pytest.param(block, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, block in enumerate(blocks(page), start=1)
    if block not in (RACE, FACTORY, RING)  # which have tests of their own
]


def printed(program: str, folder: Path) -> str:
    """Run a program as a file of a learner's; return what it prints."""
    path = folder / "program.py"
    path.write_text(program, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, path],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=100,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("program", OTHERS)
def test_a_program_of_a_page_runs(program: str, tmp_path: Path, no_display: None) -> None:
    printed(program, tmp_path)


def test_the_readmes_race_is_found_as_it_says(tmp_path: Path) -> None:
    output = printed(RACE, tmp_path)

    assert output.startswith("VIOLATED: some orders go wrong.\nEvery order was tried: 6 orders, 4 of them")
    assert "loses the other's write" in output


def test_the_readmes_factory_finds_what_it_says(tmp_path: Path) -> None:
    said = FACTORY.partition("# conveyor.mp4")[2].strip()

    assert printed(FACTORY, tmp_path).splitlines() == f"conveyor.mp4 {said}".split(", ")


def test_the_ring_passes_a_hundred_frames_on(tmp_path: Path) -> None:
    output = printed(RING, tmp_path)

    assert [line.split()[:2] for line in output.splitlines()] == [["Cam1", str(n)] for n in range(100)]


def test_the_readme_is_read_in_three_minutes() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)|<img[^>]*>", "", text)

    assert len([word for word in text.split() if re.search(r"\w", word)]) <= 900


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", text) + re.findall(r'src="([^"]+)"', text)

    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []
