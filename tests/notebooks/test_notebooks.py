"""The notebooks themselves: solutions give again what they show, lessons run, and nothing is left behind."""

import ast
import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest
from conftest import wait_until
from nbformat import NotebookNode
from runs_ahead import SECONDS, Run, left_alive
from whole_run import files

from factory_lib.classroom.cells import calls, checked, code_cells, nodes

ROOT = Path(__file__).resolve().parent.parent.parent
SANITIZE = Path(__file__).parent / "sanitize.cfg"
LESSONS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
SOLUTIONS = sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb"))

# Runs a notebook in a folder with the kernel that the solutions are made with; what it shows goes to a file.
RUN = """
import sys
from pathlib import Path
import nbformat
from factory_lib.classroom.lessons import execute
notebook = nbformat.read(sys.argv[1], as_version=4)
execute(notebook, Path(sys.argv[2]))
nbformat.write(notebook, sys.argv[3])
"""

pytestmark = pytest.mark.timeout(SECONDS + 60)
each_solution = pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
each_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


@pytest.fixture(scope="module", autouse=True)
def before() -> Iterator[set[str]]:
    """Return the files that were there before; end what a failed test left alive."""
    yield files()
    for process in left_alive():
        process.kill()


def test_there_are_notebooks_and_each_lesson_has_its_solution() -> None:
    assert [path.name for path in LESSONS] == [path.name for path in SOLUTIONS]
    assert SOLUTIONS != []


def test_every_lesson_is_what_its_solution_gives_and_keeps_the_rules() -> None:
    run = Run.begin(lambda folder: ["-m", "factory_lib.classroom.lessons", "--check"], is_slow=False)
    done = run.end()
    run.clear()
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def begin(command: Callable[[Path, Path, bool], list[str]], item: pytest.Function) -> Run:
    """Begin the run of the notebook that a test is about."""
    path, is_slow = item.callspec.params["path"], item.config.getoption("slow")
    return Run.begin(lambda folder: command(path, folder, is_slow), is_slow)


def solution_as_tests(path: Path, folder: Path, is_slow: bool) -> list[str]:
    """Let nbval run a solution's cells as tests."""
    # This copy's folder, written as ASCII whatever it is called: stored outputs say COURSE.
    root = re.escape(str(ROOT)).encode("ascii", "backslashreplace").decode("ascii")
    text = f"regex: {root}(?![\\w-])\nreplace: COURSE\n\n{SANITIZE.read_text(encoding='ascii')}"
    (folder / "sanitize.cfg").write_text(text, encoding="ascii")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    own = ("-c", "pytest.ini", "--basetemp=base", "-p", "no:cacheprovider", "--color=no", "-q")
    nbval = (
        "--nbval",
        "--nbval-sanitize-with=sanitize.cfg",
        "--nbval-current-env",
        "--nbval-cell-timeout=60",
    )
    return ["-m", "pytest", *own, *nbval, "--junitxml=report.xml", str(path)]


@each_solution
@pytest.mark.runs_ahead.with_args(partial(begin, solution_as_tests))
def test_a_solution_gives_again_what_it_shows(path: Path, the_run: Run) -> None:
    done = the_run.end()

    said = f"{path.stem}\n{done.stdout[-8000:]}\n{done.stderr[-2000:]}"
    assert done.returncode == 0, said
    suite = ElementTree.parse(the_run.folder / "report.xml").getroot().find("testsuite")
    assert suite is not None, said
    counts = [int(suite.get(kind, "-1")) for kind in ("tests", "failures", "errors", "skipped")]
    # Each cell passes, and none is left out.
    assert counts == [len(code_cells(nbformat.read(path, as_version=4))), 0, 0, 0], said


def names(cell: NotebookNode) -> tuple[set[str], set[str], set[str]]:
    """Return the names that a cell reads, those that it makes or may change, and those that it imports.

    A guess counts as a name too: `predict` makes it and `reveal` reads it.
    """
    imports = [node for node in nodes(cell) if isinstance(node, ast.Import | ast.ImportFrom)]
    imported = {name.asname or name.name.split(".")[0] for node in imports for name in node.names}
    used = [node for node in nodes(cell) if isinstance(node, ast.Name)]
    read = {node.id for node in used}
    made = {node.id for node in used if isinstance(node.ctx, ast.Store)}
    made |= {node.name for node in nodes(cell) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    for node in nodes(cell):
        part: ast.AST = node  # as in d["a"] = 1, d.a = 1, d.append(1)
        while isinstance(part, ast.Attribute | ast.Subscript | ast.Call):
            part = part.func if isinstance(part, ast.Call) else part.value
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(part, ast.Name):
            made.add(part.id)
    for name, call in calls(cell):
        if name in ("predict", "reveal"):
            (made if name == "predict" else read).add(f"the guess {ast.unparse(call.args[0])}")
    return read, made, imported


def only_what_differs(lesson: NotebookNode, solution: NotebookNode) -> None:
    """Take cells out of a lesson that do there what they do in its solution, whose run is tested.

    Those stay whose text is another one or that check an answer, what uses what they make, and what all
    these need.
    """
    theirs = {cell.id: cell.source for cell in code_cells(solution)}
    cells = [(cell, *names(cell)) for cell in code_cells(lesson)]
    everywhere = set[str]().union(*(imported for _, _, _, imported in cells))
    kept, touched, needed = set[str](), set[str](), set[str]()
    for cell, read, made, _ in cells:
        if theirs[cell.id] != cell.source or checked(cell) or read & touched:
            kept.add(cell.id)
            touched |= made - everywhere
    for cell, read, made, imported in reversed(cells):
        if cell.id in kept or (made | imported) & needed:
            needed |= read
        else:
            lesson.cells.remove(cell)


def test_of_a_lesson_stays_what_differs_what_uses_it_and_what_both_need() -> None:
    def book(**cells: str) -> NotebookNode:
        made = [nbformat.v4.new_code_cell(source, id=name) for name, source in cells.items()]
        return nbformat.v4.new_notebook(cells=made)

    both = {
        "imports": "import os",
        "needed": "box = []",
        "fills": "box.append(os.sep)",
        "alone": "print(os.sep)",
        "unneeded": "other = 1",
        "guess": "predict('a', 'How many?')",
        "answer": "def count(): return len(box)",
        "uses": "n = count()",
        "changes": "box[0] = n",
        "uses-the-changed": "print(box)",
        "told": "reveal('a', n)",
        "check": "check('01-a', 3)",
        "not-told": "reveal('b', other)",
    }
    lesson = book(**{**both, "answer": "def count(): ..."})

    only_what_differs(lesson, book(**both))

    assert [cell.id for cell in lesson.cells] == [
        "imports",
        "needed",
        "fills",
        "guess",
        "answer",
        "uses",
        "changes",
        "uses-the-changed",
        "told",
        "check",
    ]


# Solutions run in their own folder, lessons from the root: VSCode and a terminal start them so.
def blank_lesson(path: Path, folder: Path, is_slow: bool) -> list[str]:
    """Run a lesson with nothing filled in."""
    lesson = nbformat.read(path, as_version=4)
    if not is_slow:
        only_what_differs(lesson, nbformat.read(path.parent / "solutions" / path.name, 4))
    nbformat.write(lesson, folder / "lesson.ipynb")
    return ["-c", RUN, str(folder / "lesson.ipynb"), str(ROOT), str(folder / "result.ipynb")]


@each_lesson
@pytest.mark.runs_ahead.with_args(partial(begin, blank_lesson))
def test_a_lesson_with_nothing_filled_in_runs_to_its_end_and_says_what_is_left(
    path: Path, the_run: Run
) -> None:
    done = the_run.end()

    assert done.returncode == 0, done.stderr[-4000:]
    for cell in code_cells(nbformat.read(the_run.folder / "result.ipynb", 4)):
        kinds = {output.get("name", output.output_type) for output in cell.outputs}
        assert not kinds & {"error", "stderr"}, f"{cell.id}: {json.dumps(cell.outputs, indent=1)[:4000]}"
        said = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs]
        assert "".join(said).lower().count("not yet") >= len(checked(cell)), f"{cell.id}: {said}"


def test_running_the_notebooks_left_no_file_and_no_process(before: set[str]) -> None:
    assert wait_until(lambda: left_alive() == []), [process.cmdline() for process in left_alive()]
    assert files() - before == set()
