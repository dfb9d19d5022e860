"""Frames out: desktop windows, nothing, or a folder."""

import ctypes
import math
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
TILE, CAPTION, COLUMNS = 112, 16, 12
# A contact sheet with more tiles than this is no longer looked at; the crops themselves are all kept.
MOST_TILES = 20 * COLUMNS


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
        self._titles: list[str] = []
        self._open = True

    def show(self, title: str, image: Image) -> None:
        """Show the image, opening its window the first time."""
        if not self._open:
            return
        if title not in self._titles:
            self._open_window(title)
        elif cv2.getWindowProperty(title, cv2.WND_PROP_VISIBLE) < 1:
            # imshow would open it again: a window that the person closed stays closed.
            self._open = False
            return
        cv2.imshow(title, image)

    def poll(self) -> bool:
        """Handle key presses and redraw."""
        if self._open and self._titles:
            self._open = cv2.waitKey(1) & 0xFF not in (ord("q"), 27)
        return self._open

    def close(self) -> None:
        """Close the windows that this display opened."""
        for title in self._titles:
            if cv2.getWindowProperty(title, cv2.WND_PROP_VISIBLE) >= 1:
                cv2.destroyWindow(title)
        if self._titles:
            cv2.waitKey(1)  # only here does the window system really take them away
        self._titles.clear()

    def _open_window(self, title: str) -> None:
        camera = title.split()[0]
        cameras = list(dict.fromkeys([*(name.split()[0] for name in self._titles), camera]))
        cv2.namedWindow(title)
        cv2.moveWindow(
            title, CELL_WIDTH * cameras.index(camera), LIVE_HEIGHT if title.endswith("detected") else 0
        )
        self._titles.append(title)


class CropFolder:
    """Saves each detected crop as ``CAMERA-FRAME.png``, and all of them small on one sheet, ``detected.png``.

    Parameters
    ----------
    folder : str or path-like
        Made if it is not there.

    Raises
    ------
    DisplayError
        If the folder cannot be made or written.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self._tiles: list[tuple[str, int, Image]] = []
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._cannot(error) from None

    def save(self, camera: str, frame: int, crop: Image) -> None:
        """Save a crop of shape (h, w, 3), BGR, taken from the camera's frame with this index."""
        self._write(f"{camera}-{frame:06d}.png", crop)
        if len(self._tiles) < MOST_TILES:
            self._tiles.append((camera, frame, crop))

    def close(self) -> None:
        """Write the contact sheet, if anything was saved."""
        if self._tiles:
            self._write("detected.png", _contact_sheet(sorted(self._tiles, key=lambda tile: tile[:2])))

    def _write(self, name: str, image: Image) -> None:
        # Not cv2.imwrite: on Windows it fails for paths that are not ASCII.
        png = cv2.imencode(".png", image)[1].tobytes()
        try:
            (self.folder / name).write_bytes(png)
        except OSError as error:
            raise self._cannot(error) from None

    def _cannot(self, error: OSError) -> DisplayError:
        return DisplayError(
            f"Nothing can be saved in {self.folder}: {error.strerror}.",
            "Name a folder that you may write to.",
        )


def _contact_sheet(tiles: list[tuple[str, int, Image]]) -> Image:
    rows, height = math.ceil(len(tiles) / COLUMNS), TILE + CAPTION
    sheet = np.full((rows * height, min(len(tiles), COLUMNS) * TILE, 3), 255, np.uint8)
    for number, (camera, frame, crop) in enumerate(tiles):
        y, x = number // COLUMNS * height, number % COLUMNS * TILE
        sheet[y : y + TILE, x : x + TILE] = cv2.resize(crop, (TILE, TILE), interpolation=cv2.INTER_AREA)
        place = (x + 3, y + height - 4)
        cv2.putText(
            sheet, f"{camera} {frame}", place, cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1, cv2.LINE_AA
        )
    return sheet


def open_display(kind: Literal["auto", "windows", "none"] = "auto") -> WindowDisplay | NoDisplay:
    """Choose where frames are shown; "auto" means windows where there can be any."""
    if kind == "none" or (kind == "auto" and windows_problem()):
        return NoDisplay()
    return WindowDisplay()


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
    try:
        x11 = ctypes.CDLL("libX11.so.6")
    except OSError:
        return "the library libX11.so.6 is missing"
    # Ask the X server itself: DISPLAY may name one that is gone, or that does not let us in.
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XCloseDisplay.argtypes = [ctypes.c_void_p]
    connection = x11.XOpenDisplay(None)
    if not connection:
        return f"the display {os.environ['DISPLAY']} does not answer"
    x11.XCloseDisplay(connection)
    return None
