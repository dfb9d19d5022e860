"""Tells whether windows can be opened here, before OpenCV is asked to."""

import ctypes
import importlib.util
import os
import sys
from pathlib import Path

import cv2


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
