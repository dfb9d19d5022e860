import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import pytest
from conftest import colour, turns, wait_until
from desktop import close_window, is_drawn, place_of, titles, virtual_screen, xdotool

from factory_lib import display
from factory_lib.display import NoDisplay, open_display, windows_problem
from factory_lib.errors import DisplayError

linux = pytest.mark.skipif(sys.platform != "linux", reason="speaks of X11 displays")


linux = pytest.mark.skipif(sys.platform != "linux", reason="speaks of X11 displays")


@linux
@pytest.mark.usefixtures("no_display")
def test_without_a_display_auto_shows_nothing_and_windows_is_one_error() -> None:
    nothing = open_display("auto")
    assert isinstance(nothing, NoDisplay)
    nothing.show("Cam1 live", colour(0, 0, 0))
    assert nothing.poll()
    nothing.close()

    with pytest.raises(DisplayError, match=r"No window can be opened: .*DISPLAY is not set.*--display none"):
        open_display("windows")


@linux
def test_a_display_that_is_gone_is_noticed_before_opencv_aborts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":987")

    assert windows_problem() == "the display :987 does not answer"
    assert isinstance(open_display("auto"), NoDisplay)


@linux
def test_without_libx11_no_display_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setenv("DISPLAY", ":986")
    monkeypatch.setattr(display.ctypes, "CDLL", missing)

    assert windows_problem() == "the display :986 does not answer"


def test_an_opencv_without_windows_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "currentUIFramework", lambda: "")

    assert "opencv-python-headless" in (windows_problem() or "")


def test_none_never_asks_for_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display, "windows_problem", lambda: pytest.fail("asked"))

    assert isinstance(open_display("none"), NoDisplay)


def test_systems_other_than_linux_have_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "currentUIFramework", lambda: "COCOA")
    monkeypatch.setattr(sys, "platform", "darwin")

    assert windows_problem() is None


SCRIPT = """
import sys, numpy as np
from factory_lib.display import WindowDisplay
windows = WindowDisplay()
shown = 0
for shown in range(3000):
    for title in ("Cam1 live", "Cam2 live"):
        windows.show(title, np.full((480, 640, 3), 80, np.uint8))
    if shown == 2:
        windows.show("Cam2 detected", np.full((224, 224, 3), 200, np.uint8))
    if shown == 5:
        print("ready", flush=True)
    if not windows.poll():
        break
stopped = not windows.poll()
windows.show("Cam1 live", np.zeros((480, 640, 3), np.uint8))
windows.show("new", np.zeros((480, 640, 3), np.uint8))
windows.close()
windows.close()
print("stopped" if stopped else "went on", flush=True)
sys.stdin.readline()
"""


@pytest.fixture(scope="module")
def xvfb() -> Iterator[str]:
    with virtual_screen() as name:
        yield name


@pytest.mark.parametrize("how", ["q", "Escape", "close the window"])
def test_windows_show_up_and_a_key_or_a_closed_window_means_stop(xvfb: str, how: str) -> None:
    def visible() -> list[str]:
        ids = xdotool(xvfb, "search", "--onlyvisible", "--name", "Cam|new").split()
        return sorted(xdotool(xvfb, "getwindowname", number) for number in ids)

    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        env=os.environ | {"DISPLAY": xvfb},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        assert wait_until(lambda: visible() == ["Cam1 live", "Cam2 detected", "Cam2 live"])
        if how == "close the window":
            close_window(xvfb, "Cam2 live")
        else:
            xdotool(xvfb, "mousemove", "300", "200", "click", "1", "key", how)
        assert process.stdout.readline() == "stopped\n"
        assert wait_until(lambda: visible() == [])
        _, errors = process.communicate("\n", timeout=20)

    assert (process.returncode, errors) == (0, "")


@contextmanager
def shown(screen: str) -> Iterator[None]:
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        env=os.environ | {"DISPLAY": screen},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield
        process.kill()


TITLES = ("Cam1 live", "Cam2 live", "Cam2 detected")


@pytest.mark.parametrize("turn", turns(6, quick=2))
def test_no_window_stays_black(xvfb: str, turn: int) -> None:
    """Unless OpenCV's Qt missed that it is there, as it does on a busy machine: a person starts again."""

    def all_are_drawn() -> bool:
        with shown(xvfb):
            return wait_until(lambda: all(is_drawn(xvfb, title) for title in TITLES), seconds=8)

    assert any(all_are_drawn() for _ in range(5))


def test_windows_do_not_cover_one_another(xvfb: str) -> None:
    boxes = []
    with shown(xvfb):
        assert wait_until(lambda: titles(xvfb) == sorted(TITLES))
        for title in TITLES:
            x, y, width, height = place_of(xvfb, title)
            boxes.append((x, y, x + width, y + height))

    (one, two, crop) = boxes
    assert one[2] <= two[0]
    assert two[3] <= crop[1]
    assert crop[0] == two[0]
