"""The preset being tuned, without a window: boxes, steps back, saving, and what the detector sees."""

import configparser
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_belt import FRAMES, PARTS, SMALL, numbered_clip, small_clip

from factory_lib import MotionDetector, MotionPreset, open_video
from factory_lib.errors import FactoryError, PresetError
from factory_lib.ground_truth import Score
from factory_lib.tuner.clip import Clip, Live
from factory_lib.tuner.model import SMALLEST, Tuning
from factory_lib.tuner.pictures import corners

WIDTH, HEIGHT = 160, 120


@pytest.fixture(scope="module")
def belt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_clip(tmp_path_factory.mktemp("belt"))


@pytest.fixture
def tuning(belt: Path, tmp_path: Path) -> Iterator[Tuning]:
    tuning = Tuning(Clip(belt), SMALL, tmp_path / "motion.cfg", "cam7")
    yield tuning
    tuning.close()


def roi(tuning: Tuning) -> tuple[int, int, int, int]:
    (left, top), (right, bottom) = corners(tuning.preset, "roi")
    return left, top, right, bottom


def crop(tuning: Tuning) -> tuple[int, int, int, int]:
    (left, top), (right, bottom) = corners(tuning.preset, "crop")
    return left, top, right, bottom


def drag(tuning: Tuning, start: tuple[int, int], *way: tuple[int, int]) -> None:
    tuning.press(*start, reach=3)
    for point in way:
        tuning.drag(*point)
    tuning.release()


# The boxes


def test_a_new_roi_is_dragged_in_any_direction_and_the_crop_box_gets_its_middle(tuning: Tuning) -> None:
    drag(tuning, (130, 90), (100, 80), (70, 50))
    assert roi(tuning) == (70, 50, 130, 90)
    assert crop(tuning) == (72, 42, 128, 98)
    assert tuning.preset.top_margin == SMALL.top_margin


def test_a_roi_is_moved_whole_and_the_crop_box_goes_with_it(tuning: Tuning) -> None:
    drag(tuning, (30, 10), (50, 30))
    assert roi(tuning) == (23, 20, 73, 42)
    assert crop(tuning) == (20, 22, 76, 78)


def test_a_corner_is_dragged_and_the_opposite_one_stays(tuning: Tuning) -> None:
    drag(tuning, (52, 21), (90, 60))  # taken a pixel beside it
    assert roi(tuning) == (3, 0, 91, 61)
    drag(tuning, (3, 0), (20, 10))
    assert roi(tuning) == (20, 10, 91, 61)
    drag(tuning, (91, 10), (30, 100))  # across
    assert roi(tuning) == (20, 61, 30, 100)


def test_at_the_edge_a_moved_box_keeps_its_size_and_comes_back_as_it_was(tuning: Tuning) -> None:
    tuning.press(30, 10)
    tuning.drag(-500, 900)
    assert roi(tuning) == (0, HEIGHT - 22, 50, HEIGHT)
    assert crop(tuning) == (0, HEIGHT - 56, 56, HEIGHT)
    tuning.drag(30, 10)
    assert tuning.preset == SMALL


def test_the_crop_box_is_dragged_by_itself_and_keeps_its_size(tuning: Tuning) -> None:
    tuning.active = "crop"
    drag(tuning, (20, 20), (30, 40))
    assert (crop(tuning), roi(tuning)) == ((10, 22, 66, 78), (3, 0, 53, 22))
    drag(tuning, (150, 110), (100, 60))  # from outside: its middle comes
    assert (crop(tuning), roi(tuning)) == ((72, 32, 128, 88), (3, 0, 53, 22))


def test_a_click_changes_no_box(tuning: Tuning) -> None:
    for place in ((52, 21), (30, 10), (120, 100)):
        drag(tuning, place, place)
    assert tuning.preset == SMALL
    assert not tuning.undo()


def test_arrows_move_the_active_box(tuning: Tuning) -> None:
    for step in ((1, 0), (0, 1), (0, 1)):
        tuning.nudge(*step)
    assert (roi(tuning), crop(tuning)) == ((4, 2, 54, 24), (1, 4, 57, 60))
    tuning.active = "crop"
    tuning.nudge(-1, 0)
    assert (roi(tuning), crop(tuning)) == ((4, 2, 54, 24), (0, 4, 56, 60))


def test_a_move_without_a_press_does_nothing(tuning: Tuning) -> None:
    tuning.drag(50, 50)
    assert tuning.preset == SMALL


def test_no_box_ever_leaves_the_frame_and_the_preset_is_always_one(tuning: Tuning) -> None:
    numbers = random.Random(3)

    def anywhere() -> tuple[int, int]:
        return numbers.randrange(-40, WIDTH + 40), numbers.randrange(-40, HEIGHT + 40)

    for _ in range(400):
        kind = numbers.randrange(4)
        if kind == 0:
            tuning.active = numbers.choice(("roi", "crop"))
        elif kind == 1:
            tuning.nudge(numbers.randrange(-30, 30), numbers.randrange(-30, 30))
        elif kind == 2:
            tuning.change(top_margin=numbers.randrange(0, 150))
        else:
            drag(tuning, anywhere(), anywhere(), anywhere())
        for left, top, right, bottom in (roi(tuning), crop(tuning)):
            assert 0 <= left <= right - SMALLEST <= WIDTH - SMALLEST
            assert 0 <= top <= bottom - SMALLEST <= HEIGHT - SMALLEST
        assert crop(tuning)[2] - crop(tuning)[0] == crop(tuning)[3] - crop(tuning)[1] == 56
        tuning.explain()


def test_boxes_that_do_not_fit_the_picture_are_cut_and_that_is_said(belt: Path, tmp_path: Path) -> None:
    tuning = Tuning(
        Clip(belt), MotionPreset(roi_top_left=(300, 0), roi_bottom_right=(400, 90)), tmp_path, "k"
    )
    assert (roi(tuning), crop(tuning)) == ((152, 0, 160, 90), (0, 10, 160, 120))
    assert tuning.notes == ["The preset's boxes reach out of this 160x120 picture: they were cut."]
    tuning.close()


# Steps back


def test_each_drag_is_a_step_back_and_so_are_all_turns_of_one_knob(tuning: Tuning) -> None:
    drag(tuning, (130, 90), (100, 80), (70, 50))
    one = tuning.preset
    drag(tuning, (100, 70), (101, 70), (102, 70))
    two = tuning.preset
    for threshold in range(128, 140):
        tuning.change(threshold=threshold)
    three = tuning.preset
    tuning.change(top_ratio=0.5)

    for expected in (three, two, one, SMALL):
        assert tuning.undo()
        assert tuning.preset == expected
    assert not tuning.undo()


def test_what_changes_nothing_is_no_step(tuning: Tuning) -> None:
    tuning.change(threshold=127)
    assert not tuning.undo()


def test_a_value_that_its_key_does_not_allow_is_refused_and_nothing_changes(tuning: Tuning) -> None:
    with pytest.raises(PresetError, match="between 0 and 255"):
        tuning.change(threshold=256)
    assert tuning.preset == SMALL


def test_the_next_one_can_bring_back_what_was_not_saved(belt: Path, tuning: Tuning) -> None:
    tuning.change(threshold=90)
    again = Tuning(Clip(belt), SMALL, tuning.file, tuning.key)
    again.take_over(tuning)
    assert (again.preset, len(again.notes)) == (SMALL, 1)
    assert again.undo()
    assert again.preset == tuning.preset
    tuning.save()
    third = Tuning(Clip(belt), SMALL, tuning.file, tuning.key)
    third.take_over(tuning)
    assert (third.undo(), third.notes) == (False, [])
    again.close()
    third.close()


# Saving


def test_saving_keeps_the_other_sections_and_the_one_before_and_says_where(tuning: Tuning) -> None:
    tuning.file.write_text("# mine\n[default]\nthreshold = 90\n", encoding="utf-8")
    assert tuning.save() == f"Saved as [cam7] in {tuning.file.absolute()}."
    tuning.change(threshold=80)
    assert tuning.preset != tuning.saved
    said = tuning.save()
    assert said == f"Saved as [cam7] in {tuning.file.absolute()}; what it was before is [_cam7_backup_]."
    assert tuning.preset == tuning.saved

    text = tuning.file.read_text(encoding="utf-8")
    assert text.startswith("# mine\n[default]\nthreshold = 90\n\n[cam7]\n")
    assert MotionPreset.load(tuning.file, "cam7") == tuning.preset
    assert MotionPreset.load(tuning.file, "_cam7_backup_") == SMALL


def test_what_is_saved_is_in_the_notation_of_the_original_tool(tuning: Tuning) -> None:
    tuning.change(inverted=True, top_ratio=0.25)
    tuning.save()
    parser = configparser.ConfigParser()
    parser.read(tuning.file, encoding="utf-8")
    assert dict(parser["cam7"]) == {
        "inverted": "True",
        "flipped": "False",
        "top_margin": "3",
        "threshold": "127",
        "top_ratio": "0.25",
        "mid_ratio": "0.4",
        "skip_time": "0.099",
        "roi_top_left": "(3, 0)",
        "roi_bottom_right": "(53, 22)",
        "crop_top_left": "(0, 2)",
        "crop_bottom_right": "(56, 58)",
    }


def test_what_cannot_be_saved_stays_unsaved(belt: Path, tmp_path: Path) -> None:
    tuning = Tuning(Clip(belt), SMALL, tmp_path / "none" / "motion.cfg", "cam7")
    tuning.change(threshold=80)
    with pytest.raises(PresetError, match="cannot be written"):
        tuning.save()
    assert (tuning.saved, tuning.preset.threshold) == (SMALL, 80)
    tuning.close()


SAVE_FOR_EVER = """
import sys
from pathlib import Path
from small_belt import SMALL
from factory_lib.tuner.clip import Clip
from factory_lib.tuner.model import Tuning
tuning = Tuning(Clip(Path(sys.argv[1])), SMALL, sys.argv[2], "cam7")
print("ready", flush=True)
for number in range(10**9):
    tuning.change(threshold=number % 256, skip_time=number / 1000)
    tuning.save()
"""


def test_killed_at_any_moment_of_saving_it_leaves_the_file_before_or_the_one_after(
    belt: Path, tmp_path: Path
) -> None:
    files = [tmp_path / f"motion{number}.cfg" for number in range(4)]
    path = os.pathsep.join([str(Path(__file__).parent.parent), *sys.path])
    for file in files:
        file.write_text("[other]\nthreshold = 5\n", encoding="utf-8")
    savers = [
        subprocess.Popen(
            [sys.executable, "-c", SAVE_FOR_EVER, str(belt), str(file)],
            env=os.environ | {"PYTHONPATH": path},
            stdout=subprocess.PIPE,
        )
        for file in files
    ]
    for number, (saver, file) in enumerate(zip(savers, files, strict=True)):
        assert saver.stdout is not None
        saver.stdout.readline()
        for _ in range(20):  # the longer one waits, the more moments there are
            time.sleep(0.003 * number)
            assert_whole(file)
        saver.kill()
        saver.communicate(timeout=20)
        assert_whole(file)


def assert_whole(file: Path) -> None:
    """Assert that the file is one that a saving has begun with or ended with."""
    assert MotionPreset.load(file, "other") == MotionPreset(threshold=5)
    text = file.read_text(encoding="utf-8")
    if "[cam7]" in text:
        now = MotionPreset.load(file, "cam7")
        assert now.threshold == round(1000 * now.skip_time) % 256
        assert replace(now, threshold=127, skip_time=0.099) == SMALL


# What is seen


@pytest.mark.parametrize("reference", ["none", "previous", "background"])
def test_played_on_it_detects_what_the_detector_does(tuning: Tuning, belt: Path, reference: str) -> None:
    tuning.change(reference=reference, threshold=127 if reference == "none" else 20)
    detector, taken = MotionDetector(tuning.preset), 0
    with open_video(belt) as video:
        for frame in video:
            assert tuning.go(frame.index)
            crop, own = tuning.detect(), detector.detect(frame.image, frame.time)
            assert (crop is None) == (own is None)
            if crop is not None and own is not None:
                assert np.array_equal(crop, own)
                taken += 1
    assert taken >= PARTS
    assert not tuning.go(FRAMES)
    assert tuning.frame.index == FRAMES - 1


@pytest.mark.parametrize("reference", ["none", "previous"])
def test_any_frame_is_explained_as_if_the_clip_had_been_played_up_to_it(
    tuning: Tuning, belt: Path, reference: str
) -> None:
    tuning.change(reference=reference, threshold=40)
    for index in (200, 80, 0):
        detector = MotionDetector(tuning.preset)
        with open_video(belt) as video:
            for frame in video:
                own = detector.explain(frame.image)
                if frame.index == index:
                    break
                detector.detect(frame.image, frame.time)
        tuning.go(index)
        seen = tuning.explain()
        assert np.array_equal(seen.difference, own.difference)
        assert (seen.top_ratio, seen.mid_ratio, seen.passes) == (own.top_ratio, own.mid_ratio, own.passes)


def test_the_background_is_the_clips_first_frame_until_it_has_been_learnt(tuning: Tuning) -> None:
    tuning.change(reference="background", threshold=40)
    tuning.go(80)
    image = tuning.frame.image
    detector = MotionDetector(tuning.preset)
    detector.detect(Clip(tuning.clip.path).frame(0).image, 0.0)  # type: ignore[arg-type, union-attr]
    before = tuning.explain().difference
    assert np.array_equal(before, detector.explain(image).difference)

    assert tuning.surveyor is not None
    tuning.surveyor.ask(tuning.preset)
    tuning.surveyor._thread.join(timeout=30)
    assert not np.array_equal(tuning.explain().difference, before)
    assert np.abs(tuning.explain().difference.astype(int) - before).mean() < 8


def test_the_whole_clip_is_evaluated_against_its_truth(tuning: Tuning) -> None:
    assert tuning.account == "The whole clip is being looked at ..."
    assert tuning.evaluate().score == Score(PARTS, 0, 0)
    tuning.change(threshold=255)
    assert tuning.evaluate().score == Score(0, PARTS, 0)


def test_a_truth_that_cannot_be_used_is_said_and_left_alone(belt: Path, tmp_path: Path) -> None:
    clip = small_clip(tmp_path)
    clip.with_suffix(".json").write_text("[]", encoding="utf-8")
    tuning = Tuning(Clip(clip), SMALL, "motion.cfg", "k")
    assert tuning.truth is None
    assert "Not compared with a ground truth: " in tuning.notes[0]
    assert str(tuning.evaluate()) == "3 detections"
    tuning.close()


def test_a_camera_has_no_whole_to_evaluate(tmp_path: Path) -> None:
    path = numbered_clip(tmp_path / "clip.mp4", [i / 30 for i in range(5)], {})
    tuning = Tuning(Live(path.as_uri()), MotionPreset(), "motion.cfg", "k")
    assert (tuning.surveyor, tuning.account) == (None, "")
    with pytest.raises(FactoryError, match="has no end"):
        tuning.evaluate()
    tuning.close()
