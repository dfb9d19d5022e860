"""The factory of notebook 07, as its cells have it, when something goes wrong: a sentence, never a hang."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from conftest import colour, wait_until

from factory_lib import Camera, FactoryError, MotionDetector, MotionPreset
from factory_lib.lab import LiveView
from factory_lib.video import Frame

NOTEBOOK = Path(__file__).resolve().parent.parent.parent / "notebooks" / "solutions" / "07_factory.ipynb"
CELLS = "imports run-one-camera run-two-threads screen stop offer factory whole-factory"


class Source:
    """A camera without an end, or one whose cable comes loose; it tells whether it was closed."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.fails_at, self.closed = fails_at, False

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        while not self.closed:
            if index == self.fails_at:
                raise OSError("the cable came loose")
            yield Frame(colour(40, 40, 40, (240, 240)), index, index / 30)
            index += 1

    def __enter__(self) -> "Source":
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True


def run_cells(patience: int = 10) -> dict[str, Any]:
    """Run the notebook's cells; their threads wait for so many seconds instead of ten."""
    cells = {cell.id: cell.source for cell in nbformat.read(NOTEBOOK, 4).cells}
    names: dict[str, Any] = {}
    for name in CELLS.split():
        source = cells[name].partition("\none, other =")[0]
        exec(source.replace("timeout=10", f"timeout={patience}"), names)
    return names


@pytest.fixture
def notebook() -> dict[str, Any]:
    return run_cells()


def use(notebook: dict[str, Any], *sources: Source) -> list[Camera]:
    cameras = [Camera(f"Cam{n}", s, MotionDetector(MotionPreset())) for n, s in enumerate(sources, 1)]
    notebook["open_cameras"] = lambda pace=0: cameras
    return cameras


def live(notebook: dict[str, Any]) -> LiveView:
    return LiveView(lambda view: notebook["factory"](view, view.pace))


def nothing_is_left(before: set[threading.Thread]) -> bool:
    return wait_until(lambda: set(threading.enumerate()) <= before)


def test_a_clip_that_is_missing_is_a_sentence(notebook: dict[str, Any]) -> None:
    before = set(threading.enumerate())
    notebook["CAM2"] = "conveyor3.mp4"
    view = live(notebook)
    view.start()
    with pytest.raises(FactoryError, match=r"There is no clip conveyor3\.mp4\. Check the path"):
        view.join(timeout=30)

    assert "ended by an error. There is no clip conveyor3.mp4." in str(view)
    assert nothing_is_left(before)


def test_a_camera_that_dies_is_heard_once_the_other_one_has_been_stopped(notebook: dict[str, Any]) -> None:
    before = set(threading.enumerate())
    cameras = use(notebook, Source(fails_at=100), Source())
    view = live(notebook)
    view.start()
    assert wait_until(lambda: cameras[1].report.read > 200)
    view.stop()
    with pytest.raises(OSError, match="the cable came loose"):
        view.join(timeout=30)

    assert cameras[0].report.read == 100
    assert "ended by an error. OSError: the cable came loose." in str(view)
    assert nothing_is_left(before)


def test_stop_before_the_first_frame_ends_it(notebook: dict[str, Any]) -> None:
    before, sources = set(threading.enumerate()), [Source(), Source()]
    cameras = use(notebook, *sources)
    may_open = threading.Event()

    def late(pace: float = 0) -> list[Camera]:
        assert may_open.wait(timeout=20)
        return cameras

    notebook["open_cameras"] = late
    view = live(notebook)
    view.start()
    view.stop()
    may_open.set()

    assert view.join(timeout=30) == cameras
    assert ": stopped.\n" in str(view)
    assert [source.closed for source in sources] == [True, True]
    assert nothing_is_left(before)


# Nobody takes their last events: Python prints of each thread that its put has found no room.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_main_loop_that_fails_ends_the_threads_and_closes_the_cameras() -> None:
    notebook = run_cells(patience=1)
    before, sources = set(threading.enumerate()), [Source(), Source()]
    use(notebook, *sources)
    taken = notebook["main_loop"]

    def broken(events: Any, threads: Any, stop: Any, display: Any) -> None:
        class Display:
            def show(self, title: str, image: Any) -> None:
                raise RuntimeError("the display is broken")

            def poll(self) -> bool:
                return True

        taken(events, threads, stop, Display())

    notebook["main_loop"] = broken
    with pytest.raises(RuntimeError, match="the display is broken"):
        notebook["factory"](notebook["Screen"]())

    assert [source.closed for source in sources] == [True, True]
    assert wait_until(lambda: set(threading.enumerate()) <= before, seconds=30)
