"""What one pass over a clip tells of many presets: how bright the ROI's two strips are, frame by frame."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..ground_truth import GroundTruth, Score
from ..motion import Detection, Image, MotionDetector
from ..preset import MotionPreset
from ..video import open_video
from .pictures import cut

BELT_EVERY = 30  # frames: the learnt picture of the belt changes slowly
PAUSE = 0.15  # seconds: who has moved a slider goes on moving it


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a preset finds in a clip, and how right that is.

    Attributes
    ----------
    detections : list of Detection
        As `MotionDetector.detect` takes them, frame after frame.
    parts : list of set of int
        The parts that each detection found; none if it is false, or if the clip has no ground truth.
    score : Score or None
        Found, missed and false, precision and recall; None if the clip has no ground truth.
    """

    detections: list[Detection]
    parts: list[set[int]]
    score: Score | None

    def __str__(self) -> str:
        text = f"{len(self.detections)} detections"
        if self.score is None:
            return text
        score = self.score
        text += f": found {score.found}, missed {score.missed}, false {score.false}; "
        return text + f"precision {score.precision:.2f}, recall {score.recall:.2f}"


class Survey:
    """For each frame and threshold, how many pixels of each strip are bright: 2 kB a frame.

    The ratios and detections of every preset with this ROI, top margin and reference follow from it in a
    moment, and are exactly those of `MotionDetector`. It reads the whole clip, or until it is `stopped`.
    """

    def __init__(self, path: Path, preset: MotionPreset, stopped: Callable[[], bool] = bool) -> None:
        self._depends, self._belts = _depends(preset), list[Image]()
        times, bright, detector = [], [], MotionDetector(preset)
        with open_video(path) as video:
            for frame in video:
                if stopped():
                    return
                seen = cut(frame.image, preset, "roi")
                if preset.reference != "none":
                    seen = detector.explain(frame.image).difference
                    detector.detect(frame.image, frame.time)
                    if preset.reference == "background" and frame.index % BELT_EVERY == 0:
                        # The distance from black is the reference itself.
                        self._belts.append(detector.explain(np.zeros_like(frame.image)).difference)
                blue, green, red = cv2.split(seen)
                brightness = cv2.max(cv2.max(blue, green), red)
                strips = brightness[: preset.top_margin], brightness[preset.top_margin :]
                bright.append([_brighter(strip) for strip in strips])
                times.append(frame.time)
        self._bright, self.times = np.array(bright, np.int32), np.array(times)
        self._pixels = np.array([strip.size for strip in strips])

    def serves(self, preset: MotionPreset) -> bool:
        """Tell whether this pass holds for a preset."""
        return self._depends == _depends(preset)

    def belt(self, index: int) -> Image:
        """Return the ROI's reference "background" as learnt up to about this frame."""
        return self._belts[index // BELT_EVERY]

    def ratios(self, preset: MotionPreset) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return each frame's top and mid ratio, as compared with the preset's limits."""
        shares = self._bright[:, :, preset.threshold] / self._pixels
        shares = 1 - shares if preset.inverted else shares
        return shares[:, 0], shares[:, 1]

    def passing(self, preset: MotionPreset) -> NDArray[np.bool_]:
        """Tell of each frame whether both ratios keep their limits."""
        top, mid = self.ratios(preset)
        if preset.flipped:
            return (top >= preset.top_ratio) & (mid <= preset.mid_ratio)
        return (top <= preset.top_ratio) & (mid >= preset.mid_ratio)

    def evaluate(self, preset: MotionPreset, truth: GroundTruth | None) -> Evaluation:
        """Take the detections as the detector does, and compare them with the truth."""
        detections, last = [], -np.inf
        for index in np.flatnonzero(self.passing(preset)).tolist():
            time = float(self.times[index])
            if time - last >= preset.skip_time:
                detections.append(Detection(index, time))
            last = time
        frames = [detection.frame for detection in detections]
        if truth is None:
            return Evaluation(detections, [set() for _ in frames], None)
        return Evaluation(detections, truth.match(frames), truth.score(frames))


def _brighter(strip: NDArray[Any]) -> NDArray[Any]:
    """Count for each threshold the pixels that are brighter."""
    return strip.size - cv2.calcHist([strip], [0], None, [256], [0, 256]).cumsum()


def _depends(preset: MotionPreset) -> tuple[object, ...]:
    learnt = preset.threshold if preset.reference == "background" else None
    return preset.roi_top_left, preset.roi_bottom_right, preset.top_margin, preset.reference, learnt


class Surveyor:
    """Surveys a clip in a thread of its own, always for the newest preset."""

    def __init__(self, path: Path) -> None:
        self.survey: Survey | None = None  # the last that came to its end: ask it whether it serves
        self.error: Exception | None = None  # why the last one did not
        self.tell: Callable[[], object] = bool  # called in that thread when either has changed
        self._path = path
        self._asked: tuple[object, ...] | None = None
        self._stop, self._thread = threading.Event(), threading.Thread()

    def ask(self, preset: MotionPreset) -> None:
        """Begin a pass for this preset, unless there is one that serves; end the one under way."""
        if self._asked == _depends(preset):
            return
        self.close()
        self._asked, self._stop = _depends(preset), threading.Event()
        self._thread = threading.Thread(target=self._work, args=(preset, self._stop), name="surveyor")
        self._thread.start()

    def _work(self, preset: MotionPreset, stop: threading.Event) -> None:
        # At the end of the program the main thread is gone first, and waits for this one.
        def stopped() -> bool:
            return stop.is_set() or not threading.main_thread().is_alive()

        if stop.wait(PAUSE):
            return
        try:
            survey, error = Survey(self._path, preset, stopped), None
        except Exception as problem:  # it must not vanish with this thread
            survey, error = None, problem
        if not stopped():
            self.survey, self.error = survey, error
            self.tell()

    def close(self) -> None:
        """End the pass under way; `ask` begins another."""
        self._stop.set()
        self._asked = None
        if self._thread.is_alive():
            self._thread.join(timeout=10)
