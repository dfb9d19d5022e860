"""MotionDetector tells whether a part has just arrived in the region of interest."""

import os
import time as clock
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .errors import DetectorError
from .preset import MotionPreset

Image = NDArray[np.uint8]

# How fast the running picture of the empty belt follows what it sees, as a share of the difference
# per frame: quickly where the belt shows, hardly where a part covers it.
BELT_RATE, PART_RATE = 0.02, 0.0005
UINT8 = np.dtype(np.uint8)


@dataclass(frozen=True, slots=True)
class Detection:
    """A part that has arrived: the index of the frame that showed it and that frame's time in seconds."""

    frame: int
    time: float


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """What each stage of the detector made of one frame.

    Attributes
    ----------
    roi : ndarray of uint8, shape (h, w, 3)
        The region of interest, a view of the frame.
    difference : ndarray of uint8, shape (h, w, 3)
        The region's distance from the reference; with reference "none" the region itself.
    binary : ndarray of uint8, shape (h, w)
        255 where the largest of B, G and R is greater than the threshold, else 0.
    top_ratio, mid_ratio : float
        Bright share of the top strip and of the rest, 0 to 1, as compared with the preset's limits
        (that is after `inverted`).
    passes : bool
        Whether both shares keep their limits. Whether a passing frame is *taken* also depends on the
        frames before it (`skip_time`).
    """

    roi: Image
    difference: Image
    binary: Image
    top_ratio: float
    mid_ratio: float
    passes: bool


class MotionDetector:
    """Tell for each frame of one camera whether a part has just arrived, by the rule of the course's kit.

    A frame passes when the strip at the top of the ROI is (almost) free of the part and the rest is full
    of it. Of each unbroken run of passing frames the first is taken: one crop for each part. Made without
    a preset, it needs `load_preset` before `detect`.
    """

    def __init__(self, preset: MotionPreset | None = None) -> None:
        self._preset: MotionPreset | None = None
        if preset is not None:
            self.preset = preset

    @property
    def preset(self) -> MotionPreset:
        """The settings in force; setting them starts the detector afresh."""
        if self._preset is None:
            raise DetectorError(
                "The MotionDetector has no preset yet, so it cannot tell what a part looks like.",
                "Call load_preset('motion.cfg'), or make it with MotionDetector(MotionPreset()).",
            )
        return self._preset

    @preset.setter
    def preset(self, preset: MotionPreset) -> None:
        self._preset = preset
        (left, top), (right, bottom) = preset.roi_top_left, preset.roi_bottom_right
        middle = top + preset.top_margin
        columns = slice(left, right)
        self._top = Strip(slice(top, middle), columns, preset.threshold, self._top_passes)
        self._mid = Strip(slice(middle, bottom), columns, preset.threshold, self._mid_passes)
        self._fitting_shape: tuple[int, ...] = (-1,)
        self._last_passing = -np.inf
        self._reference: NDArray[Any] | None = None

    def load_preset(self, path: str | os.PathLike[str] = "motion.cfg", key: str = "default") -> None:
        """Take the preset from a file's section; see `MotionPreset.load`."""
        self.preset = MotionPreset.load(path, key)

    def save_preset(self, path: str | os.PathLike[str] = "motion.cfg", key: str = "default") -> None:
        """Write the preset in force to a file's section; see `MotionPreset.save`."""
        self.preset.save(path, key)

    def detect(self, image: Image, time: float | None = None) -> Image | None:
        """Look at the camera's next frame.

        Parameters
        ----------
        image : ndarray of uint8, shape (H, W, 3)
            The frame, BGR.
        time : float, optional
            When it was taken, in seconds: a recording's own time, so that the answer does not depend on
            how fast it is played. Without it the monotonic clock counts.

        Returns
        -------
        ndarray of uint8, shape (h, w, 3), or None
            A copy of the preset's crop box if a part has just arrived.

        Raises
        ------
        DetectorError
            If there is no preset, or the image is no BGR picture that ROI and crop box fit in.
        """
        preset = self.preset
        self._check(image)
        if preset.reference == "none":
            # The same answer, from no more than is needed: most frames are settled by the top strip alone.
            passes = self._top.passes(image) and self._mid.passes(image)
        else:
            seen = self._explain(image)
            passes = seen.passes
            self._update_reference(seen)
        if not passes:
            return None
        now = clock.monotonic() if time is None else time
        new_part = now - self._last_passing >= preset.skip_time
        self._last_passing = now
        if not new_part:
            return None
        (left, top), (right, bottom) = preset.crop_top_left, preset.crop_bottom_right
        return image[top:bottom, left:right].copy()

    def explain(self, image: Image) -> Explanation:
        """Show what each stage makes of a frame; the detector itself stays as it was.

        With a reference other than "none" the frame is compared with what `detect` has seen so far.
        Parameters and errors are those of `detect`.
        """
        self._check(image)
        return self._explain(image)

    def _explain(self, image: Image) -> Explanation:
        preset = self.preset
        (left, top), (right, bottom) = preset.roi_top_left, preset.roi_bottom_right
        roi = image[top:bottom, left:right]
        difference = self._difference(roi)
        brightness = difference.max(axis=2)
        binary = np.where(brightness > preset.threshold, np.uint8(255), np.uint8(0))
        top_share, mid_share = (
            float(np.mean(strip > 0)) for strip in (binary[: preset.top_margin], binary[preset.top_margin :])
        )
        passes = self._top_passes(top_share) and self._mid_passes(mid_share)
        compared = self._as_compared(top_share), self._as_compared(mid_share)
        return Explanation(roi, difference, binary, *compared, passes)

    def _top_passes(self, share: float) -> bool:
        preset, share = self.preset, self._as_compared(share)
        return share >= preset.top_ratio if preset.flipped else share <= preset.top_ratio

    def _mid_passes(self, share: float) -> bool:
        preset, share = self.preset, self._as_compared(share)
        return share <= preset.mid_ratio if preset.flipped else share >= preset.mid_ratio

    def _as_compared(self, bright_share: float) -> float:
        return 1 - bright_share if self.preset.inverted else bright_share

    def _difference(self, roi: Image) -> Image:
        if self.preset.reference == "none":
            return roi
        if self._reference is None:
            # Nothing to compare the first frame with: it is the reference.
            return np.zeros_like(roi)
        return cv2.absdiff(roi, cv2.convertScaleAbs(self._reference))  # type: ignore[return-value]

    def _update_reference(self, seen: Explanation) -> None:
        if self._reference is None or self.preset.reference == "previous":
            self._reference = seen.roi.astype(np.float32)
            return
        # A running average that hardly moves where a part covers the belt: selective updating, after
        # Koller et al. 1994, "Towards robust automatic traffic scene analysis in real-time". It is not
        # quite still there, so that what stays for minutes (a moved camera) becomes belt.
        cv2.accumulateWeighted(seen.roi, self._reference, BELT_RATE, mask=cv2.bitwise_not(seen.binary))
        cv2.accumulateWeighted(seen.roi, self._reference, PART_RATE, mask=seen.binary)

    def _check(self, image: Image) -> None:
        if getattr(image, "shape", None) == self._fitting_shape and image.dtype is UINT8:
            return
        is_array = isinstance(image, np.ndarray)
        if not is_array or image.dtype != UINT8 or image.ndim != 3 or image.shape[2] != 3:
            kind = f"{image.dtype} of shape {image.shape}" if is_array else type(image).__name__
            raise DetectorError(
                f"The detector needs a BGR image (uint8 of shape (height, width, 3)), and this is {kind}.",
                "Convert it first with cv2.cvtColor, for example by COLOR_GRAY2BGR or COLOR_BGRA2BGR.",
            )
        height, width = image.shape[:2]
        for name, (right, bottom) in (
            ("ROI", self.preset.roi_bottom_right),
            ("crop box", self.preset.crop_bottom_right),
        ):
            if right > width or bottom > height:
                raise DetectorError(
                    f"The preset's {name} reaches to ({right}, {bottom}) but the frame is {width}x{height}.",
                    "Use the preset that belongs to this camera, or set the box again.",
                )
        self._fitting_shape = image.shape


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
