"""The notebooks themselves: solutions give again what they show, lessons run, and nothing is left behind."""

import ast
import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import psutil
import pytest
from conftest import wait_until
from nbformat import NotebookNode
from whole_run import files

from factory_lib.classroom.cells import checked, code_cells

ROOT = Path(__file__).resolve().parent.parent.parent
SANITIZE = Path(__file__).parent / "sanitize.cfg"
LESSONS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
SOLUTIONS = sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb"))
SECONDS = 400  # for a whole notebook
MARK = "FACTORY_NOTEBOOK_TESTS"  # a variable by which everything that these tests start can be told
MARKED = {MARK: uuid.uuid4().hex}

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


def run(tmp_path: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    """Run Python without these tests' own settings, and without IPython's of whoever works here."""
    ours = ("COV", "PYTEST", "PYTHON", "IPYTHON")
    env = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    return subprocess.run(
        [sys.executable, *command],
        cwd=tmp_path,
        env={**env, **MARKED, "IPYTHONDIR": str(tmp_path / "ipython"), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=SECONDS,
    )


def nbval(path: Path, tmp_path: Path, *options: str) -> None:
    """Run a notebook's cells as tests; each must pass, and none be left out."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    report = tmp_path / "report.xml"
    own = ("-c", "pytest.ini", f"--basetemp={tmp_path / 'base'}", "-p", "no:cacheprovider", "--color=no")
    limits = ("--nbval-current-env", "--nbval-cell-timeout=60", f"--junitxml={report}")
    done = run(tmp_path, "-m", "pytest", "-q", *own, *limits, *options, str(path))
    said = f"{path.stem} {' '.join(options)}\n{done.stdout[-8000:]}\n{done.stderr[-2000:]}"
    assert done.returncode == 0, said
    suite = ElementTree.parse(report).getroot().find("testsuite")
    assert suite is not None, said
    counts = [int(suite.get(kind, "-1")) for kind in ("tests", "failures", "errors", "skipped")]
    assert counts == [len(code_cells(nbformat.read(path, as_version=4))), 0, 0, 0], said


def alive() -> list[psutil.Process]:
    """Find every process that these tests started, also one whose parent is gone."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == MARKED[MARK]:
                found.append(process)
        except (psutil.Error, OSError):  # of somebody else, or just gone
            continue
    return found


@pytest.fixture(scope="module", autouse=True)
def before(request: pytest.FixtureRequest) -> Iterator[set[str]]:
    """Return the files that were there before; end what a failed test left alive.

    Work that is only measured is shortened; with --slow it has its full length.
    """
    MARKED["FACTORY_WORK"] = "1" if request.config.getoption("slow") else "0.15"
    yield files()
    for process in alive():
        process.kill()


def test_there_are_notebooks_and_each_lesson_has_its_solution() -> None:
    assert [path.name for path in LESSONS] == [path.name for path in SOLUTIONS]
    assert SOLUTIONS != []


def test_every_lesson_is_what_its_solution_gives_and_keeps_the_rules(tmp_path: Path) -> None:
    done = run(tmp_path, "-m", "factory_lib.classroom.lessons", "--check")
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


@each_solution
def test_a_solution_gives_again_what_it_shows(path: Path, tmp_path: Path) -> None:
    # This copy's folder, written as ASCII whatever it is called: stored outputs say COURSE.
    root = re.escape(str(ROOT)).encode("ascii", "backslashreplace").decode("ascii")
    patterns = tmp_path / "sanitize.cfg"
    text = f"regex: {root}(?![\\w-])\nreplace: COURSE\n\n{SANITIZE.read_text(encoding='ascii')}"
    patterns.write_text(text, encoding="ascii")
    nbval(path, tmp_path, "--nbval", f"--nbval-sanitize-with={patterns}")


def names(source: str) -> tuple[set[str], set[str], set[str]]:
    """Return the names that a cell reads, those that it makes or may change, and those that it imports.

    A guess counts as a name too: `predict` makes it and `reveal` reads it.
    """
    nodes = list(ast.walk(ast.parse(source)))
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    imported = {name.asname or name.name.split(".")[0] for node in imports for name in node.names}
    read = {node.id for node in nodes if isinstance(node, ast.Name)}
    made = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    made |= {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    for node in nodes:
        part: ast.AST = node  # as in d["a"] = 1, d.a = 1, d.append(1)
        while isinstance(part, ast.Attribute | ast.Subscript | ast.Call):
            part = part.func if isinstance(part, ast.Call) else part.value
        if part is not node and not isinstance(node, ast.Call) and isinstance(part, ast.Name):
            made.add(part.id)
        guess = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
        if isinstance(node, ast.Call) and guess in ("predict", "reveal"):
            (made if guess == "predict" else read).add(f"the guess {ast.unparse(node.args[0])}")
    return read, made, imported


def only_what_differs(lesson: NotebookNode, solution: NotebookNode) -> None:
    """Take cells out of a lesson that do there what they do in its solution, whose run is tested.

    Those stay whose text is another one or that check an answer, what uses what they make, and what all
    these need.
    """
    theirs = {cell.id: cell.source for cell in code_cells(solution)}
    cells = [(cell, *names(cell.source)) for cell in code_cells(lesson)]
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
@each_lesson
def test_a_lesson_with_nothing_filled_in_runs_to_its_end_and_says_what_is_left(
    path: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    result, lesson = tmp_path / path.name, nbformat.read(path, as_version=4)
    if not request.config.getoption("slow"):
        only_what_differs(lesson, nbformat.read(path.parent / "solutions" / path.name, 4))
    nbformat.write(lesson, tmp_path / "lesson.ipynb")
    done = run(tmp_path, "-c", RUN, str(tmp_path / "lesson.ipynb"), str(ROOT), str(result))
    assert done.returncode == 0, done.stderr[-4000:]
    for cell in code_cells(nbformat.read(result, as_version=4)):
        kinds = {output.get("name", output.output_type) for output in cell.outputs}
        assert not kinds & {"error", "stderr"}, f"{cell.id}: {json.dumps(cell.outputs, indent=1)[:4000]}"
        said = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs]
        assert "".join(said).lower().count("not yet") >= len(checked(cell)), f"{cell.id}: {said}"


def test_running_the_notebooks_left_no_file_and_no_process(before: set[str]) -> None:
    assert wait_until(lambda: alive() == []), [process.cmdline() for process in alive()]
    assert files() - before == set()
