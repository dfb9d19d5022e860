"""What is tuned, with no window and no widget: a preset, the frame on show, what a detector sees in it."""

import math
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FactoryError, TruthError
from ..ground_truth import GroundTruth
from ..motion import Explanation, Image, MotionDetector
from ..preset import MotionPreset, read_text, split_sections
from ..resources import RESOURCE_FOLDER
from .clip import Clip
from .pictures import corners, cut
from .survey import Evaluation, Survey, Surveyor

SMALLEST = 8  # pixels: the least width and height of a box

ENDS = ("roi_top_left", "roi_bottom_right", "crop_top_left", "crop_bottom_right")

Points = NDArray[np.int_]


def open_clip(path: str | os.PathLike[str]) -> Clip:
    """Open a recording; one of the course's also by its bare name."""
    here, shipped = Path(path), RESOURCE_FOLDER / Path(path).name
    return Clip(shipped if here.name == str(path) and not here.exists() and shipped.is_file() else here)


def has_section(file: str | os.PathLike[str], key: str) -> bool:
    """Tell whether a preset file is there and has this section."""
    return os.path.exists(file) and key in split_sections(Path(file), read_text(Path(file)))


def listed(preset: MotionPreset) -> str:
    """Write a preset in the notation of its file."""
    return "\n".join(f"{key} = {value}" for key, value in asdict(preset).items())


class Tuning:
    """A preset while it is tuned on one clip or camera, and the frame on show.

    `saved` is the preset as it was saved last or given at first, `active` the box that mouse and arrow keys
    move ("roi" or "crop"), `notes` what the person should know at the start. There is a `surveyor` for a
    recording; ask it when the preset has changed.
    """

    def __init__(self, clip: Clip, preset: MotionPreset, file: str | os.PathLike[str], key: str) -> None:
        self.clip, self.file, self.key = clip, Path(file), key
        self.active, self.notes = "roi", list[str]()
        self.preset = self.saved = self._fitted(asdict(preset))
        if self.preset != preset:
            size = "x".join(map(str, clip.size))
            self.notes.append(f"The preset's boxes reach out of this {size} picture: they were cut.")
        self.truth: GroundTruth | None = None
        try:
            self.truth = GroundTruth.beside(clip.path) if clip.path else None
        except TruthError as error:
            self.notes.append(f"Not compared with a ground truth: {error.what}")
        self.surveyor = Surveyor(clip.path) if clip.path else None
        self._undo: list[MotionPreset] = []
        self._touched: set[str] = set()
        self._grip: tuple[str, Points, Points, Points, Points] | None = None
        self._detector, self._fed = MotionDetector(self.preset), -1
        first = clip.frame(0)
        assert first is not None
        self.frame = self._first = first

    # The frame on show

    def go(self, index: int) -> bool:
        """Show the frame with this number; False if there is none."""
        self.clip.frame(index - 1)  # on the way there: reference "previous" asks for it
        frame = self.clip.frame(index)
        self.frame = frame or self.frame
        return frame is not None

    def explain(self) -> Explanation:
        """Show what each stage of the detector makes of the frame on show.

        With reference "background" it is compared with the belt as learnt up to about there, once the whole
        clip has been surveyed; until then with the clip's first frame.
        """
        return self._taught().explain(self.frame.image)

    def detect(self) -> Image | None:
        """Let a detector look at the frame on show, after the one before: its crop or None."""
        if self._detector.preset != self.preset or self.frame.index != self._fed + 1:
            self._detector = self._taught()
        self._fed = self.frame.index
        return self._detector.detect(self.frame.image, self.frame.time)

    def _taught(self) -> MotionDetector:
        """Make a detector that knows already what it compares the frame on show with."""
        detector, image = MotionDetector(self.preset), self._first.image
        if self.preset.reference == "previous":
            image = (self.clip.frame(self.frame.index - 1) or self.frame).image
        elif self.preset.reference == "background" and self.survey:
            image = image.copy()
            cut(image, self.preset, "roi")[:] = self.survey.belt(self.frame.index)
        if self.preset.reference != "none":
            detector.detect(image, -math.inf)  # so long ago that it is no passing frame before this one
        return detector

    # The whole clip

    @property
    def survey(self) -> Survey | None:
        """The whole clip's ratios, if the surveyor has them for this preset."""
        survey = self.surveyor.survey if self.surveyor else None
        return survey if survey and survey.serves(self.preset) else None

    @property
    def account(self) -> str:
        """What the preset finds in the whole clip, in words, or why that is not known."""
        if self.survey:
            return str(self.survey.evaluate(self.preset, self.truth))
        if self.surveyor is None:
            return ""
        return str(self.surveyor.error or "The whole clip is being looked at ...")

    def evaluate(self) -> Evaluation:
        """Compare what the preset finds in the whole clip with the ground truth, if the clip has one."""
        if self.clip.path is None:
            raise FactoryError(f"{self.clip.name} has no end to look at.", "Record a clip, and tune on that.")
        survey = self.survey or Survey(self.clip.path, self.preset)
        return survey.evaluate(self.preset, self.truth)

    # The preset

    def change(self, **values: Any) -> None:
        """Set keys of the preset; boxes stay in the frame and the top margin in the ROI.

        Changes of the same keys one after the other are one step for `undo`, until `settle`.
        """
        new = self._fitted(asdict(self.preset) | values)
        if new != self.preset:
            if self._touched != set(values):
                self._undo.append(self.preset)
            self._touched, self.preset = set(values), new

    def settle(self) -> None:
        """Let the next change be a new step for `undo`."""
        self._touched = set()

    def undo(self) -> bool:
        """Take the last step back; False if there is none."""
        self.settle()
        if self._undo:
            self.preset = self._undo.pop()
            return True
        return False

    def take_over(self, other: "Tuning") -> None:
        """Let `undo` bring back what another tuning of the same clip leaves unsaved."""
        if other.preset not in (other.saved, self.preset):
            self._undo.append(other.preset)
            self.notes.append("What was set here before is not saved: Undo brings it back.")

    def save(self) -> str:
        """Write the preset to its section of the file; return a sentence that says so."""
        known = has_section(self.file, self.key)
        self.preset.save(self.file, self.key)
        self.saved = self.preset
        self.settle()
        backup = f"; what it was before is [_{self.key}_backup_]" if known else ""
        return f"Saved as [{self.key}] in {self.file.absolute()}{backup}."

    def close(self) -> None:
        """End what runs and release the clip; the preset stays."""
        if self.surveyor:
            self.surveyor.close()
        self.clip.close()

    # The boxes: arrays ((left, top), (right, bottom))

    def press(self, x: int, y: int, reach: int = 10) -> None:
        """Take hold at a point: of the ROI's corner within `reach`, or of the active box around it.

        Anywhere else a new ROI begins, or the crop box comes with its middle.
        """
        self.settle()
        point, box = np.array((x, y)), self._box(self.active)
        distance = abs(point - box)
        inside = (box[0] <= point).all() and (point < box[1]).all()
        kind, start, slip = "move", point, 0 * point
        if self.active == "crop":
            start = point if inside else box.mean(0).astype(int)
        elif distance.min(0).max() <= reach:  # of a corner; the opposite one stays
            near = distance[0] < distance[1]
            kind, start, slip = (
                "corner",
                np.where(near, box[1], box[0]),
                np.where(near, box[0], box[1]) - point,
            )
        elif not inside:
            kind = "new"
        self._grip = kind, start, slip, self._box("roi"), self._box("crop")

    def drag(self, x: int, y: int) -> None:
        """Move on to a point with what `press` took hold of. The crop box follows the ROI's middle."""
        if self._grip is None:
            return
        kind, start, slip, roi, crop = self._grip
        point = np.clip(slip + np.array((x, y)), 0, self.clip.size)
        if kind == "move":
            self._move(point - start, roi, crop)
        elif kind == "corner" or abs(point - start).min() >= SMALLEST:  # a mere click makes no box
            new = np.sort((start, point), axis=0)
            by = (new - (roi if kind == "corner" else crop)).mean(0).astype(int)
            self._place(new, self._shifted(crop, by))

    def release(self) -> None:
        """Let go."""
        self._grip = None
        self.settle()

    def nudge(self, dx: int, dy: int) -> None:
        """Move the active box by so many pixels."""
        self._move(np.array((dx, dy)), self._box("roi"), self._box("crop"))

    def _move(self, by: Points, roi: Points, crop: Points) -> None:
        if self.active == "roi":
            moved = self._shifted(roi, by)
            roi, by = moved, moved[0] - roi[0]
        self._place(roi, self._shifted(crop, by))

    def _box(self, name: str) -> Points:
        return np.array(corners(self.preset, name))

    def _shifted(self, box: Points, by: Points) -> Points:
        """Shift a box, at most to the frame's edge."""
        return box + np.clip(by, -box[0], self.clip.size - box[1])

    def _place(self, roi: Points, crop: Points) -> None:
        ends = zip(ENDS, (*roi.tolist(), *crop.tolist()), strict=True)
        self.change(**{end: tuple(point) for end, point in ends})

    def _fitted(self, values: dict[str, Any]) -> MotionPreset:
        """Make a preset whose boxes lie in the frame and whose top margin lies in the ROI."""
        size = np.array(self.clip.size)
        for first, last in (ENDS[:2], ENDS[2:]):
            start = np.clip(values[first], 0, size - SMALLEST)
            end = np.clip(values[last], start + SMALLEST, size)
            values |= {first: tuple(start.tolist()), last: tuple(end.tolist())}
        rows = values["roi_bottom_right"][1] - values["roi_top_left"][1]
        return MotionPreset(**values | {"top_margin": min(max(values["top_margin"], 1), rows - 1)})
