"""What both tools show: the boxes on the frame, the ratios beside their limits."""

import itertools

import cv2
import numpy as np
from numpy.typing import NDArray

from ..motion import Image
from ..preset import MotionPreset, Point

GREEN, RED, WHITE, DARK = (0, 190, 0), (60, 60, 255), (255, 255, 255), (48, 48, 48)  # B, G, R


def corners(preset: MotionPreset, box: str) -> tuple[Point, Point]:
    """Return the corners (left, top) and (right, bottom) of "roi" or "crop"."""
    return getattr(preset, f"{box}_top_left"), getattr(preset, f"{box}_bottom_right")


def cut(image: Image, preset: MotionPreset, box: str) -> Image:
    """Return the part of a frame in "roi" or "crop", as a view."""
    (left, top), (right, bottom) = corners(preset, box)
    return image[top:bottom, left:right]


def compared(preset: MotionPreset, top: float, mid: float) -> list[tuple[str, float, str, float, bool]]:
    """Compare a frame's ratios with their limits: name, ratio, "at most" or "at least", limit, yes or no."""
    rows = []
    for name, ratio, limit in (("top", top, preset.top_ratio), ("mid", mid, preset.mid_ratio)):
        at_most = (name == "top") != preset.flipped
        keeps = ratio <= limit if at_most else ratio >= limit
        rows.append((name, ratio, "at most" if at_most else "at least", limit, keeps))
    return rows


def write(image: Image, text: str, x: int, y: int, colour: tuple[int, int, int] = WHITE) -> None:
    """Write a line of text on a dark ground; (x, y) is where its foot begins."""
    (width, height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.5, 1)
    cv2.rectangle(image, (x - 3, y - height - 4), (x + width + 3, y + below), DARK, -1)
    cv2.putText(image, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, 1, cv2.LINE_AA)


def framed(image: Image, preset: MotionPreset, active: str = "", zoom: float = 1.0) -> Image:
    """Draw into a copy of a frame the ROI with its top margin in green and the crop box in red.

    The active one has corners to take hold of.
    """
    picture = scaled(image, zoom).copy()
    for box, colour, label in (("crop", RED, "crop"), ("roi", GREEN, "ROI")):
        (left, top), (right, bottom) = (
            [round(zoom * place) for place in corner] for corner in corners(preset, box)
        )
        cv2.rectangle(picture, (left, top), (right - 1, bottom - 1), colour, 2)
        if box == "roi":
            margin = top + round(zoom * preset.top_margin)
            cv2.line(picture, (left, margin), (right - 1, margin), colour, 1)
        for x, y in itertools.product((left, right - 1), (top, bottom - 1)) if box == active else ():
            cv2.rectangle(picture, (x - 4, y - 4), (x + 4, y + 4), colour, -1)
        write(picture, label, left + 8, bottom - 8, colour)
    return picture


def scaled(image: NDArray[np.uint8], zoom: float) -> NDArray[np.uint8]:
    """Scale a picture; pixels that get larger stay square."""
    way = cv2.INTER_AREA if zoom < 1 else cv2.INTER_NEAREST
    return cv2.resize(image, None, fx=zoom, fy=zoom, interpolation=way)  # type: ignore[return-value]
