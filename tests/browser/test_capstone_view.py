"""Notebook 07's live view as a learner has it: what the page really shows for a while, and Stop."""

import os
import re
import statistics
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from browser import NOTEBOOKS, Notebook, cells_of, count_pictures, running_lab
from nbformat import NotebookNode
from playwright.sync_api import Page

pytestmark = pytest.mark.timeout(400)

CELLS = "imports run-one-camera run-two-threads offer stop factory screen whole-factory run-live"
LAST = """
import threading

print("counted:", [(camera.report.read, camera.report.dropped) for camera in view.join(timeout=60)])
ours = ("LiveView", "factory", "(watch)")
print("left:", [one.name for one in threading.enumerate() if any(word in one.name for word in ours)])
"""
# The page itself: how old it says its pictures are, and for how long it drew nothing (ms).
WATCH = """() => {
    const seen = window.seen = {ages: [], gap: 0, on: true};
    seen.timer = setInterval(() => {
        const age = document.body.innerText.match(/less than (\\d+) ms old/);
        if (age) seen.ages.push(Number(age[1]));
    }, 250);
    let last = performance.now();
    const drawn = now => {
        seen.gap = Math.max(seen.gap, now - last);
        last = now;
        if (seen.on) requestAnimationFrame(drawn);
    };
    requestAnimationFrame(drawn);
}"""
END = "() => { seen.on = false; clearInterval(seen.timer); return {...seen, loaded} }"
COUNTS = r"read\s+([\d,]+)\s+shown\s+([\d,]+)\s+dropped\s+([\d,]+)\s+detected"


@pytest.fixture
def seconds(request: pytest.FixtureRequest) -> int:
    """Tell for how long the page is watched."""
    return 20 if request.config.getoption("slow") else 4


@pytest.fixture
def capstone(request: pytest.FixtureRequest) -> NotebookNode:
    """Take what the view needs out of the solution, and let the view run until it is stopped.

    With --slow the cell below it reads both clips to their ends, once the view has been stopped.
    """
    below = " run-accounts" if request.config.getoption("slow") else ""
    notebook = cells_of(NOTEBOOKS / "solutions" / "07_factory.ipynb", CELLS + below)
    [view] = [cell for cell in notebook.cells if "seconds=15" in cell.source]
    view.source = view.source.replace("seconds=15", "seconds=120")
    notebook.cells.append(nbformat.v4.new_code_cell(LAST))
    return notebook


def slack() -> float:
    """Return by how much this machine has more to do than these tests: 1 if it is theirs.

    A browser, a server and a kernel by themselves are a load of about 1.2 a core on two cores. Beside other
    workers of the same run they have less than half of the machine, whatever it does just now.
    """
    others = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) > 1
    return max(3.0 if others else 1.0, psutil.getloadavg()[0] / (1.5 * (os.cpu_count() or 1)))


def wait_for_pictures(page: Page) -> None:
    page.get_by_role("img", name="Cam2: live").wait_for(timeout=60_000)
    page.get_by_text("ms old").wait_for(timeout=60_000)


def stop(notebook: Notebook) -> tuple[float, str]:
    """Press Stop; return how long it took to be told in the page, and what the last cell printed."""
    page = notebook.page
    button = page.locator(".widget-button", has_text="Stop")
    button.scroll_into_view_if_needed()
    begun = time.monotonic()
    button.click()
    page.get_by_text(": stopped.").wait_for(timeout=60_000)
    took = time.monotonic() - begun
    page.get_by_text("left: [").wait_for(timeout=90_000)
    return took, page.locator(".jp-OutputArea-output", has_text="left: [").inner_text()


def test_the_view_shows_both_cameras_and_stops_at_once(
    seconds: int, capstone: NotebookNode, tmp_path: Path
) -> None:
    with running_lab(tmp_path) as lab, lab.opened(capstone) as notebook:
        page = notebook.page
        notebook.begin_all()
        wait_for_pictures(page)
        count_pictures(page)
        page.evaluate(WATCH)
        begun = time.monotonic()
        page.wait_for_timeout(1000 * seconds)
        seen, watched = page.evaluate(END), time.monotonic() - begun

        for name in ("Cam1: live", "Cam2: live"):
            assert seen["loaded"][name] / watched >= 10 / slack(), (seen, slack())
        assert statistics.median(seen["ages"]) < 200 * slack(), (seen, slack())
        assert seen["gap"] < 1000 * slack(), (seen, slack())

        took, said = stop(notebook)
        assert took < 1 * slack(), (took, slack())
        counts = re.findall(COUNTS, page.locator("body").inner_text())
        told = [[int(count.replace(",", "")) for count in camera] for camera in counts]
        assert said.splitlines()[0] == f"counted: {[(read, dropped) for read, _, dropped in told]}"
        assert all(shown <= read - dropped for read, shown, dropped in told)
        assert said.splitlines()[1] == "left: []"

        # Once more from the top: another view, and nothing of the first.
        notebook.begin_all()
        page.get_by_text("left: [").wait_for(state="detached", timeout=60_000)
        wait_for_pictures(page)
        assert page.locator(".widget-button", has_text="Stop").count() == 1
        _, said = stop(notebook)
        assert said.splitlines()[1] == "left: []"
