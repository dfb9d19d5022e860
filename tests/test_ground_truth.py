import json
from pathlib import Path
from typing import Any

import pytest

from factory_lib.errors import TruthError
from factory_lib.ground_truth import GroundTruth, Part, Score

PARTS = tuple(Part(n, "O", "red", 100 * n + 2, (100 * n, 100 * n + 10), (0, 0, 9, 9)) for n in (1, 2, 3))
TRUTH = GroundTruth("dark", 7, 30, 400, (640, 480), PARTS)


@pytest.mark.parametrize(
    ("frames", "read", "expected"),
    [
        ([], None, Score(0, 3, 0)),
        ([100, 205, 310], None, Score(3, 0, 0)),
        ([99, 111], None, Score(0, 3, 2)),
        ([100, 110, 205], None, Score(2, 1, 1)),
        ([105], 200, Score(1, 0, 0)),
        ([105], 210, Score(1, 0, 0)),
        ([105], 211, Score(1, 1, 0)),
        ([105, 203], 205, Score(2, 0, 0)),
        ([], 0, Score(0, 0, 0)),
    ],
)
def test_a_score_counts_found_missed_and_false(frames: list[int], read: int | None, expected: Score) -> None:
    assert TRUTH.score(iter(frames), read) == expected


def test_each_detection_is_told_which_parts_it_is_the_first_to_find() -> None:
    assert TRUTH.match([99, 100, 110, 205]) == [set(), {1}, set(), {2}]


def test_a_clips_truth_is_the_json_of_its_name(tmp_path: Path) -> None:
    TRUTH.save(tmp_path / "belt.json")
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")

    assert GroundTruth.beside(tmp_path / "belt.mp4") == TRUTH
    assert GroundTruth.beside(tmp_path / "other.mp4") is None
    assert GroundTruth.beside("http://127.0.0.1/belt.mp4") is None
    with pytest.raises(TruthError, match=r"broken\.json"):
        GroundTruth.beside(tmp_path / "broken.mp4")


def test_precision_and_recall_are_shares_and_one_where_there_is_nothing_to_share() -> None:
    assert (Score(3, 1, 2).precision, Score(3, 1, 2).recall) == (0.6, 0.75)
    assert (Score(0, 0, 0).precision, Score(0, 0, 0).recall) == (1.0, 1.0)


def test_a_truth_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    TRUTH.save(tmp_path / "진실.json")
    text = (tmp_path / "진실.json").read_text(encoding="utf-8")

    assert GroundTruth.load(tmp_path / "진실.json") == TRUTH
    assert "good_shot: first and last frame" in json.loads(text)["about"]


def changed(**changes: Any) -> dict[str, Any]:
    """A good truth's JSON with keys changed; with `part` keys of its second part; None takes a key out."""
    data = json.loads(json.dumps({"kind": "dark", "seed": 7, "fps": 30, "frames": 400, "size": [640, 480]}))
    data["parts"] = [
        {"id": n, "mark": "O", "colour": "red", "cleared": 102, "good_shot": [100, 110], "box": [0, 0, 9, 9]}
        for n in (1, 2)
    ]
    for target, new in ((data["parts"][1], changes.pop("part", {})), (data, changes)):
        target.update(new)
        for key in [key for key, value in target.items() if value is None]:
            del target[key]
    return data


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "Expecting property name"),
        ("[]", "kind is missing"),
        (json.dumps(changed(kind=None)), "kind is missing"),
        (json.dumps(changed(kind=3)), "kind is 3"),
        (json.dumps(changed(seed="7")), "seed is '7'"),
        (json.dumps(changed(fps=True)), "fps is True"),
        (json.dumps(changed(size=[640])), "size is [640]"),
        (json.dumps(changed(parts=3)), "parts is 3"),
        (json.dumps(changed(parts=[3])), "parts[0].id is missing"),
        (json.dumps(changed(part={"mark": "Q"})), "parts[1].mark is 'Q'"),
        (json.dumps(changed(part={"box": None})), "parts[1].box is missing"),
        (json.dumps(changed(part={"cleared": 1.5})), "parts[1].cleared is 1.5"),
        (
            json.dumps(changed(part={"good_shot": [110, 100]})),
            "parts[1].good_shot is [110, 100], out of order",
        ),
        (json.dumps(changed(frames=105)), "parts[0].good_shot is [100, 110], out of order or range"),
    ],
)
def test_a_file_that_is_no_truth_is_refused_naming_file_and_key(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "truth.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TruthError) as caught:
        GroundTruth.load(path)
    assert caught.value.what.startswith(f"{path} cannot be used as the ground truth of a belt: {says}")
    assert "python -m factory_lib.conveyor.belt" in caught.value.remedy


def test_an_unchanged_truth_of_those_tests_is_a_good_one(tmp_path: Path) -> None:
    (tmp_path / "truth.json").write_text(json.dumps(changed()), encoding="utf-8")
    assert len(GroundTruth.load(tmp_path / "truth.json").parts) == 2


def test_a_truth_that_is_missing_or_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(TruthError, match=r"truth\.json cannot be used .*: No such file"):
        GroundTruth.load(tmp_path / "truth.json")
    (tmp_path / "truth.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TruthError, match=r"truth\.json cannot be used .* can't decode byte"):
        GroundTruth.load(tmp_path / "truth.json")
    with pytest.raises(TruthError, match="cannot be written: No such file"):
        TRUTH.save(tmp_path / "none" / "truth.json")
