"""Detected crops, kept in a folder."""

import math
import os
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from .errors import DisplayError

Image = NDArray[np.uint8]
TILE, CAPTION, COLUMNS = 112, 16, 12
# A contact sheet with more tiles than this is no longer looked at; the crops themselves are all kept.
MOST_TILES = 20 * COLUMNS


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
