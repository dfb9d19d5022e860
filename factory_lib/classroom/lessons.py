"""Make the lessons out of their solutions: people edit only notebooks/solutions/NN_name.ipynb.

A solution's code cell holds what the learner shall write between these two lines, indented like it:

    ### BEGIN SOLUTION
    ### END SOLUTION

In the lesson one line "# TODO: about N lines" stands for them, and what remains must be valid Python: leave
a docstring or `answer = None`. Below that cell come, in cells of their own, `show("NN-id", answer)` and
`check("NN-id", answer)`. Give each cell an id of words (queue-depth). What nbgrader has to know of a cell,
the notebook's metadata and the kernel's name are written here. The tag target-in-cell allows a cell to hand
a function of the notebook to a process. factory_lib/classroom/lint.py has the rules.
"""

import argparse
import asyncio
import contextlib
import copy
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
from ipykernel.kernelspec import RESOURCES, get_kernel_dict
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from nbformat.validator import iter_validate

from .cells import REGION, checked, code_cells
from .lint import Finding, lint

# Not resolve(): on Windows it turns a school's drive H: into \\server\share.
ROOT = Path(os.path.abspath(__file__)).parent.parent.parent
KERNEL = {
    "kernelspec": {"display_name": "parallelism", "language": "python", "name": "parallelism"},
    "language_info": {"name": "python"},
}
SECONDS = 120  # for one cell
WIDGET = "application/vnd.jupyter.widget-view+json"
AGAIN = "Edit the solution only, and run 'python3 course.py lessons' (--no-run if it was run)."


class Refused(Exception):
    """A notebook of which nothing can be made: (the cell's id or "", what is wrong, what to do)."""


class ThisPython(AsyncKernelManager):
    """A kernel that is this very Python, whichever one the name 'parallelism' stands for here."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """What to start."""
        return KernelSpec(resource_dir=RESOURCES, **get_kernel_dict())


def read(path: Path) -> NotebookNode:
    """Read a notebook as it is; nbformat.read would give random ids to cells that have none."""
    try:
        notebook: NotebookNode = nbformat.v4.reads(path.read_text(encoding="utf-8"))
        for error in iter_validate(notebook):
            raise error
    except (OSError, ValueError, TypeError, AttributeError, nbformat.ValidationError) as error:
        said = str(getattr(error, "message", error)).split("\n")[0][:120]
        remedy = "Save it in JupyterLab; a lesson that has no solution can be deleted."
        raise Refused("", f"The solution is not a notebook of format 4.5 ({said}).", remedy) from None
    return notebook


def write(path: Path, text: str) -> None:
    """Write a file as a whole or not at all."""
    half = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        half.write_text(text, encoding="utf-8", newline="\n")
        os.replace(half, path)
    except OSError as error:
        raise Refused(
            "", f"{path.name} cannot be written: {error}.", "Mend that and run this again."
        ) from None
    finally:
        half.unlink(missing_ok=True)


def execute(notebook: NotebookNode, folder: Path) -> None:
    """Run every cell in a new kernel, in this folder; the outputs come into the notebook.

    Raises
    ------
    Refused
        If a cell raises, needs longer than `SECONDS`, or ends the kernel.
    """
    started: list[str] = []

    def heed_ctrl_c(notebook: NotebookNode) -> None:  # nbclient would only end this one kernel, and go on
        with contextlib.suppress(NotImplementedError):  # Windows
            asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)

    client = NotebookClient(
        notebook,
        on_notebook_start=heed_ctrl_c,
        timeout=SECONDS,
        kernel_manager_class=ThisPython,
        extra_arguments=["--log-level=CRITICAL"],
        resources={"metadata": {"path": str(folder)}},
        on_cell_start=lambda cell, cell_index: started.append(cell.id),
    )
    try:
        # What cells print comes by messages. On stderr is only what a kernel says that is shut down while it
        # sends: pyzmq's "operation on non-socket", with a traceback.
        client.execute(stderr=subprocess.DEVNULL)
    except (CellExecutionError, TimeoutError, RuntimeError) as error:
        said = f"{error.ename}: {error.evalue}" if isinstance(error, CellExecutionError) else str(error)
        what, remedy = f"It stops with {said.strip().splitlines()[0]}.", "Mend it: nothing was written."
        raise Refused("".join(started[-1:]), what, remedy) from None


def tidy(notebook: NotebookNode, root: Path = ROOT) -> NotebookNode:
    """Return a solution as it is kept: nothing tells when, by whom or in which folder it was run."""
    notebook = copy.deepcopy(notebook)
    notebook.update(metadata=nbformat.from_dict(KERNEL), nbformat=4, nbformat_minor=5)
    stubs: list[NotebookNode] = []
    for cell in notebook.cells:
        cell.metadata = NotebookNode({key: cell.metadata[key] for key in ("tags",) if key in cell.metadata})
    for cell in code_cells(notebook):
        cell.outputs = _settled(cell.outputs, root)
        if REGION.search(cell.source):
            stubs.append(cell)
        elif exercise := "".join(checked(cell)[:1]):
            cell.metadata.nbgrader = _marks(f"{exercise}-check", grade=True, locked=True, points=1)
            for number, stub in enumerate(stubs, start=1):
                stub.metadata.nbgrader = _marks(
                    f"{exercise}-{number}" if number > 1 else exercise, solution=True
                )
            stubs = []
    return notebook


def _marks(name: str, **more: bool | int) -> NotebookNode:
    """Return what nbgrader has to know of a cell, in its schema 3."""
    marks = {"grade": False, "grade_id": name, "locked": False, "solution": False, "task": False}
    return NotebookNode({**marks, "schema_version": 3, **more})


def _settled(outputs: list[NotebookNode], root: Path) -> list[NotebookNode]:
    """Return outputs such that a second run, on any machine, gives the same but for what was measured."""
    here = rf"(?:{re.escape(os.path.realpath(root))}|{re.escape(str(root))})(?![\w-])"
    settled: list[NotebookNode] = []
    for output in outputs:
        if output.output_type == "stream" and settled and settled[-1].get("name") == output.name:
            settled[-1].text += output.text
        else:
            settled.append(output)
    for output in settled:
        texts = output if output.output_type == "stream" else output.get("data", {})
        texts.pop(WIDGET, None)  # the random number of a widget that ended with its kernel
        texts.update(
            {key: re.sub(here, "COURSE", text) for key, text in texts.items() if isinstance(text, str)}
        )
    return settled


def lesson_of(solution: NotebookNode) -> NotebookNode:
    """Return what learners get of a tidy solution: a line of TODO for each answer, and no outputs."""
    lesson = copy.deepcopy(solution)
    for cell in code_cells(lesson):
        cell.source = REGION.sub(_todo, cell.source)
        cell.update(outputs=[], execution_count=None)
    return lesson


def _todo(region: re.Match[str]) -> str:
    lines = [line.strip() for line in region[2].splitlines()]
    count = sum(bool(line) and not line.startswith("#") for line in lines)
    return f"{region[1]}# TODO: about {count} line{'' if count == 1 else 's'}"


def make(name: str, folder: Path, run: bool = True, check: bool = False) -> list[Finding]:
    """Make a lesson, or only look whether it is made already; return what is to be put right."""
    path = folder / "solutions" / f"{name}.ipynb"
    solution = read(path)
    if run:
        print(f"{name} ...", flush=True)
        execute(solution, path.parent)
    solution = tidy(solution, folder.parent)
    lesson = lesson_of(solution)
    findings = lint(name, solution, lesson)
    for file, notebook in ((path, solution), (folder / path.name, lesson)):
        text = f"{nbformat.v4.writes(notebook)}\n"
        if not check:
            write(file, text)
        elif not file.exists() or file.read_text(encoding="utf-8") != text:
            what = f"{file.parent.name}/{file.name} is not what its solution gives."
            findings.append(Finding(name, "", what, AGAIN))
    return findings


def main(arguments: Sequence[str] | None = None, folder: Path = ROOT / "notebooks") -> int:
    """Make or check the lessons of a folder; return 1 if there is something to mend, 2 if asked wrongly."""
    parser = argparse.ArgumentParser(
        "course.py lessons", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="such as 02 or 02_capture; without: all")
    parser.add_argument("--check", action="store_true", help="write nothing, say what is out of step")
    parser.add_argument("--no-run", action="store_true", help="leave the outputs as they are")
    options = parser.parse_args(arguments)
    files = [*folder.glob("[0-9][0-9]_*.ipynb"), *folder.glob("solutions/*.ipynb")]
    there = sorted({file.stem for file in files})
    lost = [name for name in options.names if not any(stem.startswith(name) for stem in there)]
    if lost or not there:
        what = f"There is no notebook {' '.join(lost)} in {folder}"
        print(f"{what}: name one of those there are ({', '.join(there) or 'none'}).", file=sys.stderr)
        return 2
    findings: list[Finding] = []
    for name in there:
        if name.startswith(tuple(options.names) or ""):
            try:
                findings += make(name, folder, not (options.check or options.no_run), options.check)
            except Refused as refused:
                findings.append(Finding(name, *refused.args))
            except KeyboardInterrupt:
                print(f"Stopped: {name} and what comes after it are as they were.", file=sys.stderr)
                return 130
    print(*findings, sep="\n", end="\n" if findings else "")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
