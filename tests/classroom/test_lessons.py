"""Lessons out of solutions: what is taken out, what is kept, what is written and when."""

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import nbformat
import psutil
import pytest
from conftest import wait_until
from nbformat import NotebookNode
from sample_notebook import cell, code, sample

from factory_lib.classroom import lessons

NAME = "02_capture"
# Kernels are started in a process of their own: they leave threads behind in the one that starts them.
RUN = """
import sys
from pathlib import Path
from factory_lib.classroom.lessons import main
sys.exit(main(sys.argv[2:], Path(sys.argv[1])))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with one solution, below a name with a space and Hangul."""
    folder = tmp_path / "공장 실습" / "notebooks"
    (folder / "solutions").mkdir(parents=True)
    save(folder, sample())
    return folder


def save(folder: Path, notebook: NotebookNode, name: str = NAME) -> None:
    (folder / "solutions" / f"{name}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


def solution(folder: Path) -> NotebookNode:
    return nbformat.read(folder / "solutions" / f"{NAME}.ipynb", as_version=4)


def lesson(folder: Path) -> NotebookNode:
    return nbformat.read(folder / f"{NAME}.ipynb", as_version=4)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def main(folder: Path, *arguments: str) -> int:
    return lessons.main(arguments, folder)


def run(folder: Path, *arguments: str, before: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", before + RUN, str(folder), *arguments],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        timeout=100,
    )


# --- what a lesson is --------------------------------------------------------------------------------


def test_an_answer_becomes_one_line_that_says_how_long_it_is(folder: Path) -> None:
    assert main(folder, "--no-run") == 0
    assert cell(lesson(folder), "double-stub").source == (
        'def double(number):\n    """Return twice as much."""\n    # TODO: about 2 lines'
    )


@pytest.mark.parametrize(
    ("source", "stub"),
    [
        ("### BEGIN SOLUTION\na = 1\n### END SOLUTION", "# TODO: about 1 line"),
        (
            "a = None\n### BEGIN SOLUTION\na = 1\n### END SOLUTION\nb = 2\n### BEGIN SOLUTION \nb = 3\n\n"
            "b = 4\n  # no line\n### END SOLUTION\nc = 3",
            "a = None\n# TODO: about 1 line\nb = 2\n# TODO: about 2 lines\nc = 3",
        ),
        (
            "while True:\n\t### BEGIN SOLUTION\n\tpass\n\t### END SOLUTION",
            "while True:\n\t# TODO: about 1 line",
        ),
        ("print('### BEGIN SOLUTION')", "print('### BEGIN SOLUTION')"),
    ],
)
def test_every_answer_of_a_cell_is_replaced_at_its_own_indentation(source: str, stub: str) -> None:
    made = lessons.lesson_of(nbformat.v4.new_notebook(cells=[code("stub", source)]))
    assert made.cells[0].source == stub


def test_a_lesson_has_no_outputs_and_the_rest_of_its_solution(folder: Path) -> None:
    main(folder, "--no-run")
    for given, got in zip(sample().cells, lesson(folder).cells, strict=True):
        assert got.id == given.id
        assert got.metadata.tags == ["kept"]
        assert set(got.metadata) <= {"tags", "nbgrader"}
        assert got.source == given.source or got.id == "double-stub"
        if got.cell_type == "code":
            assert (got.outputs, got.execution_count) == ([], None)


def test_both_notebooks_name_the_kernel_and_nothing_else(folder: Path) -> None:
    main(folder, "--no-run")
    for notebook in (lesson(folder), solution(folder)):
        assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
        assert notebook.metadata == {
            "kernelspec": {"display_name": "parallelism", "language": "python", "name": "parallelism"},
            "language_info": {"name": "python"},
        }


def test_nbgrader_is_told_which_cells_are_answered_and_which_are_graded(folder: Path) -> None:
    notebook = sample()
    cell(notebook, "step-5").source = "### BEGIN SOLUTION\nhelper = 1\n### END SOLUTION"
    cell(notebook, "step-4").metadata["nbgrader"] = {"grade_id": "of an older version"}
    save(folder, notebook)
    main(folder, "--no-run")
    common = {"schema_version": 3, "task": False}
    answer = {"grade": False, "locked": False, "solution": True, **common}
    graded = {"grade": True, "locked": True, "solution": False, "points": 1, **common}
    for made in (solution(folder), lesson(folder)):
        marks = {one.id: one.metadata.nbgrader for one in made.cells if "nbgrader" in one.metadata}
        assert marks == {
            "step-5": {"grade_id": "02-double", **answer},
            "double-stub": {"grade_id": "02-double-2", **answer},
            "double-check": {"grade_id": "02-double-check", **graded},
        }


def test_the_files_are_as_nbformat_writes_them_in_utf_8(folder: Path, tmp_path: Path) -> None:
    main(folder, "--no-run")
    for path in (folder / f"{NAME}.ipynb", folder / "solutions" / f"{NAME}.ipynb"):
        again = tmp_path / "again.ipynb"
        nbformat.write(nbformat.read(path, as_version=4), again)
        assert path.read_bytes() == again.read_bytes()
        assert "안녕하세요" in path.read_text(encoding="utf-8")
        assert b"\r" not in path.read_bytes()


# --- what a solution keeps ---------------------------------------------------------------------------


def test_a_solution_keeps_its_outputs_with_streams_that_were_cut_put_together(folder: Path) -> None:
    notebook = sample()
    shown = nbformat.v4.new_output("display_data", data={"text/plain": "a bar"})
    hello = cell(notebook, "say-hello").outputs
    hello += [shown, nbformat.v4.new_output("stream", name="stdout", text="end")]
    save(folder, notebook)
    main(folder, "--no-run")
    kept = cell(solution(folder), "say-hello")
    assert [one.get("text", "a bar") for one in kept.outputs] == ["안녕하세요\nand hello\n", "a bar", "end"]
    assert kept.execution_count == 1


def test_stored_outputs_do_not_tell_in_which_folder_they_were_made(folder: Path) -> None:
    root = folder.parent
    link = root.parent / "link"
    link.symlink_to(root, target_is_directory=True)
    notebook = sample()
    data = {
        "text/plain": f"'{root}/notebooks', {root}2",
        "text/html": f"<b>{root}</b>",
        "text/x": f"{link}/a",
    }
    result = nbformat.v4.new_output("execute_result", data=data, execution_count=2)
    cell(notebook, "step-1").outputs = [result]
    save(folder, notebook)
    lessons.main(["--no-run"], link / "notebooks")
    data = dict(cell(solution(folder), "step-1").outputs[0].data)
    expected = {"text/plain": f"'COURSE/notebooks', {root}2", "text/html": "<b>COURSE</b>"}
    assert data == {**expected, "text/x": "COURSE/a"}


def test_the_number_of_a_widget_that_is_gone_is_not_kept(folder: Path) -> None:
    notebook = sample()
    data = {lessons.WIDGET: {"model_id": "1f"}, "text/plain": "Button()"}
    cell(notebook, "step-1").outputs = [nbformat.v4.new_output("display_data", data=data)]
    save(folder, notebook)
    main(folder, "--no-run")
    assert cell(solution(folder), "step-1").outputs[0].data == {"text/plain": "Button()"}


# --- writing -----------------------------------------------------------------------------------------


def test_making_them_again_changes_no_byte_and_nothing_is_random(folder: Path, tmp_path: Path) -> None:
    main(folder, "--no-run")
    first = files(folder)
    main(folder, "--no-run")
    assert files(folder) == first
    other = tmp_path / "elsewhere" / "notebooks"
    (other / "solutions").mkdir(parents=True)
    save(other, sample())
    main(other, "--no-run")
    assert files(other) == first


def test_a_file_is_replaced_as_a_whole_or_not_at_all(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main(folder, "--no-run")
    before = files(folder)
    notebook = sample()
    cell(notebook, "step-1").source = "'changed'"
    save(folder, notebook)
    changed = files(folder)

    def fail(*paths: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(lessons.os, "replace", fail)
    assert main(folder, "--no-run") == 1
    assert files(folder) == changed
    assert capsys.readouterr().out == (
        "02_capture: 02_capture.ipynb cannot be written: the disk is full. Mend that and run this again.\n"
    )
    monkeypatch.undo()
    assert main(folder, "--no-run") == 0
    assert files(folder).keys() == before.keys()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_written_file_can_be_read_by_others(folder: Path) -> None:
    before = os.umask(0o022)
    try:
        main(folder, "--no-run")
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / f"{NAME}.ipynb").stat().st_mode) == 0o644


def test_findings_are_printed_and_the_files_written_all_the_same(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook = sample()
    cell(notebook, "step-1").source = "%magic"
    save(folder, notebook)
    assert main(folder, "--no-run") == 1
    assert capsys.readouterr().out == (
        "02_capture, cell step-1: It has a magic (%, ! or ?). Write it in Python.\n"
    )
    assert cell(lesson(folder), "step-1").source == "%magic"


# --- which notebooks ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["03", "03_other"])
def test_only_the_named_notebook_is_made(name: str, folder: Path) -> None:
    save(folder, sample(), "03_other")
    main(folder, "--no-run", name)
    assert [path.name for path in folder.glob("*.ipynb")] == ["03_other.ipynb"]


def test_a_wrong_name_is_answered_with_the_right_ones(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(folder, "--no-run", "02", "07") == 2
    assert capsys.readouterr().err == (
        f"There is no notebook 07 in {folder}: name one of those there are (02_capture).\n"
    )
    assert not (folder / f"{NAME}.ipynb").exists()


def test_without_any_notebook_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(tmp_path) == 2
    assert "name one of those there are (none)." in capsys.readouterr().err


# --- checking ----------------------------------------------------------------------------------------


def test_check_finds_nothing_in_what_was_just_made_and_writes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(folder, "--no-run")
    before = files(folder)
    assert main(folder, "--check") == 0
    assert capsys.readouterr().out == ""
    assert files(folder) == before


def test_check_finds_a_lesson_that_was_edited_by_hand(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(folder, "--no-run")
    path = folder / f"{NAME}.ipynb"
    path.write_text(path.read_text(encoding="utf-8").replace("안녕", "Hello"), encoding="utf-8")
    before = files(folder)
    assert main(folder, "--check") == 1
    assert capsys.readouterr().out == (
        "02_capture: notebooks/02_capture.ipynb is not what its solution gives. "
        "Edit the solution only, and run 'python3 course.py lessons' (--no-run if it was run).\n"
    )
    assert files(folder) == before


def test_check_finds_a_solution_in_another_form_and_one_without_a_lesson(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(folder, "--check") == 1
    said = capsys.readouterr().out
    assert "02_capture: solutions/02_capture.ipynb is not what its solution gives. " in said
    assert "02_capture: notebooks/02_capture.ipynb is not what its solution gives. " in said


def test_check_finds_a_lesson_without_a_solution_but_leaves_a_learners_own_notebook_alone(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(folder, "--no-run")
    for name in ("03_gone", "my own"):
        (folder / f"{name}.ipynb").write_bytes((folder / f"{NAME}.ipynb").read_bytes())
    assert main(folder, "--check") == 1
    (said,) = capsys.readouterr().out.splitlines()
    assert said.startswith("03_gone: The solution is not a notebook of format 4.5 (")
    assert said.endswith("a lesson that has no solution can be deleted.")


def test_check_finds_a_solution_that_was_not_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notebook = sample()
    cell(notebook, "step-1").execution_count = None
    save(folder, notebook)
    main(folder, "--no-run")
    assert main(folder, "--check") == 1
    assert "02_capture: The solution was not run from top to bottom." in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cells": 1}', "{}", '{"nbformat": 3, "worksheets": []}'])
def test_what_is_no_notebook_gets_a_sentence_and_the_others_go_on(
    text: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "solutions" / "01_broken.ipynb").write_text(text, encoding="utf-8")
    assert main(folder, "--no-run") == 1
    (said,) = capsys.readouterr().out.splitlines()
    assert said.startswith("01_broken: The solution is not a notebook of format 4.5 (")
    assert (folder / f"{NAME}.ipynb").exists()


def test_a_cell_without_an_id_gets_none_made_up(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notebook = sample()
    del cell(notebook, "step-1")["id"]
    save(folder, notebook)
    assert main(folder, "--no-run") == 1
    assert "is not a notebook of format 4.5" in capsys.readouterr().out
    assert list(files(folder)) == [str(Path("solutions", f"{NAME}.ipynb"))]


# --- running -----------------------------------------------------------------------------------------


def test_a_solution_is_run_by_this_very_python_in_its_own_folder(folder: Path) -> None:
    notebook = sample()
    cell(notebook, "step-1").source = "import os, sys\n\nsys.executable, os.path.basename(os.getcwd())"
    cell(notebook, "step-2").source = "print(os.getcwd())"
    save(folder, notebook)
    done = run(folder)
    assert done.returncode == 1, done.stderr
    made = solution(folder)
    assert [one.execution_count for one in made.cells if one.cell_type == "code"] == list(range(1, 11))
    assert cell(made, "say-hello").outputs[0].text == "안녕하세요\nand hello\n"
    assert cell(made, "step-1").outputs[0].data["text/plain"] == repr((sys.executable, "solutions"))
    assert cell(made, "step-2").outputs[0].text.replace("\\", "/") == "COURSE/notebooks/solutions\n"
    assert cell(lesson(folder), "step-2").outputs == []
    assert done.stdout.splitlines()[0] == "02_capture ..."
    assert "Only some machines have" in done.stdout  # sys.executable's folder


def test_a_cell_that_raises_leaves_its_files_alone_and_the_others_go_on(folder: Path) -> None:
    good = sample()
    cell(good, "say-hello").source = "print('again')"
    save(folder, good, "03_good")
    main(folder, "--no-run")
    notebook = sample()
    cell(notebook, "step-1").source = "raise ValueError('공장')\n"
    save(folder, notebook)
    before = files(folder)
    done = run(folder)
    after = files(folder)
    assert done.returncode == 1
    assert (
        "02_capture, cell step-1: It stops with ValueError: 공장. Mend it: nothing was written.\n"
        in done.stdout
    )
    assert "Traceback" not in done.stdout + done.stderr
    changed = {Path(name).name for name in before if before[name] != after[name]}
    assert (changed, after.keys()) == ({"03_good.ipynb"}, before.keys())


def test_a_cell_that_takes_for_ever_or_ends_the_kernel_gets_a_sentence(folder: Path) -> None:
    limit = "import factory_lib.classroom.lessons as lessons\nlessons.SECONDS = 2\n"
    for name, source in (
        (NAME, "import time\n\ntime.sleep(60)"),
        ("03_ends", "import os\n\nos._exit(3)"),
    ):
        notebook = sample()
        cell(notebook, "step-1").source = source
        save(folder, notebook, name)
    before = files(folder)
    done = run(folder, before=limit)
    assert done.returncode == 1, done.stderr
    *_, for_ever, ends = done.stdout.splitlines()
    assert for_ever.startswith(f"{NAME}, cell step-1: It stops with ")
    assert "timed out" in for_ever
    assert ends.startswith("03_ends, cell step-1: It stops with ")
    assert "died" in ends
    assert files(folder) == before


@pytest.mark.skipif(os.name == "nt", reason="A test cannot press Ctrl-C on Windows without hitting itself")
def test_ctrl_c_ends_the_kernel_too_and_leaves_every_file_as_it_was(folder: Path) -> None:
    notebook = sample()
    cell(
        notebook, "step-1"
    ).source = "import os, pathlib, time\n\npathlib.Path('pid').write_text(str(os.getpid()))\ntime.sleep(60)"
    save(folder, notebook)
    save(folder, notebook, "03_later")
    before = files(folder)
    said = folder / "solutions" / "pid"
    # Where the tests run as a shell's background job, Ctrl-C is ignored, and children inherit that.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(
        [sys.executable, "-c", RUN, str(folder)],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as child:
        signal.signal(signal.SIGINT, handler)
        try:
            assert wait_until(lambda: said.exists() and said.read_text(encoding="utf-8") != "", 60)
            child.send_signal(signal.SIGINT)
            out, err = child.communicate(timeout=30)
        finally:
            child.kill()
    kernel = int(said.read_text(encoding="utf-8"))
    said.unlink()
    assert (child.returncode, out) == (130, "02_capture ...\n")
    assert err == "Stopped: 02_capture and what comes after it are as they were.\n"
    assert files(folder) == before
    assert wait_until(lambda: not psutil.pid_exists(kernel))


def test_the_command_is_a_module_that_says_how_solutions_are_written() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "factory_lib.classroom.lessons", "--help"],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert done.returncode == 0
    for word in ("### BEGIN SOLUTION", "# TODO: about N lines", "--no-run", "--check", "NAME"):
        assert word in done.stdout
