"""The command iotdemo-motion-detector where there is no screen: --print, and what it says of mistakes."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from small_belt import SMALL, other, small_clip

from factory_lib import open_video
from factory_lib.tuner.desktop import main

WRONG_SECTION = "[default]\nthreshold = 90\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("no_display")
def test_without_a_display_it_is_one_sentence_and_the_way_on(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["conveyor.mp4"]) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith("iotdemo-motion-detector: No window can be opened: ")
    assert errors.endswith("Tune in a notebook with MotionTuner, or see with --print what a preset finds.\n")
    assert errors.count("\n") == 1


@pytest.mark.usefixtures("no_display")
def test_print_shows_the_preset_and_each_detection_beside_the_truth(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = small_clip(here)
    SMALL.save("motion.cfg", "cam7")
    before = (here / "motion.cfg").read_bytes()

    assert main(["--print", "-k", "cam7", "-s", "crops", str(clip)]) == 0
    output, errors = capsys.readouterr()
    lines = output.splitlines()
    assert errors == ""
    assert lines[:2] == ["Preset: [cam7] of motion.cfg", "inverted = False"]
    assert "roi_bottom_right = (53, 22)" in lines
    found = [line.split() for line in lines if line.startswith("frame")]
    assert [words[-2:] for words in found] == [["part", "1"], ["part", "2"], ["part", "3"]]
    assert lines[-1] == "3 detections: found 3, missed 0, false 0; precision 1.00, recall 1.00"
    assert (here / "motion.cfg").read_bytes() == before

    indexes = [int(words[1]) for words in found]
    with open_video(clip) as video:
        shots = {shot.index: shot.image for shot in video}
    for index in indexes:
        data = (here / "crops" / f"belt-{index:06}.png").read_bytes()
        crop = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert np.array_equal(crop, shots[index][2:58, 0:56])
    assert (here / "crops" / "detected.png").exists()


def test_print_names_what_is_false_and_what_is_missed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other(skip_time=0.0).save("motion.cfg", "default")
    assert main(["--print", str(small_clip(here))]) == 0
    assert capsys.readouterr().out.count("  false\n") > 3

    other(threshold=255).save("motion.cfg", "default")
    assert main(["--print", str(small_clip(here))]) == 0
    output = capsys.readouterr().out
    assert "missed: part 2, best in frames 140 to 151\n" in output
    assert output.endswith("0 detections: found 0, missed 3, false 0; precision 1.00, recall 0.00\n")


def test_without_a_truth_it_prints_the_detections_only(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = small_clip(here)
    clip.with_suffix(".json").unlink()
    SMALL.save("motion.cfg")
    assert main(["--print", str(clip)]) == 0
    output = capsys.readouterr().out
    assert output.endswith(" s\n3 detections\n")
    assert "part" not in output


def test_options_change_what_was_loaded(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = small_clip(here)
    SMALL.save("first.cfg", "cam7")
    options = ["-P", "first.cfg", "-k", "cam7", "-I", "-F", "-W", "30", "-H", "20"]
    assert main(["--print", *options, str(clip)]) == 0
    output = capsys.readouterr().out
    assert output.startswith("Preset: [cam7] of first.cfg\ninverted = True\nflipped = True\n")
    assert "crop_top_left = (13, 20)\ncrop_bottom_right = (43, 40)\n" in output  # the same middle
    assert "roi_top_left = (3, 0)\n" in output


def test_the_first_preset_is_the_slides(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--print", str(small_clip(here))]) == 0
    output, errors = capsys.readouterr()
    assert output.startswith("Preset: as on the slide\n")
    assert "threshold = 127\n" in output
    assert errors == "The preset's boxes reach out of this 160x120 picture: they were cut.\n"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["nowhere.mp4"], "There is no clip nowhere.mp4"),
        (["-P", "nowhere.cfg", "belt.mp4"], "There is no preset file nowhere.cfg"),
        (["-P", "wrong.cfg", "-k", "cam9", "belt.mp4"], "has no section [cam9]; sections there: default"),
        (["-p", "broken.cfg", "belt.mp4"], "broken.cfg is not a preset file"),
        (["-c", "99"], "Camera 99 is not there"),
        (["-W", "-5", "belt.mp4"], "crop_bottom_right"),
    ],
    ids=" ".join,
)
def test_what_is_wrong_is_said_in_a_sentence(
    here: Path, options: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    small_clip(here)
    (here / "wrong.cfg").write_text(WRONG_SECTION, encoding="utf-8")
    (here / "broken.cfg").write_text("threshold = 1\n", encoding="utf-8")
    assert main(["--print", *options]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("iotdemo-motion-detector: ")
    assert says in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("options", [[], ["a.mp4", "-c", "0"]], ids=" ".join)
def test_either_a_clip_or_a_camera_is_needed(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(options)
    assert ended.value.code == 2
    assert "usage: iotdemo-motion-detector" in capsys.readouterr().err


def test_the_command_is_installed_and_loads_nothing_of_a_notebooks() -> None:
    code = (
        "import sys; from importlib.metadata import entry_points\n"
        "(command,) = entry_points(group='console_scripts', name='iotdemo-motion-detector')\n"
        "command.load()\n"
        "print(sorted({'ipywidgets', 'IPython', 'matplotlib', 'av'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", timeout=60, check=True
    )
    assert done.stdout == "[]\n"
