import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from factory_lib.errors import FactoryError
from factory_lib.lab.predictions import NONE, RIGHT, WRONG, _guesses, predict, reveal

GRID: dict[str, Any] = {"unit": "s", "rows": ["sleep", "sum"], "columns": ["threads", "processes"]}


@pytest.fixture(autouse=True)
def no_guess_left_over() -> Iterator[None]:
    _guesses.clear()
    yield
    _guesses.clear()


def shown(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def entries(widget: Any) -> list[Any]:
    """List the fields that a learner fills in, in the order in which they are shown."""
    found = [widget] if hasattr(widget, "value") and type(widget).__name__ not in ("HTML", "Label") else []
    for child in getattr(widget, "children", ()):
        found += entries(child)
    return found


def labels(widget: Any) -> list[str]:
    found = [widget.value] if type(widget).__name__ == "Label" else []
    for child in getattr(widget, "children", ()):
        found += labels(child)
    return found


@pytest.mark.parametrize(
    ("guess", "measured", "sentence", "last"),
    [
        (2.0, 1.1, "you said 2 s, it was 1.1 s: 1.8 times too much", WRONG),
        (0.5, 1.0, "you said 0.5 s, it was 1 s: 2 times too little", WRONG),
        (1000, 1, "you said 1000 s, it was 1 s: 1000 times too much", WRONG),
        (1.2, 1.0, "you said 1.2 s, it was 1 s: close", RIGHT),
        (3, 3, "you said 3 s, it was 3 s: exactly right", RIGHT),
        (2, 0, "you said 2 s, it was 0 s: 2 s too much", WRONG),
        (-1, 2, "you said -1 s, it was 2 s: 3 s too little", WRONG),
        ("2,5 s", 2.5, "you said 2.5 s, it was 2.5 s: exactly right", RIGHT),
    ],
)
def test_a_number_is_shown_beside_the_measurement_with_how_far_off_it_was(
    guess: Any, measured: float, sentence: str, last: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert predict("time", "How long?", unit="s", guess=guess).value is not None
    assert shown(capsys)[0].startswith("How long? Your guess: ")
    reveal("time", measured)
    assert shown(capsys) == ["How long?", sentence, last]


def test_a_choice_is_right_or_not(capsys: pytest.CaptureFixture[str]) -> None:
    predict("way", "Which?", choices=["threads", "processes"], guess="threads")
    reveal("way", "processes")
    reveal("way", "threads")
    assert shown(capsys)[1:] == [
        *("Which?", "you said threads, it was processes: not so", WRONG),
        *("Which?", "you said threads, it was threads: right", RIGHT),
    ]


@pytest.mark.parametrize(
    "guess", [[[2, 1], [None, 8]], {"sleep": {"threads": 2, "processes": 1}, "sum": {"processes": 8}}]
)
def test_a_grid_has_a_verdict_for_each_cell(guess: Any, capsys: pytest.CaptureFixture[str]) -> None:
    asked = predict("grid", "How long?", guess=guess, **GRID)
    assert asked.value == {"sleep": {"threads": 2.0, "processes": 1.0}, "sum": {"processes": 8.0}}
    reveal("grid", [[1, 1], [2, 4]])
    assert shown(capsys)[1:] == [
        "How long?",
        "sleep, threads: you said 2 s, it was 1 s: 2 times too much",
        "sleep, processes: you said 1 s, it was 1 s: exactly right",
        "sum, threads: it was 2 s, no guess",
        "sum, processes: you said 8 s, it was 4 s: 2 times too much",
        WRONG,
    ]


@pytest.mark.parametrize(
    ("measured", "lines"),
    [
        (1.5, ["it was 1.5"]),
        ("threads", ["it was threads"]),
        ({"sum": {"A": 2, "B": 1}}, ["sum, A: it was 2, no guess", "sum, B: it was 1, no guess"]),
        ({"sum": {"A": "yes", "B": 1}}, ["sum, A: it was yes, no guess", "sum, B: it was 1, no guess"]),
    ],
)
def test_without_a_guess_the_measurement_is_shown_kindly(
    measured: Any, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    reveal("never asked", measured)
    assert shown(capsys) == ["never asked", *lines, NONE]


def test_a_question_not_answered_is_no_guess(capsys: pytest.CaptureFixture[str]) -> None:
    assert predict("time", "How long?", unit="s").value is None
    assert shown(capsys) == ["How long? Answer with guess=... in this call."]
    reveal("time", 1.1)
    assert shown(capsys) == ["How long?", "it was 1.1 s", NONE]


def test_run_again_the_guess_is_kept_until_the_question_changes() -> None:
    predict("time", "How long?", unit="s", guess=2)
    assert predict("time", "How long?", unit="s").value == 2.0
    assert predict("time", "How long?", unit="s", guess=3).value == 3.0
    assert predict("time", "How long?", unit="ms").value is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"guess": "two"}, r"The guess 'two' is not a number\. Give a number such as 2\.5\."),
        ({"guess": True}, "The guess True is not a number"),
        ({"guess": float("nan")}, "The guess nan is not a number"),
        ({"guess": "inf"}, "The guess 'inf' is not a number"),
        ({"guess": [1]}, r"The guess \[1\] is not a number"),
        ({"guess": "c", "choices": ["a", "b"]}, r"'c' is not among the choices\. Choose one of 'a', 'b'\."),
        ({"guess": [[1, 2]], **GRID}, "rows sleep, sum and columns threads, processes"),
        ({"guess": [[1, 2], [3]], **GRID}, "does not fit its grid"),
        ({"guess": {"slep": {"threads": 1}}, **GRID}, "does not fit its grid"),
        ({"guess": {"sleep": {"thread": 1}}, **GRID}, "does not fit its grid"),
        ({"guess": 3, **GRID}, "does not fit its grid"),
        ({"guess": [[1, 2], [3, "x"]], **GRID}, "The guess 'x' is not a number"),
        ({"rows": ["a"]}, "has one side only"),
    ],
)  # fmt: skip
def test_a_guess_of_the_wrong_kind_is_refused_and_the_one_before_kept(
    given: dict[str, Any], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    predict("key", "How long?", guess=2)
    with pytest.raises(FactoryError, match=message):
        predict("key", "How long?", **given)
    assert predict("key", "How long?").value == 2.0


def test_a_measurement_that_does_not_fit_the_question_is_named_as_such() -> None:
    predict("way", "Which?", choices=["threads", "processes"], guess="threads")
    with pytest.raises(FactoryError, match="The measurement 'pool' is not among the choices"):
        reveal("way", "pool")


def test_what_is_typed_into_the_widget_is_the_guess() -> None:
    asked = predict("time", "How long?", unit="s")
    widget = asked.widget()
    (entry,) = entries(widget)
    entry.value = "2,5 s"
    assert (asked.value, labels(widget)) == (2.5, ["s", "(noted: 2.5)"])
    entry.value = "2,5 hours"
    assert (asked.value, labels(widget)[1]) == (
        None,
        "The guess '2,5 hours' is not a number. Give a number such as 2.5.",
    )
    entry.value = ""
    assert (asked.value, labels(widget)) == (None, ["s", ""])


@pytest.mark.parametrize(
    ("typed", "understood"),
    [
        ("1,000", 1000.0),
        ("1,234,567.5", 1234567.5),
        ("1,5", 1.5),
        ("0,125", 0.125),
        ("2x", 2.0),
        ("2 times", 2.0),
        ("20 %", 20.0),
        (" 3 ", 3.0),
        ("-1", -1.0),
    ],
)
def test_numbers_are_understood_as_people_type_them(typed: str, understood: float) -> None:
    asked = predict("speed", "How many times as fast?", unit="times", guess=typed)

    assert asked.value == understood


def test_the_widget_says_which_number_it_understood() -> None:
    asked = predict("size", "How many?", unit="bytes")
    (entry,) = entries(asked.widget())
    entry.value = "921,600"

    assert asked.noted(asked.value) == "(noted: 921,600)"


def test_a_widget_starts_without_a_guess_or_with_the_one_made_before() -> None:
    choices = ["threads", "processes"]
    asked = predict("way", "Which?", choices=choices)
    (entry,) = entries(asked.widget())
    assert (entry.value, asked.value) == (None, None)
    entry.value = "processes"
    again = predict("way", "Which?", choices=choices)
    assert (again.value, entries(again.widget())[0].value) == ("processes", "processes")
    entry.value = "threads"
    assert again.value == "threads"


def test_each_field_of_a_grid_is_named_and_counts_for_its_cell() -> None:
    asked = predict("jobs", "Which?", rows=["sum", "sleep"], columns=["fast", "safe"], choices=["A", "B"])
    fields = entries(asked.widget())
    assert [entry.tooltip for entry in fields] == ["sum, fast", "sum, safe", "sleep, fast", "sleep, safe"]
    fields[0].value, fields[3].value = "A", "B"
    assert asked.value == {"sum": {"fast": "A"}, "sleep": {"safe": "B"}}
    fields[0].value = ""
    assert asked.value == {"sleep": {"safe": "B"}}


def test_in_a_notebook_there_are_widgets_tables_with_header_cells_and_escaped_text() -> None:
    sources = [
        "from factory_lib.lab.predictions import predict, reveal\npredict('a', 'Is 1 < 2?', unit='s')",
        "predict('a', 'Is 1 < 2?', unit='s', guess=2)",
        "reveal('a', 1)",
        "reveal('b', {'<row>': {'one': 1, 'two': 2}})",
    ]
    code = f"""
import json, nbclient, nbformat
cells = [nbformat.v4.new_code_cell(source) for source in {sources!r}]
notebook = nbformat.v4.new_notebook(cells=cells)
nbclient.NotebookClient(notebook, kernel_name="python3", timeout=50).execute()
print(json.dumps([cell.outputs for cell in cells]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (widget,), (guess,), (number,), (grid,) = json.loads(done.stdout)
    assert "application/vnd.jupyter.widget-view+json" in widget["data"]
    assert guess["data"]["text/html"] == "<p>Is 1 &lt; 2? Your guess: 2 s</p>"
    sentence = "you said 2 s, it was 1 s: 2 times too much"
    assert number["data"]["text/plain"] == f"Is 1 < 2?\n{sentence}\n{WRONG}"
    assert number["data"]["text/html"] == f"<p><b>Is 1 &lt; 2?</b><br>{sentence}</p><p>{WRONG}</p>"
    assert grid["data"]["text/html"] == (
        '<table><caption>b</caption><thead><tr><td></td><th scope="col">one</th><th scope="col">two</th></tr>'
        '</thead><tbody><tr><th scope="row">&lt;row&gt;</th><td>it was 1<br>no guess</td>'
        f"<td>it was 2<br>no guess</td></tr></tbody></table><p>{NONE}</p>"
    )
