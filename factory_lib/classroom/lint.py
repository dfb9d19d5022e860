"""The rules that every notebook keeps: to add one, give `SHAPE` or `NEVER` a line, or `RULES` a function."""

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from nbformat import NotebookNode

from .cells import REGION, calls, checked, code_cells, last_name, nodes

CELLS, LINES, WORDS = range(10, 19), 15, 900
TARGETS_TAG = "target-in-cell"
POOLS = ("ProcessPoolExecutor", "Pool", "ThreadPoolExecutor", "ThreadPool")
TO_POOLS = {"submit", "map", "imap", "imap_unordered", "starmap", "apply", "apply_async", "map_async"}

# What the first cell (0) and the last Markdown cell (-1) must have; {this} and {next} are notebooks' numbers.
REMEMBER = r"^#+ .*Remember.*\n(?:\s*^[-*] .*\n(?: .*\n)*){{3,5}}(?!\s*^[-*] )"
SHAPE = (
    (0, r"\A# {this} \S", "title '# {this} ...'"),
    (0, r"\*\*Question:?\*\*", "line '**Question**'"),
    (0, r"\*\*You will be able to:?\*\*", "line '**You will be able to**'"),
    (0, r"\*\*Time:?\*\*.*\d minutes", "line '**Time:** NN minutes'"),
    (0, r"\*\*Needs:?\*\*", "line '**Needs:**'"),
    (-1, REMEMBER, "heading 'Remember' with 3 to 5 bullets"),
    (-1, r"Think about(?s:.*)\?", "question after 'Think about'"),
    (-1, r"\b{next}_\w|\b[Ee]nd\b", "name of the next notebook, or 'end'"),
)
# What must not be found in: code (a solution's), lesson (its code), prose, outputs, kinds (of outputs).
MARKERS = r"(BEGIN|END) SOLUTION"
NO_TEXT = r"(?i)<img\b(?![^>]*\balt=[\"']\s*[^\s\"'])|<svg\b(?![^>]*\baria-label=[\"']\s*[^\s\"'])|!\[\s*\]"
PATHS = (  # but not </b>, and/or, COURSE/resource, 127.0.0.1/clip
    r"(?<![\w.:/<~%)\]}-])/(?:[A-Za-z_.][\w.-]*/[\w.]|(?:home|tmp|root|usr|etc|mnt)\b)"
    r"|(?<!\w)[A-Z]:\\+\w\w|(?<!\.)\.\.[/\\]|([\"'])\.\.\1"
)
LINKS = r"https?://(?!127\.0\.0\.1|localhost)"
NEVER = (
    ("lesson", MARKERS, "A marker is left over:", "Write markers in pairs, each alone in its line."),
    ("prose outputs", NO_TEXT, "A picture has no text:", "Say in alt (of an svg: aria-label) what it shows."),
    ("code lesson outputs", PATHS, "Only some machines have", "Use resource_path, or only the name."),
    ("code lesson", LINKS, "It needs the internet:", "Use the loopback server of factory_lib.lab.clips."),
    ("kinds", r"^image/", "A picture has no text:", "Show it as HTML with an alt, as factory_lib.lab does."),
    ("kinds", r"^error$", "It stops with an", "Put it right, or catch the error and print what it says."),
    ("kinds", r"^stderr$", "It writes to", "Print to stdout, or mend what it warns of."),
)

Fault = tuple[str, str, str]  # the cell's id or "", what is wrong, what to do


class Finding(NamedTuple):
    """One thing to put right: a sentence what is wrong and a sentence what to do."""

    notebook: str
    cell: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.notebook}{self.cell and f', cell {self.cell}'}: {self.what} {self.remedy}"


class Pair(NamedTuple):
    """A solution and its lesson."""

    name: str
    solution: NotebookNode
    lesson: NotebookNode


def lint(name: str, solution: NotebookNode, lesson: NotebookNode) -> list[Finding]:
    """Return what a solution and its lesson do against the rules, each thing once."""
    pair = Pair(name, solution, lesson)
    return list(dict.fromkeys(Finding(name, *fault) for rule in RULES for fault in rule(pair)))


def shape(pair: Pair) -> Iterator[Fault]:
    """Look for what the first and the last Markdown cell must have."""
    number = pair.name[:2]
    numbers = {"this": number, "next": f"{int(number) + 1:02}" if number.isdigit() else "NN"}
    prose = [cell for cell in pair.solution.cells if cell.cell_type == "markdown"]
    for place, pattern, missing in SHAPE if pair.solution.cells else ():
        cell = prose[-1] if place and prose else pair.solution.cells[0]
        text = cell.source + "\n" if cell in prose else ""
        if not re.search(pattern.format(**numbers), text, re.MULTILINE):
            what = f"The {'last Markdown' if place else 'first'} cell has no {missing.format(**numbers)}."
            yield cell.id, what, "Write it there."


def never(pair: Pair) -> Iterator[Fault]:
    """Look for what no notebook may have."""
    for where, pattern, what, remedy in NEVER:
        for kind, name, text in _texts(pair):
            if kind in where.split() and (found := re.search(pattern, text)):
                yield name, f"{what} {text[found.start() :].splitlines()[0][:40]}.", remedy


def _texts(pair: Pair) -> Iterator[tuple[str, str, str]]:
    """Yield all there is to read: what it is in the words of `NEVER`, its cell's id, the text."""
    for notebook, code in ((pair.solution, "code"), (pair.lesson, "lesson")):
        for cell in notebook.cells:
            yield code if cell.cell_type == "code" else "prose", cell.id, cell.source
            for output in cell.get("outputs", ()):
                shown = {output.get("name", output.output_type): output.get("text"), **output.get("data", {})}
                for kind, text in shown.items():
                    yield "kinds", cell.id, kind
                    if isinstance(text, str) and not kind.startswith("image/"):
                        yield "outputs", cell.id, re.sub(r"data:[\w/+.-]+;base64,[\w+/=\s]*", "", text)


def size(pair: Pair) -> Iterator[Fault]:
    """Count code cells, their lines (comments too, markers not, in the solution or the lesson) and words."""
    count = len(code_cells(pair.solution))
    if count not in CELLS:
        yield "", f"It has {count} code cells.", "Split or merge until they are 10 to 18."
    for cell in code_cells(pair.solution) + code_cells(pair.lesson):
        lines = sum(bool(line.strip()) for line in cell.source.splitlines() if not re.search(MARKERS, line))
        if lines > LINES:
            yield cell.id, f"It has {lines} lines.", f"Split it: {LINES} are the most."
    prose = [cell.source for cell in pair.solution.cells if cell.cell_type == "markdown"]
    words = sum(any(map(str.isalnum, word)) for source in prose for word in source.split())
    if words > WORDS:
        yield "", f"Its prose has {words} words.", f"Shorten it: {WORDS} are the most."


def ids(pair: Pair) -> Iterator[Fault]:
    """Look at the cells' ids: words, and no two the same."""
    for name, times in Counter(cell.id for cell in pair.solution.cells).items():
        if not re.fullmatch(r"(?![0-9a-f]{8}$)[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or times > 1:
            yield name, "Its id says nothing, or is another's too.", "Give it words of its own: queue-depth."


def executed(pair: Pair) -> Iterator[Fault]:
    """See that the solution was run from top to bottom."""
    counts = [cell.execution_count for cell in code_cells(pair.solution)]
    if counts != list(range(1, len(counts) + 1)):
        yield "", "The solution was not run from top to bottom.", "Run 'python3 course.py lessons'."


def python(pair: Pair) -> Iterator[Fault]:
    """Parse every cell, also with the answers taken out."""
    for cell in code_cells(pair.solution) + code_cells(pair.lesson):
        try:
            ast.parse(cell.source)
        except SyntaxError as error:
            if re.search(r"^\s*[%!?]|\?$", cell.source, re.MULTILINE):
                yield cell.id, "It has a magic (%, ! or ?).", "Write it in Python."
            else:
                remedy = "If it is a stub, leave a statement outside the markers, such as a docstring."
                yield cell.id, f"It is not valid Python ({error.msg}, line {error.lineno}).", remedy


def targets(pair: Pair) -> Iterator[Fault]:
    """Look for functions of a cell that go to a process: it cannot import them, and a pool then hangs."""
    cells = code_cells(pair.solution)
    every = [node for cell in cells for node in nodes(cell)]
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    here = {node.name for node in every if isinstance(node, kinds)}
    processes = any(last_name(node) in POOLS[:2] for node in every)  # until a cell makes another pool
    for cell in cells:
        for called, call in calls(cell):
            given: list[ast.expr] = []
            if called in POOLS:
                processes = called in POOLS[:2]
            elif called == "Process":
                given = [word.value for word in call.keywords if word.arg == "target"] + call.args[1:2]
            elif called in TO_POOLS and processes and isinstance(call.func, ast.Attribute):
                given = call.args[:1]
            inside = [node for value in given for node in ast.walk(value)]
            own = any(isinstance(node, ast.Lambda) or getattr(node, "id", "") in here for node in inside)
            if own and TARGETS_TAG not in cell.metadata.get("tags", ()):
                remedy = f"Put it into a module, or tag the cell {TARGETS_TAG} if it shows what happens then."
                yield cell.id, "It hands a function of the notebook to a process.", remedy


def exercises(pair: Pair) -> Iterator[Fault]:
    """Look for a stub, then `show`, then `check` in each exercise, and check each in one cell."""
    stub, shown, seen = "", False, set()
    for cell in code_cells(pair.solution):
        shows = any(name == "show" for name, _ in calls(cell))
        if REGION.search(cell.source):
            stub, shown = cell.id, shows
            if checked(cell):
                stub = ""
                yield cell.id, "Learners can edit its check.", "Give the check a cell of its own."
            continue
        shown = shown or shows
        for name in dict.fromkeys(checked(cell)):
            if not (stub and shown):
                what = f"Exercise {name} has no {'show' if stub else 'stub'} before its check."
                yield cell.id, what, "Write a stub, show(...) and check(...), in this order."
            if name in seen or not name.startswith(f"{pair.name[:2]}-"):
                yield cell.id, f"{name} is checked elsewhere.", "Check an exercise once, in its notebook."
            seen.add(name)
            stub = ""
    if stub:
        yield stub, "Nothing checks this stub.", "Let show(...) and check(...) follow it in other cells."


RULES: tuple[Callable[[Pair], Iterable[Fault]], ...]
RULES = (shape, never, size, ids, executed, python, targets, exercises)
