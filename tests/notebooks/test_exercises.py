"""Each exercise: as handed out it says not yet, with the solution it passes, and wrong answers hear why."""

import ast
import os
import re
import sys
import threading
import types
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from answers import RIGHT_ANSWERS, WRONG_ANSWERS
from whole_run import RUN_AHEAD

from factory_lib.classroom.cells import calls, checked, code_cells
from factory_lib.errors import FactoryError
from factory_lib.lab import checks, content
from factory_lib.lab.sandbox import Outcome, pack, run_packed

NOTEBOOKS = Path(__file__).resolve().parent.parent.parent / "notebooks"
CASES = [
    pytest.param(name, fault, code, word, id=f"{name}: {fault}")
    for name, answers in WRONG_ANSWERS.items()
    for fault, code, word in answers
]


# Where an observer pauses, or an answer keeps us waiting until the time is over: these get less time, but not
# who is told by what happens in a pause.
SLOW = {"04-backpressure", "04-threads", "07-factory", "07-stop"}
SLOW_ANSWERS = {"03-join: joins before it takes the result", "03-join: a global variable for a result"}
TOLD_BY_A_PAUSE = {
    "04-backpressure: a detection gives up after half a second",
    "04-threads: does not join",
    "04-threads: one DONE ends all",
    "04-threads: takes silence for the end",
    "07-stop: ends when the queue is empty",
    "07-stop: no join",
    "07-stop: one DONE ends both",
}


class Cells:
    """What an exercise needs of its notebook: imports, earlier functions, the answer, what is checked."""

    def __init__(self, folder: Path, name: str) -> None:
        [path] = folder.glob(f"{name[:2]}_*.ipynb")
        cells = code_cells(nbformat.read(path, 4))
        [check] = [cell for cell in cells if name in checked(cell)]
        self.checked = next(call.args[1] for called, call in calls(check) if called == "check")
        ids = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in cells]
        self.answer = cells[ids.index(name)].source
        # Of the first cell the imports and constants: a lesson's own work there is not needed.
        first = ast.parse(next(cell.source for cell in cells if cell.id == "imports")).body
        self.setup = [line for line in first if isinstance(line, ast.Import | ast.ImportFrom | ast.Assign)]
        for cell in cells[: ids.index(name)]:
            self.setup += [line for line in ast.parse(cell.source).body if isinstance(line, ast.FunctionDef)]

    def answer_of(self, code: str) -> Any:
        """Run imports and answer as the kernel would, in a __main__ of their own; return what is checked."""
        main = types.ModuleType("__main__")
        code = re.sub(r"^(?:show|check)\(.*$", "", code, flags=re.MULTILINE)
        before, sys.modules["__main__"] = sys.modules["__main__"], main
        try:
            exec(compile(ast.Module(self.setup, []), "imports", "exec"), main.__dict__)
            exec(code, main.__dict__)
            return eval(ast.unparse(self.checked), main.__dict__)
        finally:
            sys.modules["__main__"] = before


def patience(answer: str) -> float:
    """Tell what share of its time an answer gets: less for a slow exercise, but enough on a busy machine."""
    if answer in SLOW_ANSWERS or (answer.partition(":")[0] in SLOW and answer not in TOLD_BY_A_PAUSE):
        load = psutil.getloadavg()[0] / (os.cpu_count() or 1)
        return min(1.0, 0.3 * max(1.0, load))
    return 1.0


class Observed:
    """An answer, and its run in an interpreter of its own, which begins before `check` asks for it."""

    def __init__(self, name: str, code: str | None, share: float) -> None:
        solution = Cells(NOTEBOOKS / "solutions", name)
        exercise = content.exercise(name)
        self.answer = solution.answer_of(solution.answer if code is None else code)
        self._ran: list[Outcome | Exception] = []
        try:
            self._call, self._seconds = pack(exercise.observe, self.answer), exercise.seconds
        except FactoryError:  # `check` will say so
            self._call = b""
        variables = {**os.environ, "FACTORY_PATIENCE": str(share)}
        self._thread = threading.Thread(target=self._run, args=(variables,), name=RUN_AHEAD)
        self._thread.start()

    @classmethod
    def begin(cls, item: pytest.Function) -> "Observed":
        """Begin with what a test is about."""
        answer = item.name.partition("[")[2].removesuffix("]")
        return cls(item.callspec.params["name"], item.callspec.params.get("code"), patience(answer))

    def _run(self, variables: dict[str, str]) -> None:
        try:
            if self._call:
                self._ran.append(run_packed(self._call, self._seconds, variables))
        except Exception as error:
            self._ran.append(error)

    def outcome(self, call: bytes, seconds: float) -> Outcome:
        """Give what came of it, to a `check` that wants to run just this."""
        assert (call, seconds) == (self._call, self._seconds)
        self._thread.join()
        [ran] = self._ran
        if isinstance(ran, Exception):
            raise ran
        return ran

    def clear(self) -> None:
        """Wait for its end, for which it has a limit of its own."""
        self._thread.join()


@pytest.fixture
def observed(the_run: Observed, monkeypatch: pytest.MonkeyPatch) -> Observed:
    """Let `show` and `check` take the run that has begun for this test."""
    monkeypatch.setattr(checks, "run_packed", the_run.outcome)
    return the_run


def said_by(name: str, answer: Any, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()  # what the answer's own cell said
    checks.check(name, answer)
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def test_every_exercise_stands_in_a_lesson_and_every_lesson_exercise_is_there() -> None:
    cells = (cell for path in NOTEBOOKS.glob("*.ipynb") for cell in code_cells(nbformat.read(path, 4)))

    assert sorted({name for cell in cells for name in checked(cell)}) == content.exercise_names()


def test_every_exercise_has_three_wrong_answers_at_least() -> None:
    assert sorted(WRONG_ANSWERS) == content.exercise_names()
    assert min(map(len, WRONG_ANSWERS.values())) >= 3


def test_what_gets_another_time_is_there() -> None:
    assert {case.id for case in CASES} >= SLOW_ANSWERS | TOLD_BY_A_PAUSE
    assert set(content.exercise_names()) >= SLOW


@pytest.mark.parametrize("name", content.exercise_names())
def test_as_handed_out_it_says_not_yet(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    lesson = Cells(NOTEBOOKS, name)

    said = said_by(name, lesson.answer_of(lesson.answer), capsys)

    assert "TODO" in lesson.answer
    assert said.startswith("Not yet: ")
    assert f'hint("{name}")' in said


@pytest.mark.runs_ahead.with_args(Observed.begin)
@pytest.mark.parametrize("name", content.exercise_names())
def test_with_the_solution_it_passes(
    name: str, observed: Observed, capsys: pytest.CaptureFixture[str]
) -> None:
    said = said_by(name, observed.answer, capsys)

    assert said == f"Passed: {content.exercise(name).passed}\n"


@pytest.mark.runs_ahead.with_args(Observed.begin)
@pytest.mark.parametrize(("name", "fault", "code", "word"), CASES)
def test_a_wrong_answer_hears_its_fault_and_is_drawn(
    name: str,
    fault: str,
    code: str,
    word: str,
    observed: Observed,
    capsys: pytest.CaptureFixture[str],
) -> None:
    checks.show(name, observed.answer)
    drawn = capsys.readouterr().out
    said = said_by(name, observed.answer, capsys)

    assert said.startswith("Not yet: ")
    assert word in said
    assert drawn
    assert "cannot be drawn" not in drawn


@pytest.mark.runs_ahead.with_args(Observed.begin)
@pytest.mark.parametrize(
    ("name", "code"),
    [
        pytest.param(name, code, id=f"{name}: {what}")
        for name, answers in RIGHT_ANSWERS.items()
        for what, code in answers.items()
    ],
)
def test_a_right_answer_passes_in_whatever_words(
    name: str, code: str, observed: Observed, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said_by(name, observed.answer, capsys) == f"Passed: {content.exercise(name).passed}\n"


STRANGE: dict[str, Any] = {
    "a number": 0,
    "a string": "x",
    "an empty tuple": (),
    "an object": object(),
    "a class": dict,
    "takes nothing": lambda: 1,
    "takes anything, returns nothing": lambda *args, **kwargs: print(end=""),
    "returns a generator": lambda *args: (n for n in range(3)),
    "raises": lambda *args: 1 / 0,
    "leaves": lambda *args: sys.exit(5),
}


@pytest.mark.parametrize("name", content.exercise_names())
def test_judge_and_draw_cope_with_whatever_is_answered(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Here in this process, quickly; `apart` has its own tests."""
    exercise = content.exercise(name)
    outcomes: list[Outcome] = []

    def observe(call: bytes, seconds: float) -> Outcome:
        return outcomes[-1]

    monkeypatch.setattr(checks, "run_packed", observe)
    for value in (*STRANGE.values(), None, {}, [None], {"said": ""}):
        outcomes.append(Outcome("returned", value, "", "", "", "", 0, 0, exercise.seconds))
        checks.show(name, len)
        assert said_by(name, len, capsys).count("Not yet: ") == 1


@pytest.mark.parametrize("name", ["00-sample", "03-join", "04-backpressure"])
@pytest.mark.parametrize("kind", STRANGE)
def test_a_strange_answer_hears_not_yet(name: str, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "Not yet: " in said_by(name, STRANGE[kind], capsys)


def test_what_is_drawn_does_not_depend_on_who_came_first(capsys: pytest.CaptureFixture[str]) -> None:
    drawn = []
    for order in (("Cam1", "Cam2"), ("Cam2", "Cam1")):
        counts = {camera: int(camera[-1]) for camera in order}
        seen = {
            "targets": ["m", "m"],
            "together": 2,
            "exit codes": [0, 0],
            "bytes": 46,
            "said": "",
            "counts": counts,
        }
        content.exercise("03-count").draw(seen)
        threads = dict.fromkeys(order, True)
        content.exercise("04-threads").draw({"threads": threads, "met": True, "returned": [], "said": ""})
        drawn.append(capsys.readouterr().out)

    assert drawn[0] == drawn[1]
