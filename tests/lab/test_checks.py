"""check, show and hint: what they say, and that they never raise, hang or print a traceback."""

import time
from typing import Any

import pytest

from factory_lib import FactoryError
from factory_lib.lab import check, checks, content, hint, show


def observe(answer: Any) -> Any:
    return answer()


def judge(seen: Any) -> str:
    return "" if seen == 42 else f"Expected 42, got {seen[0]}."


def draw(seen: Any) -> None:
    print("drawn:", seen)


@pytest.fixture(autouse=True)
def one_exercise(monkeypatch: pytest.MonkeyPatch) -> None:
    exercise = content.Exercise(observe, judge, draw, "Well done.", ("one", "two", "three"), seconds=3)
    monkeypatch.setattr(content, "exercise", lambda name: exercise)
    monkeypatch.setattr(checks, "_hints_given", {})
    monkeypatch.setattr(checks, "_just_seen", {})


def said(capsys: pytest.CaptureFixture[str], answer: Any) -> str:
    check("00-mine", answer)
    return capsys.readouterr().out


def test_a_right_answer_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, lambda: 42) == "Passed: Well done.\n"


def test_a_wrong_answer_hears_the_first_difference_and_where_hints_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert said(capsys, lambda: [7]) == (
        "Not yet: Expected 42, got 7.\n"
        'Change your code and check again. For a hint run hint("00-mine") in a cell of your own.\n'
    )


def nothing_yet() -> None:
    """Do what was asked."""


@pytest.mark.parametrize(
    "answer", [None, ..., {}, [], nothing_yet], ids=["None", "...", "{}", "[]", "a function"]
)
def test_what_was_handed_out_is_not_run(answer: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, answer).startswith("Not yet: Nothing is there yet")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda: 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda: time.sleep(60), "did not finish in 3 s: is something waiting for ever?"),
        (lambda: __import__("os")._exit(4), "exit code 4"),
        (lambda: print(), "not what was asked for: None"),  # over which judge stumbles
        ("text", "TypeError: 'str' object is not callable"),
    ],
    ids=["raises", "hangs", "kills", "strange", "no function"],
)
def test_an_answer_that_goes_wrong_is_told_in_a_sentence(
    answer: Any, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    check("00-mine", answer)
    captured = capsys.readouterr()

    assert captured.out.startswith("Not yet: ")
    assert words in captured.out
    assert "Traceback" not in captured.out + captured.err


def test_what_cannot_be_sent_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    camera = (number for number in range(3))

    assert "cannot be sent to another process" in said(capsys, lambda: camera)


def test_show_draws_and_the_check_below_uses_what_it_saw(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[bytes] = []
    run = checks.run_packed
    monkeypatch.setattr(checks, "run_packed", lambda call, seconds: runs.append(call) or run(call, seconds))

    def answer() -> int:
        print("my own words")
        return 42

    show("00-mine", answer)
    assert capsys.readouterr().out == "drawn: 42\nYour code printed: my own words\n"
    check("00-mine", answer)
    assert len(runs) == 1
    check("00-mine", answer)  # again: it may have been bad luck, so it is run anew
    assert len(runs) == 2
    show("00-mine", answer)
    check("00-mine", lambda: 41 + 1)  # another answer is not taken for the one shown
    assert len(runs) == 4


def test_show_of_what_went_wrong_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    show("00-mine", None)
    show("00-mine", lambda: 1 / 0)

    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(".")[0] for line in lines] == [
        "There is nothing to draw yet",
        "There is nothing to draw",
    ]


def test_hints_come_one_by_one_and_the_last_one_stays(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(4):
        hint("00-mine")

    assert capsys.readouterr().out.splitlines() == [
        "Hint 1 of 3: one",
        "Hint 2 of 3: two",
        "Hint 3 of 3: three",
        "Hint 3 of 3: three",
    ]


@pytest.mark.parametrize("what", ["autograde", "validate"])
def test_only_while_nbgrader_looks_not_yet_is_an_error(
    what: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBGRADER_EXECUTION", what)

    assert said(capsys, lambda: 42).startswith("Passed")
    with pytest.raises(AssertionError, match="Not yet: Expected 42, got 7"):
        check("00-mine", lambda: [7])


def test_an_exercise_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()

    with pytest.raises(FactoryError, match=r"no exercise '00-nothing'.*00-sample"):
        check("00-nothing", None)
