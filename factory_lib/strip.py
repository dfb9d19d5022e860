"""Decides quickly whether one strip of a ROI passes; `MotionDetector.explain` does the same step by step."""

from bisect import bisect_left
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


class Strip:
    """One strip of a ROI, and the numbers of bright pixels that let it pass.

    Parameters
    ----------
    rows, columns : slice
        Where it lies in the frame.
    threshold : int
        A pixel is bright if one of its bytes is greater.
    keeps_limit : callable
        The rule: whether a bright share, 0 to 1, passes. It changes its answer at most once on the way up.
    """

    def __init__(
        self, rows: slice, columns: slice, threshold: int, keeps_limit: Callable[[float], bool]
    ) -> None:
        self._rows, self._bytes = rows, slice(3 * columns.start, 3 * columns.stop)
        self._threshold = threshold
        height, width = rows.stop - rows.start, columns.stop - columns.start
        self._pixels = pixels = height * width
        # The counts that pass are found by the rule's own comparison, so that rounding makes no difference.
        start = keeps_limit(0.0)
        cut = bisect_left(range(pixels + 1), True, key=lambda count: keeps_limit(count / pixels) != start)
        self._least = 0 if start else cut
        self._most = cut - 1 if start else pixels
        self._make_room(height, width)

    def _make_room(self, height: int, width: int) -> None:
        """Keep memory to work in, so that no frame has to wait for it."""
        self._bright = np.empty((height, 3 * width), np.uint8)
        flat = self._bright.reshape(-1)
        self._first, self._second, self._third = flat[:-2], flat[1:-1], flat[2:]
        self._merged, self._pixel_starts = np.empty_like(self._first), np.zeros_like(self._first)
        self._pixel_starts[::3] = 255

    def passes(self, image: NDArray[np.uint8]) -> bool:
        """Look at the strip in a frame of shape (H, W, 3), BGR.

        Its bytes settle most strips, and looking at bytes is cheaper than at pixels: a bright pixel has one
        to three bytes above the threshold, so c such bytes mean at least c / 3 and at most c bright pixels.
        """
        strip = image.reshape(image.shape[0], -1)[self._rows, self._bytes]
        cv2.threshold(strip, self._threshold, 255, cv2.THRESH_BINARY, dst=self._bright)
        count = cv2.countNonZero(self._bright)
        least, most = -(-count // 3), min(count, self._pixels)
        if self._least <= least and most <= self._most:
            return True
        if most < self._least or self._most < least:
            return False
        # Each byte or'ed with the two after it; of the results, those at a pixel's first byte count.
        np.bitwise_or(self._first, self._second, out=self._merged)
        np.bitwise_or(self._merged, self._third, out=self._merged)
        np.bitwise_and(self._merged, self._pixel_starts, out=self._merged)
        return self._least <= cv2.countNonZero(self._merged) <= self._most

    def __getstate__(self) -> tuple[Any, ...]:
        # Without the arrays: sent to a process or copied, they would no longer be views of one another.
        return self._rows, self._bytes, self._threshold, self._pixels, self._least, self._most

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._rows, self._bytes, self._threshold, self._pixels, self._least, self._most = state
        height = self._rows.stop - self._rows.start
        self._make_room(height, self._pixels // height)
