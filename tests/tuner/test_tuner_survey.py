"""One pass over a clip knows what the detector would take, for every preset that it serves."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import wait_until
from small_belt import PARTS, SMALL, other, small_clip

from factory_lib import Detection, MotionDetector, MotionPreset, open_video, resource_path
from factory_lib.ground_truth import GroundTruth, Score
from factory_lib.tuner.pictures import cut
from factory_lib.tuner.survey import Survey, Surveyor


@pytest.fixture(scope="module")
def belt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_clip(tmp_path_factory.mktemp("belt"))


def by_the_detector(path: Path, preset: MotionPreset) -> tuple[list[Detection], list[tuple[float, float]]]:
    detector, detections, ratios = MotionDetector(preset), [], []
    with open_video(path) as video:
        for frame in video:
            seen = detector.explain(frame.image)
            ratios.append((seen.top_ratio, seen.mid_ratio))
            if detector.detect(frame.image, frame.time) is not None:
                detections.append(Detection(frame.index, frame.time))
    return detections, ratios


@pytest.mark.parametrize(
    ("reference", "threshold"), [("none", 127), ("none", 60), ("previous", 20), ("background", 30)]
)
def test_it_gives_the_detectors_own_ratios_and_detections(belt: Path, reference: str, threshold: int) -> None:
    start = other(reference=reference, threshold=127 if reference == "none" else threshold)
    survey = Survey(belt, start)
    start = replace(start, threshold=threshold)
    _, ratios = by_the_detector(belt, start)
    exact = ratios[77]  # limits that a frame meets to the last bit
    detected = 0
    for change in (
        {},
        {"skip_time": 0.0},
        {"skip_time": 1.5},
        {"inverted": True, "top_ratio": 0.9},
        {"flipped": True, "top_ratio": 0.3, "mid_ratio": 0.6},
        {"top_ratio": 1.0, "mid_ratio": 0.0},
        {"top_ratio": exact[0], "mid_ratio": exact[1]},
    ):
        preset = replace(start, **change)  # type: ignore[arg-type]
        detections, ratios = by_the_detector(belt, preset)
        assert survey.serves(preset)
        assert survey.evaluate(preset, None).detections == detections
        assert list(zip(*map(list, survey.ratios(preset)), strict=True)) == ratios
        detected += len(detections)
    assert detected > PARTS


@pytest.mark.parametrize(
    "change", [{"top_margin": 5}, {"roi_top_left": (4, 0)}, {"reference": "previous"}], ids=str
)
def test_what_changes_the_strips_asks_for_another_pass(belt: Path, change: dict[str, object]) -> None:
    assert not Survey(belt, SMALL).serves(other(**change))


def test_what_is_learnt_by_the_threshold_serves_that_threshold_only(belt: Path) -> None:
    survey = Survey(belt, other(reference="background", threshold=30))

    assert survey.serves(other(reference="background", threshold=30, top_ratio=0.1))
    assert not survey.serves(other(reference="background", threshold=31))


def test_the_belt_as_learnt_is_what_the_detector_compares_with(belt: Path) -> None:
    preset, index = other(reference="background", threshold=30), 60
    detector = MotionDetector(preset)
    with open_video(belt) as video:
        for frame in video:
            if frame.index > index:
                break
            detector.detect(frame.image, frame.time)
        own = detector.explain(frame.image).difference

    learnt = Survey(belt, preset).belt(index + 1)
    assert np.array_equal(cv2.absdiff(cut(frame.image, preset, "roi"), learnt), own)


def test_an_evaluation_tells_which_parts_were_found(belt: Path) -> None:
    truth = GroundTruth.load(belt.with_suffix(".json"))
    survey = Survey(belt, SMALL)

    right = survey.evaluate(SMALL, truth)
    assert right.score == Score(PARTS, 0, 0)
    assert right.parts == [{part.id} for part in truth.parts]
    assert str(right) == "3 detections: found 3, missed 0, false 0; precision 1.00, recall 1.00"

    every = other(skip_time=0)
    assert survey.evaluate(every, truth).parts.count(set()) == len(by_the_detector(belt, every)[0]) - PARTS
    assert str(survey.evaluate(SMALL, None)) == "3 detections"


@pytest.fixture
def surveyor() -> Iterator[Surveyor]:
    surveyor = Surveyor(resource_path("conveyor.mp4"))
    yield surveyor
    surveyor.close()


def surveyors() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "surveyor"]


def test_only_the_newest_preset_is_told_and_no_thread_stays(belt: Path) -> None:
    surveyor, told = Surveyor(belt), []
    surveyor.tell = lambda: told.append(surveyor.survey)
    for left in range(4, 12):
        surveyor.ask(other(roi_top_left=(left, 0)))
        assert len(surveyors()) == 1

    assert wait_until(lambda: told != [])
    assert wait_until(lambda: surveyors() == [])
    assert [survey is not None and survey.serves(other(roi_top_left=(11, 0))) for survey in told] == [True]

    surveyor.ask(other(roi_top_left=(11, 0), threshold=3))  # which that pass serves too
    assert surveyors() == []


def test_a_pass_that_is_not_wanted_any_more_ends_at_once_and_is_not_told(surveyor: Surveyor) -> None:
    surveyor.tell = lambda: pytest.fail("told")
    surveyor.ask(MotionPreset())
    assert len(surveyors()) == 1
    surveyor.close()

    assert (surveyors(), surveyor.survey) == ([], None)
    surveyor.close()


def test_a_clip_that_goes_away_is_told_as_an_error(tmp_path: Path) -> None:
    path = small_clip(tmp_path)
    surveyor = Surveyor(path)
    surveyor.ask(SMALL)
    path.unlink()

    assert wait_until(lambda: surveyor.error is not None)
    assert f"There is no clip {path}" in str(surveyor.error)
    assert surveyor.survey is None
    surveyor.close()


AT_THE_END = """
from factory_lib import MotionPreset, resource_path
from factory_lib.tuner.survey import Surveyor
surveyor = Surveyor(resource_path("conveyor.mp4"))
surveyor.tell = lambda: print("told")
surveyor.ask(MotionPreset())
"""


def test_a_program_that_ends_does_not_wait_for_its_pass() -> None:
    done = subprocess.run(
        [sys.executable, "-c", AT_THE_END],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
