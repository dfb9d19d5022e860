"""A real X server without a screen, for the tests that open windows."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from numpy.typing import NDArray


@contextmanager
def virtual_screen() -> Iterator[str]:
    """Start Xvfb and give its DISPLAY; a machine without what that needs skips (in CI: fails)."""
    for program in ("Xvfb", "xdotool"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (Debian: {program.lower()})")
    reader, writer = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1400x1000x24", "-nolisten", "tcp", "-noreset"],
        pass_fds=[writer],
        stderr=subprocess.DEVNULL,
    )
    os.close(writer)
    try:
        with os.fdopen(reader, encoding="ascii") as file:
            number = file.readline().strip()  # written once the server answers
        assert number
        yield f":{number}"
    finally:
        server.terminate()
        server.wait(timeout=10)


def xdotool(screen: str, *arguments: str) -> str:
    """Do what a person would do with mouse and keyboard."""
    done = subprocess.run(
        ["xdotool", *arguments],
        env=os.environ | {"DISPLAY": screen},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=20,
        check=False,
    )
    return done.stdout.strip()


def place_of(screen: str, title: str) -> tuple[int, int, int, int]:
    """Tell where the window with this title is: left, top, width, height."""
    number = xdotool(screen, "search", "--onlyvisible", "--name", f"^{title}$").split()[0]
    text = xdotool(screen, "getwindowgeometry", "--shell", number)
    place = dict(line.split("=") for line in text.split())
    return int(place["X"]), int(place["Y"]), int(place["WIDTH"]), int(place["HEIGHT"])


def titles(screen: str) -> list[str]:
    """List the titles of the windows to be seen."""
    numbers = xdotool(screen, "search", "--onlyvisible", "--name", ".").split()
    return sorted(xdotool(screen, "getwindowname", number) for number in numbers)


def screenshot(screen: str) -> NDArray[np.uint8]:
    """Take a picture of the screen: (H, W, 3) uint8, BGR."""
    from Xlib import X, display

    connection = display.Display(screen)
    try:
        root = connection.screen().root
        size = root.get_geometry()
        image = root.get_image(0, 0, size.width, size.height, X.ZPixmap, 0xFFFFFFFF)
        return np.frombuffer(image.data, np.uint8).reshape(size.height, size.width, 4)[:, :, :3].copy()
    finally:
        connection.close()


def is_drawn(screen: str, title: str) -> bool:
    """Tell whether a window is there and shows something: what is on no window's picture is black."""
    if title not in titles(screen):
        return False
    left, top, width, height = place_of(screen, title)
    return bool((screenshot(screen)[top : top + height, left : left + width].max(axis=2) > 0).mean() > 0.4)


def close_window(screen: str, title: str) -> None:
    """Do what the cross in a window's corner does: ask the program to close the window with this title."""
    from Xlib import X, display, protocol  # on Linux only

    connection = display.Display(screen)
    try:
        (window,) = [w for w in connection.screen().root.query_tree().children if w.get_wm_name() == title]
        message = protocol.event.ClientMessage(
            window=window,
            client_type=connection.intern_atom("WM_PROTOCOLS"),
            data=(32, [connection.intern_atom("WM_DELETE_WINDOW"), X.CurrentTime, 0, 0, 0]),
        )
        window.send_event(message)
        connection.sync()
    finally:
        connection.close()
