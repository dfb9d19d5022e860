"""What the cells of a notebook hold: answers between markers, and calls."""

import ast
import re

from nbformat import NotebookNode

# An answer: its indentation, and its lines.
REGION = re.compile(
    r"^([ \t]*)### BEGIN SOLUTION *\n(.*?)^[ \t]*### END SOLUTION *$", re.MULTILINE | re.DOTALL
)


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the cells that hold code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def nodes(cell: NotebookNode) -> list[ast.AST]:
    """Return a code cell's syntax tree as a list; it is empty where a cell is not Python."""
    try:
        return list(ast.walk(ast.parse(cell.source)))
    except SyntaxError:
        return []


def calls(cell: NotebookNode) -> list[tuple[str, ast.Call]]:
    """Return the calls of a code cell in the order of the text, each after the last part of its name."""
    found = [node for node in nodes(cell) if isinstance(node, ast.Call)]
    found.sort(key=lambda node: (node.func.end_lineno or 0, node.func.end_col_offset or 0))
    return [(last_name(node.func), node) for node in found]


def last_name(node: ast.AST) -> str:
    """Return ``c`` for ``a.b.c`` and ``a`` for ``a``; an empty string for what has no name."""
    return str(getattr(node, "attr", getattr(node, "id", "")))


def checked(cell: NotebookNode) -> list[str]:
    """Return the exercises that a cell checks: the first argument of each ``check("...", answer)``."""
    first = [call.args[0] for name, call in calls(cell) if name == "check" and call.args]
    return [str(node.value) for node in first if isinstance(node, ast.Constant)]
