"""A small solution that keeps every rule, for the tests to break one rule at a time."""

import nbformat
from nbformat import NotebookNode

HEAD = """# 02 Threads or not?

**Question** Does a second thread help?

**You will be able to** say why not.

**Time:** 20 minutes

**Needs:** nothing from an earlier notebook. 한글도 됩니다."""

TAIL = """## Remember

- One queue.
- Two threads,
  and a main loop.
* Three bullets.

**Think about** this: why is one DONE not enough?

Next: `03_multiprocess`."""

STUB = '''def double(number):
    """Return twice as much."""
    ### BEGIN SOLUTION
    # The comment and the empty line are no lines to write.

    twice = number * 2
    return twice
    ### END SOLUTION'''


def code(name: str, source: str) -> NotebookNode:
    return nbformat.v4.new_code_cell(source, id=name)


def prose(name: str, source: str) -> NotebookNode:
    return nbformat.v4.new_markdown_cell(source, id=name)


def sample() -> NotebookNode:
    """Return the solution as its author saved it: executed, with an editor's own metadata in it."""
    cells = [
        prose("head", HEAD),
        code("say-hello", "print('안녕하세요')\nprint('and hello')"),
        *(code(f"step-{number}", f"{number} + 1") for number in range(6)),
        code("double-stub", STUB),
        code("double-show", "def show(name, answer):\n    print(answer(2))\n\n\nshow('02-double', double)"),
        code("double-check", "def check(name, answer):\n    print('Passed')\n\n\ncheck('02-double', double)"),
        prose("tail", TAIL),
    ]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"widgets": {"state": 1}, "vscode": {"a": 1}})
    count = 0
    for cell in cells:
        cell.metadata = nbformat.from_dict({"execution": {"iopub.status.busy": "now"}, "tags": ["kept"]})
        if cell.cell_type == "code":
            cell.execution_count = count = count + 1
    cells[1].outputs = [
        nbformat.v4.new_output("stream", name="stdout", text=line) for line in ("안녕하세요\n", "and hello\n")
    ]
    return notebook


def cell(notebook: NotebookNode, name: str) -> NotebookNode:
    """Return the cell that has this id."""
    (found,) = (one for one in notebook.cells if one.id == name)
    return found
