"""The factory live in JupyterLab: pictures that change, a Stop that is heard, and nothing left behind."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import nbformat
import psutil
import pytest
from browser import Lab, count_pictures, notebook_of, running_lab
from conftest import wait_until
from nbformat import NotebookNode
from playwright.sync_api import Page, WebSocketRoute

pytestmark = pytest.mark.timeout(300)

VIEW = """
from factory_lib.lab import LiveView, sender
sender.GONE = 3.0  # seconds: the test closes the page
view = LiveView()
view
"""
JOIN = """
counts = view.join(timeout=60).cameras["Cam1"]
print("joined: the clips were read", "in part" if counts.read < 1800 else "to the end")
"""
BOTH_CHANGE = "() => ['Cam1: live', 'Cam2: live'].every(name => window.loaded[name] >= 10)"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


def find_kernel() -> psutil.Process:
    started = psutil.Process().children(recursive=True)
    [kernel] = [process for process in started if "ipykernel_launcher" in " ".join(process.cmdline())]
    return kernel


def open_clips(kernel: psutil.Process) -> list[str]:
    return sorted(Path(file.path).name for file in kernel.open_files() if file.path.endswith(".mp4"))


def check_pictures_change(page: Page, kernel: psutil.Process) -> None:
    page.get_by_role("img", name="Cam2: live").wait_for(timeout=30_000)
    count_pictures(page)
    page.wait_for_function(BOTH_CHANGE, timeout=30_000)
    assert open_clips(kernel) == ["conveyor.mp4", "conveyor2.mp4"]


def live_notebook() -> NotebookNode:
    return notebook_of(*map(nbformat.v4.new_code_cell, (VIEW, JOIN)))


def test_the_view_shows_stops_begins_again_and_ends_with_its_page(lab: Lab) -> None:
    with lab.opened(live_notebook()) as notebook:
        page, kernel = notebook.page, find_kernel()
        start, stop = (page.locator(".widget-button", has_text=word) for word in ("Start", "Stop"))

        # The first cell has returned, the second waits; Stop is heard all the same.
        notebook.begin_all()
        check_pictures_change(page, kernel)
        page.get_by_text("ms old").wait_for(timeout=60_000)
        stop.click()
        page.get_by_text("joined: the clips were read in part").wait_for(timeout=30_000)
        page.get_by_text(": stopped.").wait_for(timeout=10_000)
        assert open_clips(kernel) == []

        start.click()
        check_pictures_change(page, kernel)
        page.locator(".widget-dropdown select").select_option("2x")

        # Run once more while it runs: there is one view, and it is the new one.
        notebook.run_cell("view = LiveView()")
        check_pictures_change(page, kernel)
        assert stop.count() == 1

        page.close()
        assert wait_until(lambda: open_clips(kernel) == [], seconds=60)


def test_a_page_that_is_heard_aside_late_is_heard_while_a_cell_runs(lab: Lab) -> None:
    """JupyterLab asks for the thread in which a kernel hears it aside; a busy machine answers when it can."""
    held = []

    def hold(route: WebSocketRoute) -> None:
        server = route.connect_to_server()

        def pass_on(message: str | bytes) -> None:
            words = message if isinstance(message, str) else message.decode("latin-1")
            if "create_subshell_request" in words:
                held.append(partial(server.send, message))
            else:
                server.send(message)

        route.on_message(pass_on)

    def before(page: Page) -> None:
        page.route_web_socket(re.compile("/channels"), hold)

    with lab.opened(live_notebook(), before) as notebook:
        page = notebook.page
        notebook.begin_all()
        check_pictures_change(page, find_kernel())
        assert held
        for send in held:
            send()
        page.get_by_text("ms old").wait_for(timeout=60_000)
        page.locator(".widget-button", has_text="Stop").click()
        page.get_by_text("joined: the clips were read in part").wait_for(timeout=30_000)
