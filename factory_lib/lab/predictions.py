"""A guess before, the measurement after, and how far apart they are: kept in this process's memory only."""

import html
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import FactoryError
from .page import in_notebook, say

# Within this factor a guess of a number is called close.
CLOSE = 1.25
RIGHT = "Well guessed: can you also say why?"
WRONG = "Not what you expected? Good: that is where you learn something."
NONE = "You made no guess this time. Guess first next time: a surprise is remembered."

Cell = tuple[str, str]
_guesses: dict[str, "Prediction"] = {}


@dataclass
class Prediction:
    """One question, and what was guessed so far; `predict` makes it, and says what its fields mean.

    Two are equal that ask the same, whatever was guessed.
    """

    key: str
    question: str
    unit: str = ""
    choices: Sequence[str] = ()
    rows: Sequence[str] = ()
    columns: Sequence[str] = ()
    cells: dict[Cell, Any] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        for name in ("choices", "rows", "columns"):
            setattr(self, name, tuple(map(str, getattr(self, name))))
        self.is_grid = bool(self.rows)
        if self.is_grid != bool(self.columns):
            raise FactoryError(
                f"The grid {self.key!r} has one side only.", "Give rows=[...] and columns=[...]."
            )

    @property
    def value(self) -> Any:
        """The guess as it stands: a number, a choice, ``{row: {column: guess}}``, or None."""
        if not self.is_grid:
            return self.cells.get(("", ""))
        grid: dict[str, dict[str, Any]] = {}
        for (row, column), guess in self.cells.items():
            grid.setdefault(row, {})[column] = guess
        return grid or None

    def read(self, guess: Any, what: str = "guess") -> Any:
        """Check one guess or measurement, and return it as a choice or a finite number.

        Raises
        ------
        FactoryError
            If it is neither.
        """
        if self.choices:
            if str(guess) in self.choices:
                return str(guess)
            choices = ", ".join(map(repr, self.choices))
            raise FactoryError(f"The {what} {guess!r} is not among the choices.", f"Choose one of {choices}.")
        text = _plain(guess, self.unit) if isinstance(guess, str) else guess
        try:
            number = math.nan if isinstance(guess, bool) else float(text)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number):
            raise FactoryError(f"The {what} {guess!r} is not a number.", "Give a number such as 2.5.")
        return number

    def read_all(self, given: Any, what: str = "guess") -> dict[Cell, Any]:
        """Check a guess or measurement of any shape, and return it cell by cell; None is a cell left out.

        Raises
        ------
        FactoryError
            If the shape is not that of the grid, or a cell is neither a number nor a choice.
        """
        if not self.is_grid:
            return {("", ""): self.read(given, what)}

        def named(values: Any, names: Sequence[str]) -> Any:
            listed = isinstance(values, list | tuple) and len(values) == len(names)
            return dict(zip(names, values, strict=True)) if listed else values

        table = named(given, self.rows)
        lines = (
            {row: named(line, self.columns) for row, line in table.items()} if _fits(table, self.rows) else {}
        )
        if not lines or not all(_fits(line, self.columns) for line in lines.values()):
            rows, columns = ", ".join(self.rows), ", ".join(self.columns)
            raise FactoryError(
                f"The {what} for {self.key!r} does not fit its grid, rows {rows} and columns {columns}.",
                "Give {row: {column: value}}, or a list for each row.",
            )
        cells = ((row, column) for row in self.rows for column in self.columns)
        given = {(row, column): lines.get(row, {}).get(column) for row, column in cells}
        return {cell: self.read(value, what) for cell, value in given.items() if value is not None}

    def write(self, value: Any) -> str:
        """Write a guess or a measurement with its unit, to three digits."""
        if isinstance(value, str):
            return value
        whole = value.is_integer() or abs(value) >= 1000
        return (f"{value:.0f}" if whole else f"{value:.3g}") + f" {self.unit}".rstrip()

    def noted(self, guess: Any) -> str:
        """Say what was understood: a comma can mean two things."""
        return "(noted)" if self.choices else f"(noted: {guess:,.10g})"

    def compare(self, guess: Any, measured: Any) -> tuple[str, bool]:
        """Say in words how far a guess is off; tell whether it was right or close."""
        if guess is None:
            return "no guess", False
        if guess == measured:
            return "right" if self.choices else "exactly right", True
        if self.choices:
            return "not so", False
        too = "much" if guess > measured else "little"
        if guess * measured <= 0:
            return f"{self.write(abs(guess - measured))} too {too}", False
        factor = max(guess / measured, measured / guess)
        times = f"{factor:.0f}" if factor >= 10 else f"{factor:.1f}".removesuffix(".0")
        return ("close", True) if factor <= CLOSE else (f"{times} times too {too}", False)

    def widget(self) -> Any:
        """Make the ipywidgets with which to guess; each is named, and says what it has understood."""
        import ipywidgets as widgets  # type: ignore[import-untyped]

        def ask(cell: Cell) -> Any:
            now = self.cells.get(cell)
            said = widgets.Label("" if now is None else self.noted(now))
            if self.is_grid and self.choices:
                options = [("choose", ""), *((choice, choice) for choice in self.choices)]
                entry = widgets.Dropdown(options=options, value=now or "")
            elif self.choices:
                entry = widgets.RadioButtons(options=self.choices, value=now)
            else:
                # Each key press counts, so that the guess is in before the next cell is run.
                entry = widgets.Text("" if now is None else f"{now:g}", placeholder="your guess")
            entry.tooltip = ", ".join(cell) if self.is_grid else self.question
            entry.layout = widgets.Layout(width="auto" if self.choices else "8em")

            def listen(change: Any) -> None:
                self.cells.pop(cell, None)
                said.value = ""
                if change["new"] not in ("", None):
                    try:
                        self.cells[cell] = self.read(change["new"])
                        said.value = self.noted(self.cells[cell])
                    except FactoryError as error:
                        said.value = str(error)

            entry.observe(listen, "value")
            return widgets.HBox([entry, widgets.Label("" if self.choices else self.unit), said])

        def bold(text: str) -> Any:
            return widgets.HTML(f"<b>{html.escape(text)}</b>")

        if not self.is_grid:
            return widgets.VBox([bold(self.question), ask(("", ""))])
        grid = [bold(head) for head in ("", *self.columns)]
        for row in self.rows:
            grid += [bold(row), *(ask((row, column)) for column in self.columns)]
        template = f"repeat({len(self.columns) + 1}, max-content)"
        box = widgets.GridBox(
            grid, layout=widgets.Layout(grid_template_columns=template, grid_gap="2px 12px")
        )
        return widgets.VBox([bold(self.question), box])

    def _ipython_display_(self) -> None:
        """Show nothing: as the last line of a cell, `predict` has already shown the question."""


def _plain(text: str, unit: str) -> str:
    """Write a number as Python reads it: "1,000", "1,5", "2x" and "20 %" are what people type."""
    text = text.strip().removesuffix(unit).rstrip(" x\u00d7%")
    if re.fullmatch(r"[1-9]\d{0,2}(,\d{3})+(\.\d+)?", text):
        return text.replace(",", "")
    return text.replace(",", ".")


def _fits(values: Any, names: Sequence[str]) -> bool:
    return isinstance(values, Mapping) and set(values) <= set(names)


def predict(
    key: str,
    question: str,
    *,
    unit: str = "",
    choices: Sequence[str] = (),
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    guess: Any = None,
) -> Prediction:
    """Ask for a guess: with a widget in a notebook, or given at once as ``guess=``.

    Run again, it keeps the guess made before, unless the question has changed.

    Parameters
    ----------
    key : str
        The name under which `reveal` finds the guess.
    question, unit : str
        What is asked, and the unit of a number.
    choices : sequence of str
        The answers to choose from; without them the guess is a number.
    rows, columns : sequence of str
        For a grid: a guess for each cell.
    guess : number, str, mapping or sequence, optional
        For a grid ``{row: {column: guess}}``, or a list of lists, row by row; None leaves a cell out.

    Raises
    ------
    FactoryError
        If the guess is of the wrong kind or shape, or not among the choices. The one before is kept.
    """
    asked = Prediction(key, question, unit, choices, rows, columns)
    if guess is not None:
        asked.cells = asked.read_all(guess)
    elif _guesses.get(key) == asked:
        asked.cells = _guesses[key].cells  # the same dict, so that a widget shown before still counts
    _guesses[key] = asked
    if guess is not None:
        said = question if asked.is_grid else f"{question} Your guess: {asked.write(asked.value)}"
        say(said, f"<p>{html.escape(said)}</p>")
    elif in_notebook():
        from IPython.display import display

        display(asked.widget())  # type: ignore[no-untyped-call]
    else:
        print(f"{question} Answer with guess=... in this call.")
    return asked


def reveal(key: str, measured: Any) -> None:
    """Show the guess beside what was measured, and say in words how far apart they are.

    Parameters
    ----------
    key : str
        As in `predict`. Without a guess the measurement is shown all the same.
    measured : number, str, mapping or sequence
        What came out, in the shape of the guess. As a mapping, a grid is shown even if it was never asked.

    Raises
    ------
    FactoryError
        If the measurement does not fit the question.
    """
    asked = _guesses.get(key)
    if asked is None:
        # Its cell was not run: the shape of what was measured tells what was asked.
        table = measured if isinstance(measured, Mapping) else {}
        columns = list(dict.fromkeys(column for line in table.values() for column in line))
        values = [value for line in table.values() for value in line.values()] if table else [measured]
        choices = values if any(isinstance(value, str) for value in values) else ()
        asked = Prediction(key, key, choices=choices, rows=list(table), columns=columns)
    found: dict[Cell, list[str]] = {}
    right = []
    for cell, value in asked.read_all(measured, "measurement").items():
        guess = asked.cells.get(cell)
        found[cell] = [f"it was {asked.write(value)}"]
        if guess is not None:
            verdict, well = asked.compare(guess, value)
            right.append(well)
            found[cell] = [f"you said {asked.write(guess)}", *found[cell], verdict]
        elif asked.is_grid:
            found[cell].append("no guess")
    last = NONE if not right else RIGHT if all(right) else WRONG
    texts = [
        f"{', '.join(parts[:2])}{''.join(f': {verdict}' for verdict in parts[2:])}"
        for parts in found.values()
    ]
    lines = [
        f"{', '.join(cell)}: {text}" if asked.is_grid else text
        for cell, text in zip(found, texts, strict=True)
    ]
    if asked.is_grid:
        page = _table(asked, found)
    else:
        page = f"<p><b>{html.escape(asked.question)}</b><br>{html.escape(lines[0])}</p>"
    say("\n".join([asked.question, *lines, last]), f"{page}<p>{html.escape(last)}</p>")


def _table(asked: Prediction, found: Mapping[Cell, Sequence[str]]) -> str:
    """Write a grid as a table with header cells for rows and columns."""

    def header(name: str, scope: str) -> str:
        return f'<th scope="{scope}">{html.escape(name)}</th>'

    body = ""
    for row in asked.rows:
        cells = (found.get((row, column), ["not measured"]) for column in asked.columns)
        filled = "".join(f"<td>{'<br>'.join(map(html.escape, cell))}</td>" for cell in cells)
        body += f"<tr>{header(row, 'row')}{filled}</tr>"
    top = "<td></td>" + "".join(header(column, "col") for column in asked.columns)
    caption = f"<caption>{html.escape(asked.question)}</caption>"
    return f"<table>{caption}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
