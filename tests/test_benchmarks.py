import re
from pathlib import Path

import pytest

from benchmarks import detector, factory
from benchmarks.__main__ import main
from benchmarks.paired import Row, compare
from factory_lib.motion import MotionDetector
from factory_lib.preset import MotionPreset
from factory_lib.resources import resource_path
from factory_lib.video import open_video

ROOT = Path(__file__).resolve().parent.parent


def test_ours_and_the_peer_take_turns_after_a_round_that_does_not_count() -> None:
    calls: list[str] = []

    row = compare("x", lambda: calls.append("x"), "y", lambda: calls.append("y"), units=(1, "go"), pairs=4)

    assert "".join(calls) == "xy" + "yx" + "xy" + "yx" + "xy"
    assert len(row.ratios) == 4


def test_a_row_gives_the_median_its_spread_and_whether_the_goal_was_reached() -> None:
    reached = Row("x", "y", [1.0, 3.0, 2.0], 1.9, "1 us/go", "2 us/go")
    missed = Row("x", "y", [1.0, 3.0, 2.0], 2.1, "1 us/go", "2 us/go")

    assert str(reached) == "| x | y | 2.00 | 1.00-3.00 | 1.9 reached | 1 us/go | 2 us/go |"
    assert "| 2.1 missed |" in str(missed)


def test_an_unknown_benchmark_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["speed"]) == 2
    assert (
        capsys.readouterr().err == "There is no benchmark speed. Choose from detector, factory, interleave.\n"
    )


def test_the_plain_formula_that_is_the_peer_gives_the_detectors_answers() -> None:
    preset = MotionPreset()
    eye = MotionDetector(preset)
    frames = [frame.image for frame in open_video(resource_path("conveyor.mp4")) if frame.index % 10 == 0]

    answers = [detector.plain_passes(image, preset) for image in frames]

    assert answers == [eye.explain(image).passes for image in frames]
    assert {True, False} == set(answers)


def test_the_structures_that_are_compared_all_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(factory, "SKELETON_FRAMES", 3)

    for run in (factory.reading_only, factory.sequential, factory.skeleton, lambda: factory.factory(3)):
        run()


def test_the_readmes_table_is_one_that_the_benchmarks_print() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if re.search(r" us/frame \|$", line)]

    assert [row.split(" | ")[1] for row in rows] == [
        "plain formula",
        "plain formula",
        "reading only, two threads",
        "sequential, one thread",
        "the skeleton's structure",
    ]
