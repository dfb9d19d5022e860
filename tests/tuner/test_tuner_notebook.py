"""MotionTuner where nobody draws its widgets: from Python, and widget by widget."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from conftest import wait_until
from ipywidgets.widgets.widget import _instances
from small_belt import FRAMES, PARTS, SMALL, other, small_clip

from factory_lib import MotionPreset
from factory_lib.errors import VideoError
from factory_lib.ground_truth import Score
from factory_lib.tuner import MotionTuner
from factory_lib.tuner import notebook as module


@pytest.fixture(scope="module")
def belt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_clip(tmp_path_factory.mktemp("belt"))


@pytest.fixture
def tuner(belt: Path, tmp_path: Path) -> Iterator[MotionTuner]:
    tuner = MotionTuner(belt, SMALL, tmp_path / "motion.cfg", "cam7")
    yield tuner
    tuner.close()
    module._shown.clear()


class Shown:
    """The widgets of a tuner that is shown, as a person would name them."""

    def __init__(self, tuner: MotionTuner) -> None:
        self.bundle = tuner._repr_mimebundle_()
        everything = [_instances[self.bundle["application/vnd.jupyter.widget-view+json"]["model_id"]]]
        for widget in everything:
            everything += getattr(widget, "children", ())
        self.all: list[Any] = everything
        self.named = {
            widget.description: widget for widget in everything if getattr(widget, "description", "")
        }
        columns = [widget.children for widget in everything if type(widget).__name__ == "VBox"]
        self.pictures = {pair[0].value: pair[1] for pair in columns if type(pair[1]).__name__ == "Image"}

    def texts(self) -> str:
        return "\n".join(w.value for w in self.all if type(w).__name__ in ("HTML", "Label"))

    def chart(self) -> str:
        return "".join(w.value for w in self.all if "<svg" in str(getattr(w, "value", "")))

    def picture(self, name: str) -> Any:
        data = np.frombuffer(self.pictures[name].value, np.uint8)
        return cv2.imdecode(data, cv2.IMREAD_COLOR)


def surveyed(shown: Shown, words: str = "precision") -> bool:
    return wait_until(lambda: words in shown.texts() and "<svg" in shown.chart())


def test_from_python_it_has_a_preset_and_evaluates_it(tuner: MotionTuner) -> None:
    assert tuner.preset == SMALL
    assert tuner.evaluate().score == Score(PARTS, 0, 0)
    assert str(tuner) == f"MotionTuner('belt.mp4', {SMALL})"


def test_the_clips_of_the_course_have_names_and_others_are_said_to_be_missing() -> None:
    tuner = MotionTuner("conveyor.mp4")
    assert tuner.preset == MotionPreset()
    tuner.close()
    with pytest.raises(VideoError, match="There is no clip nowhere.mp4"):
        MotionTuner("nowhere.mp4")


def test_making_one_loads_no_widgets_and_starts_nothing(belt: Path) -> None:
    code = (
        "import sys, threading; from factory_lib.tuner import MotionTuner\n"
        f"tuner = MotionTuner({str(belt)!r}); print(tuner.evaluate())\n"
        "print(sorted({'ipywidgets', 'IPython', 'matplotlib'} & set(sys.modules)), threading.active_count())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == "[] 1"


def test_shown_it_has_pictures_a_slider_for_every_key_and_a_chart(tuner: MotionTuner) -> None:
    shown = Shown(tuner)
    assert shown.bundle["text/plain"] == repr(tuner)
    keys = {
        "threshold",
        "top_ratio",
        "mid_ratio",
        "skip_time",
        "top_margin",
        "inverted",
        "flipped",
        "reference",
    }
    boxes = {"roi x", "roi y", "crop x", "crop y"}
    assert set(shown.named) == keys | boxes | {"frame", "Undo", "Save"}
    assert {name: shown.named[name].value for name in keys} == {name: getattr(SMALL, name) for name in keys}
    assert [shown.named[name].value for name in sorted(boxes)] == [(0, 56), (2, 58), (3, 53), (0, 22)]
    assert {name: shown.picture(name).shape for name in shown.pictures} == {
        "frame": (5 * 120, 5 * 160, 3),
        "difference": (8 * 22, 8 * 50, 3),
        "binary": (8 * 22, 8 * 50, 3),
        "crop": (6 * 56, 6 * 56, 3),
    }
    assert surveyed(shown)
    assert "3 detections: found 3, missed 0, false 0; precision 1.00, recall 1.00" in shown.texts()
    chart = shown.chart()
    assert "Top and mid ratio of 240 frames. 3 detections: found 3" in chart
    assert chart.count(">&#9650;<") == PARTS
    Wellformed().feed(chart)


class Wellformed(HTMLParser):
    """Fails for a tag that is not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_moving_a_slider_changes_preset_pictures_and_chart(tuner: MotionTuner) -> None:
    shown = Shown(tuner)
    assert surveyed(shown)
    chart, pictures = shown.chart(), {name: picture.value for name, picture in shown.pictures.items()}

    shown.named["threshold"].value = 255
    assert tuner.preset == other(threshold=255)
    assert "0 detections: found 0, missed 3, false 0" in shown.texts()  # at once: the pass serves it
    assert shown.chart() != chart
    assert shown.chart().count(">&#9675;<") == PARTS
    assert {name for name in pictures if shown.pictures[name].value != pictures[name]} == {"binary"}
    assert not shown.picture("binary").any()

    shown.named["frame"].value = 0
    assert all(shown.pictures[name].value != pictures[name] for name in pictures)
    shown.named["frame"].value = FRAMES - 1
    assert "7.97 s" in shown.texts()


def test_another_roi_has_its_chart_as_soon_as_the_clip_has_been_read_again(tuner: MotionTuner) -> None:
    shown = Shown(tuner)
    assert surveyed(shown)
    shown.named["roi x"].value = (90, 140)
    shown.named["roi y"].value = (40, 70)
    assert (tuner.preset.roi_top_left, tuner.preset.roi_bottom_right) == ((90, 40), (140, 70))
    assert (shown.chart(), "being looked at" in shown.texts()) == ("", True)
    assert surveyed(shown, "found 0")
    # What would leave the frame or the ROI is put right, and the sliders show it.
    shown.named["roi y"].value = (60, 62)
    assert shown.named["roi y"].value == (60, 68)
    shown.named["top_margin"].value = 50
    assert (shown.named["top_margin"].value, tuner.preset.top_margin) == (7, 7)


def test_values_are_those_of_the_slider_not_of_its_arithmetic(tuner: MotionTuner) -> None:
    shown = Shown(tuner)
    shown.named["top_ratio"].value = 0.1 + 0.2
    shown.named["reference"].value = "previous"
    shown.named["inverted"].value = True
    assert tuner.preset == other(top_ratio=0.3, reference="previous", inverted=True)


def test_undo_takes_back_and_save_writes(tuner: MotionTuner, tmp_path: Path) -> None:
    shown = Shown(tuner)
    for threshold in (100, 101, 102):
        shown.named["threshold"].value = threshold
    shown.named["mid_ratio"].value = 0.3
    shown.named["Undo"].click()
    assert (tuner.preset, shown.named["mid_ratio"].value) == (other(threshold=102), 0.4)
    shown.named["Save"].click()
    assert f"Saved as [cam7] in {tmp_path / 'motion.cfg'}." in shown.texts()
    assert MotionPreset.load(tmp_path / "motion.cfg", "cam7") == tuner.preset
    shown.named["Undo"].click()
    shown.named["Undo"].click()
    assert "There is nothing to undo." in shown.texts()


def test_what_cannot_be_saved_is_said(belt: Path, tmp_path: Path) -> None:
    tuner = MotionTuner(belt, SMALL, tmp_path / "none" / "motion.cfg")
    shown = Shown(tuner)
    shown.named["Save"].click()
    assert "cannot be written" in shown.texts()
    tuner.close()


def test_a_cell_that_is_run_again_leaves_nothing_of_the_one_before(belt: Path, tmp_path: Path) -> None:
    file, models = tmp_path / "motion.cfg", set(_instances)
    first = MotionTuner(belt, SMALL, file, "cam7")
    Shown(first).named["threshold"].value = 90
    with_one = len(_instances)
    again = MotionTuner(belt, SMALL, file, "cam7")
    shown = Shown(again)
    assert len(_instances) == with_one
    assert [thread.name for thread in threading.enumerate()].count("surveyor") <= 1
    assert first.preset == other(threshold=90)  # the value stays

    # What was not saved is not lost.
    assert again.preset == SMALL
    assert "Undo brings it back" in shown.texts()
    shown.named["Undo"].click()
    assert again.preset == other(threshold=90)

    elsewhere = MotionTuner(belt, SMALL, file, "another")
    Shown(elsewhere)
    assert len(_instances) > with_one  # beside it
    for tuner in (first, again, elsewhere, again):
        tuner.close()
    assert set(_instances) == models
    assert "surveyor" not in [thread.name for thread in threading.enumerate()]


def test_a_tuner_that_was_closed_can_be_shown_again(tuner: MotionTuner) -> None:
    Shown(tuner).named["threshold"].value = 90
    tuner.close()
    shown = Shown(tuner)
    assert shown.named["threshold"].value == 90
    for index in (100, 99, 0):
        before = shown.pictures["frame"].value
        shown.named["frame"].value = index
        assert shown.pictures["frame"].value != before
    assert surveyed(shown)


def test_a_clip_that_cannot_be_read_to_its_end_is_said_in_place_of_the_chart(
    tmp_path: Path,
) -> None:
    path = small_clip(tmp_path)
    tuner = MotionTuner(path, SMALL)
    path.unlink()
    shown = Shown(tuner)
    assert wait_until(lambda: shown.texts().count("There is no clip") == 1)
    tuner._tuning.clip.close()
    shown.named["frame"].value = 5
    assert shown.texts().count("There is no clip") == 2
    tuner.close()
