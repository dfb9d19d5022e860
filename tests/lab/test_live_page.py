"""The live view in a kernel, with the test as its page: what is sent, held back, answered and left behind."""

import math
import queue
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import cv2
import nbformat
import numpy as np
import pytest
from conftest import wait_until
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from factory_lib.classroom.lessons import WIDGET, execute, tidy

PYTHON = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
# A factory that runs until it is stopped, and says in a file how it ended.
FACTORY = """
import itertools, threading, time
from pathlib import Path
import numpy as np
from queue import Queue
from factory_lib import *
from factory_lib.lab import LiveView, sender

def frames():
    for index in itertools.count():
        time.sleep(0.005)
        yield Frame(np.full((480, 640, 3), index % 256, np.uint8), index, index / 30)

def factory(view):
    events = Queue(8)
    cameras = [Camera(f"Cam{n}", frames(), MotionDetector(MotionPreset())) for n in (1, 2)]
    with FactoryController() as controller:
        view.look_at(cameras, controller, events)
        report = run_factory(cameras, controller, view, events=events)
    Path("ended").write_text("orderly", encoding="utf-8")
    return report

def left():
    names = sorted(thread.name for thread in threading.enumerate())
    return [name for name in names if name.startswith(("LiveView", "factory", "camera"))]
"""


class Page:
    """What a browser is to a kernel: it keeps the widgets' state, and may answer."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self.client = client
        self.state: dict[str, dict[str, Any]] = {}
        self.buffers: dict[str, bytes] = {}
        self.sets: Counter[str] = Counter()
        self.published: list[dict[str, Any]] = []
        self.printed = ""
        self.errors: list[str] = []
        self.answers = math.inf  # so many more

    def run(self, code: str) -> None:
        self.client.execute(code)

    def look(self, until: Callable[[], Any], seconds: float = 30) -> None:
        """Take messages until something is so."""
        deadline = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < deadline, (self.errors, self.sets)
            with suppress(queue.Empty):
                message = self.client.get_iopub_msg(timeout=0.05)
                self.take(message["msg_type"], message["content"], message["buffers"])

    def take(self, kind: str, content: dict[str, Any], buffers: list[Any]) -> None:
        if kind in ("display_data", "update_display_data"):
            self.published.append(content["data"])
        elif kind == "error":
            self.errors.append(f"{content['ename']}: {content['evalue']}")
        elif kind == "stream":
            self.printed += content["text"]
        elif kind == "comm_close":
            self.state.pop(content["comm_id"], None)
        elif kind.startswith("comm_") and "state" in content["data"]:
            number, new = content["comm_id"], content["data"]["state"]
            self.state.setdefault(number, {}).update(new)
            if buffers:
                self.buffers[number] = bytes(buffers[0])
            self.sets[number] += kind == "comm_msg" and content["data"]["method"] == "update"
            if self.answers > 0 and number == self.link("source"):
                self.answers -= 1
                self.send(self.link("target"), {"method": "update", "state": {"value": new["value"]}})

    def send(self, number: str, data: dict[str, Any]) -> None:
        content = {"comm_id": number, "data": data}
        self.client.shell_channel.send(self.client.session.msg("comm_msg", content))

    def link(self, end: str) -> str:
        """Return the model at one end of the page's own link."""
        for state in self.state.values():
            if state.get("_model_name") == "DirectionalLinkModel":
                return str(state[end][0]).removeprefix("IPY_MODEL_")
        return ""

    def find(self, key: str, value: str) -> str:
        return next((number for number, state in self.state.items() if state.get(key) == value), "")

    def words(self) -> str:
        """Return all that stands in HTML widgets."""
        shown = (state for state in self.state.values() if state.get("_model_name") == "HTMLModel")
        return "\n".join(str(state["value"]) for state in shown)

    def click(self, button: str) -> None:
        self.send(self.find("description", button), {"method": "custom", "content": {"event": "click"}})

    def says(self, code: str) -> str:
        """Run a cell that prints one line, and return it."""
        self.printed = ""
        self.run(code)
        self.look(lambda: self.printed.endswith("\n"))
        return self.printed.rstrip()


@contextmanager
def new_kernel(folder: Path) -> Iterator[tuple[KernelManager, BlockingKernelClient]]:
    manager = KernelManager(kernel_name="python3")
    assert manager.kernel_spec is not None
    manager.kernel_spec.argv = PYTHON
    manager.start_kernel(cwd=str(folder))
    client = manager.client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=60)
        client.execute_interactive(FACTORY, timeout=60)
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlockingKernelClient]:
    with new_kernel(tmp_path_factory.mktemp("kernel")) as (_, client):
        yield client


@pytest.fixture
def page(kernel: BlockingKernelClient) -> Iterator[Page]:
    page = Page(kernel)
    yield page
    page.answers = math.inf
    assert page.says("view.stop()\nview.join(timeout=20) if view._result else None\nprint(left())") == "[]"
    assert page.errors == []


def test_a_page_gets_pictures_and_can_stop_and_start_again(page: Page) -> None:
    page.run("view = LiveView(factory)\nview")
    page.look(lambda: page.sets[page.find("tooltip", "Cam2: live")] > 10 and "ms old" in page.words())

    picture = cv2.imdecode(np.frombuffer(page.buffers[page.find("tooltip", "Cam1: live")], np.uint8), -1)
    assert picture.shape == (300, 400, 3)
    assert re.search(
        r"Running for \d+ s\. The page gets \d+ updates a second, less than \d+ ms old\.", page.words()
    )
    assert "<b>green on</b>" in page.words()
    assert page.state[page.find("description", "Start")]["disabled"]

    page.click("Stop")
    page.look(lambda: ": stopped." in page.words())
    assert page.state[page.find("description", "Stop")]["disabled"]
    assert page.says("view.join(timeout=20)\nprint(left())") == "[]"

    page.click("Start")
    page.look(lambda: "Running for" in page.words())
    assert not page.state[page.find("description", "Stop")]["disabled"]


def test_a_second_view_takes_the_first_one_s_widgets_away_and_leaves_its_last_pictures(page: Page) -> None:
    page.run("view = LiveView(factory)\nview")
    page.look(lambda: page.sets[page.find("tooltip", "Cam2: live")] > 3)
    page.run("second = LiveView(factory, seconds=0.2)\nsecond")
    page.look(lambda: "stopped, as seconds=0.2 says" in page.words())

    remains = [data for data in page.published if WIDGET not in data][-1]
    assert "stopped, since a newer view began" in remains["text/plain"]
    alts = re.findall('<img alt="(.*?)"', remains["text/html"])
    assert alts == ["Cam1: the last picture", "Cam2: the last picture", "How full the queue was"]
    assert sum(state.get("description") == "Stop" for state in page.state.values()) == 1
    ended = "second.join(timeout=20)\nprint(left(), view.join(timeout=0).cameras['Cam1'].read > 0)"
    assert page.says(ended) == "[] True"


def test_a_main_loop_in_the_cell_itself_is_shown_below_it(page: Page) -> None:
    code = (
        "view = LiveView()\nfor n in range(3):\n    view.show('Cam1 live', np.full((9, 9, 3), n, np.uint8))\n"
    )
    assert page.says(code + "view.close()\nprint(left())") == "[]"

    first, last = (data for data in page.published if WIDGET in data)
    assert first[WIDGET] == last[WIDGET]
    assert first["text/plain"].startswith("Not started.")
    assert re.match(r"After \d+\.\d s: ended\.\n.*\n +Cam1 +\? +3 +\? +0\n", last["text/plain"])
    assert last["text/html"].count("<img") == 1  # of a queue that nobody told there is no line
    # Nothing to start here: the main loop is not the view's own.
    assert page.state[page.find("description", "Start")]["disabled"]


def test_a_main_loop_that_uses_it_again_may_have_other_cameras(page: Page) -> None:
    show = "view.show('Cam{} live', np.zeros((9, 9, 3), np.uint8))\ntime.sleep(0.5)\n"
    code = (
        f"view = LiveView()\n{show.format(1)}{show.format(2)}view.close()\n{show.format(2)}print(view.poll())"
    )
    assert page.says(code) == "True"
    assert page.says("view.close()\nprint(view)").endswith("Board: nobody told the view which.")
    assert page.says("print(str(view).count('Cam'), left())") == "1 []"
    # And in another cell it is shown below that one.
    page.published.clear()
    assert page.says(show.format(1) + "view.close()\nprint(left())") == "[]"
    assert len(page.published) == 2


def test_a_page_that_does_not_answer_gets_no_more_and_when_it_is_gone_the_view_ends(page: Page) -> None:
    page.run("sender.GONE = 1.0\nview = LiveView(factory)\nview")
    page.look(lambda: "ms old" in page.words())
    page.answers = 0
    before = int(page.state[page.link("source")]["value"])
    page.look(lambda: "since the page was gone" in page.words())

    # Three may be on their way, and the last pictures are sent at the end.
    assert int(page.state[page.link("source")]["value"]) - before <= 3 + 1
    assert page.says("view.join(timeout=20)\nprint(left())") == "[]"


def test_a_page_is_not_taken_to_be_gone_while_the_kernel_runs_a_cell(page: Page) -> None:
    page.run("sender.GONE = 1.0\nview = LiveView(factory)\nview")
    page.look(lambda: "ms old" in page.words())
    before = int(page.state[page.link("source")]["value"])

    assert page.says("time.sleep(2)\nprint(view.poll())") == "True"
    assert int(page.state[page.link("source")]["value"]) - before > 5


def test_a_view_without_a_cap_sends_on_and_ends_itself_before_the_page_freezes(page: Page) -> None:
    page.answers = 3
    page.run("sender.GONE = 15.0\nview = LiveView(factory, fps=None, seconds=20)\nview")
    page.look(lambda: "s behind" in page.words())

    assert re.search(r": stopped, since the page was 2\.\d s behind\.", page.words())
    assert int(page.state[page.link("source")]["value"]) > 15


def test_a_kernel_that_is_shut_down_in_mid_run_ends_the_factory_in_order(tmp_path: Path) -> None:
    with new_kernel(tmp_path) as (manager, client):
        page = Page(client)
        page.run("view = LiveView(factory)\nview")
        # Its cameras run: a factory that begins while Python ends has none, and needs no end.
        page.look(lambda: page.sets[page.find("tooltip", "Cam2: live")] > 3)
        manager.request_shutdown()

        assert wait_until(lambda: (tmp_path / "ended").exists()), (manager.is_alive(), page.words())
        assert wait_until(lambda: not manager.is_alive())


def test_in_a_notebook_run_without_a_page_a_picture_and_text_remain(tmp_path: Path) -> None:
    sources = [FACTORY, "view = LiveView(factory, seconds=0.5)\nview", "view.join(timeout=20).seconds < 20"]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells)
    execute(notebook, tmp_path)
    [output] = tidy(notebook).cells[1].outputs

    assert sorted(output.data) == ["text/html", "text/plain"]
    assert output.data["text/html"].count("<img alt=") == 3
    assert re.match(
        r"After \d\.\d s: stopped, as seconds=0\.5 says\.\n    camera ", output.data["text/plain"]
    )
