"""Frames out: desktop windows, or nothing."""

import ctypes
import importlib.util
import os
import sys
from pathlib import Path
from typing import Literal, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from .errors import DisplayError

Image = NDArray[np.uint8]
# Where a window goes first: live pictures side by side, what was detected below.
CELL_WIDTH, LIVE_HEIGHT = 660, 560


class Display(Protocol):
    """What the main loop needs: used from the main thread only, as windows demand."""

    def show(self, title: str, image: Image) -> None:
        """Show an image of shape (H, W, 3), BGR, in the window `title`."""
        ...

    def poll(self) -> bool:
        """Let the windows live; False once the person wants to stop."""
        ...

    def close(self) -> None:
        """Put everything away; again is harmless."""
        ...


class NoDisplay:
    """Shows nothing, for machines without a screen and for measurements."""

    def show(self, title: str, image: Image) -> None:
        """Do nothing."""

    def poll(self) -> bool:
        """Go on."""
        return True

    def close(self) -> None:
        """Do nothing."""


class WindowDisplay:
    """Desktop windows. The keys q and Esc and closing a window mean stop.

    Raises
    ------
    DisplayError
        If no window can be opened here. OpenCV would not raise then but end the whole process.
    """

    def __init__(self) -> None:
        problem = windows_problem()
        if problem:
            raise DisplayError(
                f"No window can be opened: {problem}.", "Use --display none, and --save DIR to see the crops."
            )
        give_qt_a_font()
        self._titles: list[str] = []
        self._open = True

    def show(self, title: str, image: Image) -> None:
        """Show the image, opening its window the first time."""
        if not self._open:
            return
        if title not in self._titles:
            self._open_window(title, image)
        elif cv2.getWindowProperty(title, cv2.WND_PROP_VISIBLE) < 1:
            # imshow would open it again: a window that the person closed stays closed.
            self._open = False
            return
        cv2.imshow(title, image)

    def poll(self, milliseconds: int = 1) -> bool:
        """Handle key presses and redraw."""
        if self._open and self._titles:
            self._open = cv2.waitKey(milliseconds) & 0xFF not in (ord("q"), 27)
        return self._open

    def close(self) -> None:
        """Close the windows that this display opened."""
        for title in self._titles:
            if cv2.getWindowProperty(title, cv2.WND_PROP_VISIBLE) >= 1:
                cv2.destroyWindow(title)
        if self._titles:
            cv2.waitKey(1)  # only here does the window system really take them away
        self._titles.clear()

    def _open_window(self, title: str, image: Image) -> None:
        self._titles.append(title)
        cameras = list(dict.fromkeys(name.split()[0] for name in self._titles))
        cv2.namedWindow(title, cv2.WINDOW_AUTOSIZE | cv2.WINDOW_GUI_NORMAL)
        # Shown empty, or moved before it is on the screen, a window may stay black (Qt on X11).
        cv2.imshow(title, image)
        self.poll(100)
        left = CELL_WIDTH * cameras.index(title.split()[0])
        cv2.moveWindow(title, left, LIVE_HEIGHT if title.endswith("detected") else 0)


def open_display(kind: Literal["auto", "windows", "none"] = "auto") -> WindowDisplay | NoDisplay:
    """Choose where frames are shown; "auto" means windows where there can be any."""
    if kind == "none" or (kind == "auto" and windows_problem()):
        return NoDisplay()
    return WindowDisplay()


def give_qt_a_font() -> None:
    """Let OpenCV's windows use the font that matplotlib ships: their Qt has none and complains on stderr."""
    matplotlib = importlib.util.find_spec("matplotlib")
    if "QT_QPA_FONTDIR" in os.environ and matplotlib and matplotlib.origin:
        os.environ["QT_QPA_FONTDIR"] = str(Path(matplotlib.origin).parent / "mpl-data" / "fonts" / "ttf")


def windows_problem() -> str | None:
    """Say why no window can be opened here, without touching OpenCV's windows; None if one can.

    With no display OpenCV aborts the process, which no ``except`` can catch.
    """
    if not cv2.currentUIFramework():
        return "this OpenCV was built without windows (the package opencv-python-headless)"
    if sys.platform != "linux":
        return None
    if not os.environ.get("DISPLAY"):
        return "there is no display (the variable DISPLAY is not set)"
    return None if _x_server_answers() else f"the display {os.environ['DISPLAY']} does not answer"


_connections: dict[str, int] = {}


def _x_server_answers() -> bool:
    """Ask the X server itself: DISPLAY may name one that is gone, or that does not let us in."""
    display = os.environ["DISPLAY"]
    if display not in _connections:
        try:
            x11 = ctypes.CDLL("libX11.so.6")
        except OSError:  # without libX11 OpenCV finds no display either
            return False
        x11.XOpenDisplay.restype = ctypes.c_void_p
        connection = x11.XOpenDisplay(display.encode())
        if connection:
            # Never closed: an X server that loses its only client starts afresh, and just then OpenCV
            # would find nobody and abort.
            _connections[display] = connection
    return display in _connections
