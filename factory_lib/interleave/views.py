"""What a search found, for people: said once, as sentences and tables, and set as text and as HTML.

ipywidgets is asked for when it is used; everything can be read without it.
"""

import functools
import html
import linecache
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .schedule import Move, Result, Schedule, table

if TYPE_CHECKING:
    from .game import Game

WORDS = {
    "holds": "HOLDS: no order goes wrong",
    "violated": "VIOLATED: some orders go wrong",
    "deadlock": "DEADLOCK: in some orders threads wait for one another for ever",
    "inconclusive": "INCONCLUSIVE: nothing went wrong, but not everything was tried",
}
BAD = {"violated": "the invariant is false", "deadlock": "nobody can go on", "raised": "a thread died"}
BAR = 30  # characters
MOST = 12  # outcomes shown
_LEFT = "text-align:left;vertical-align:middle;padding:2px 8px;line-height:1.4"
_STEP = "border:1px solid #1f5f99;border-radius:4px;padding:2px 6px"
_MARKED = "border:3px dashed #b3261e;border-radius:4px;padding:2px 6px;font-weight:bold"

Rows = Sequence[Sequence[str]]


def report(result: Result) -> list[str | Rows]:
    """Say a result in sentences and tables."""
    wrong = sum(count for outcome, count in result.outcomes.items() if outcome in result.bad)
    number = f"{result.schedules:,} order{'s' * (result.schedules != 1)}"
    tried = "Every order was tried" if result.exhausted else "Tried"
    said: list[str | Rows] = [f"{WORDS[result.verdict]}."]
    said.append(f"{tried}: {number}, {wrong:,} of them go wrong; {result.seconds:.2g} s.")
    if result.reason:
        said.append(f"Not sure, because: {result.reason}.")
    found = result.outcomes.most_common()
    most = max(result.outcomes.values(), default=1)
    rows = [("  ends as", "orders", "", "")]
    for outcome, count in found[:MOST]:
        bad = BAD.get(result.bad.get(outcome, ""), "")
        bar = "#" * max(1, round(BAR * count / most))
        rows.append((f"  {outcome}", str(count), bar, bad and f"<- {bad}"))
    if rest := found[MOST:]:
        rows.append((f"  {len(rest)} other ends", str(sum(count for _, count in rest)), "", ""))
    if found:
        said += ["", rows]
    if (worst := result.counterexample) is not None:
        times = f"{worst.preemptions} interruption{'s' * (worst.preemptions != 1)}"
        said += ["", f"The shortest order that goes wrong, with {times}:", *story(worst)]
    return said


def story(schedule: Schedule) -> list[str | Rows]:
    """Say an order as a table, a row a step, and how it ends."""
    rows = [("thread", "line", "source", "what it does", "state", "")]
    rows += [("", "", "", "at the start", schedule.start, "")]
    rows += [
        (
            step.thread,
            str(step.line),
            step.source,
            step.operation,
            step.state,
            step.mark and f"<- {step.mark}",
        )
        for step in schedule.steps
    ]
    return [rows, *_ends(schedule)]


def _ends(schedule: Schedule) -> list[str]:
    return [f"ends as {schedule.outcome}", *map(str, schedule.waits)]


def as_text(said: Sequence[str | Rows]) -> str:
    """Set sentences and tables as text."""
    return "\n".join(part if isinstance(part, str) else "\n".join(table(part)) for part in said)


def as_page(said: Sequence[str | Rows], pale: Collection[int] = (), here: int = -1) -> str:
    """Set them as HTML; of a table's rows some may be pale, and one is where we are."""
    return "".join(
        f"<div>{html.escape(part)}</div>" if isinstance(part, str) else _table(part, pale, here)
        for part in said
    )


def _table(rows: Rows, pale: Collection[int] = (), here: int = -1) -> str:
    lines = []
    for number, row in enumerate(rows):
        kind = "td" if number else "th"
        cells = "".join(f'<{kind} style="{_LEFT}">{_cell(text)}</{kind}>' for text in row)
        style = "opacity:.35" if number in pale else "outline:2px solid #1f5f99" if number == here else ""
        lines.append(f'<tr style="{style}">{cells}</tr>')
    return f'<table style="font-family:monospace;margin:.5em 0">{"".join(lines)}</table>'


def _cell(text: str) -> str:
    if text and not text.strip("#"):  # a bar
        width = f"width:{12 * len(text) / BAR:.1f}em"
        return f'<span style="display:inline-block;height:.8em;background:#5b8db8;{width}"></span>'
    said = html.escape(text.strip())
    return f"<b>⚠ {html.escape(text[3:])}</b>" if text.startswith("<- ") else said


class View:
    """Something to look at; without a notebook, its text.

    Parameters
    ----------
    text, page : str
        As plain text, and as HTML.
    widget : callable, optional
        Makes the ipywidget that stands in its place where widgets work.
    """

    def __init__(self, text: str, page: str, widget: Callable[[], Any] | None = None) -> None:
        self._text = text
        self._page = page
        self._widget = widget

    def __str__(self) -> str:
        return self._text

    __repr__ = __str__

    def widget(self) -> Any:
        """Make the widget; None if there is none, or ipywidgets is not installed."""
        try:
            return self._widget() if self._widget is not None else None
        except ImportError:
            return None

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        found = self.widget()
        bundle = dict(found._repr_mimebundle_()) if found is not None else {}
        return {**bundle, "text/html": self._page, "text/plain": self._text}


def plot_lanes(schedule: Schedule) -> View:
    """Show an order as lanes: one for each thread, a row a step, and beside it the state."""
    names = schedule.threads
    rows = [(*(f"thread {name}" for name in names), "state", "")]
    rows += [(*("" for _ in names), schedule.start, "")]
    lines = ["".join(f'<th style="text-align:center">{word}</th>' for word in rows[0][:-1])]
    lines += ["".join(_lane("") for _ in names) + f'<td style="{_LEFT}">{html.escape(schedule.start)}</td>']
    before = schedule.start
    for step in schedule.steps:
        said = f"{step.line}: {step.operation}"
        mine = [said if name == step.thread else "" for name in names]
        rows.append((*mine, step.state, step.mark and f"<- {step.mark}"))
        mark = step.mark and f"<br>⚠ {html.escape(step.mark)}"
        box = f'<div style="{_MARKED if mark else _STEP}">{html.escape(said)}{mark}</div>'
        weight = "bold" if step.state != before else "normal"
        state = f'<td style="{_LEFT};font-weight:{weight}">{html.escape(step.state)}</td>'
        lines.append("".join(_lane(box if text else "") for text in mine) + state)
        before = step.state
    page = f'<table style="font-family:monospace"><tr>{"</tr><tr>".join(lines)}</tr></table>'
    ends = _ends(schedule)
    return View(as_text([rows, *ends]), page + as_page(ends))


def _lane(box: str) -> str:
    line = "linear-gradient(#999,#999) center/1px 100% no-repeat"
    return f'<td style="text-align:center;background:{"none" if box else line};min-width:6em">{box}</td>'


def stand(schedule: Schedule, number: int, moves: Mapping[str, Move] | None = None) -> list[str]:
    """Say what was done last after so many steps, and list each thread's source, marked where it stands."""
    last = schedule.steps[number - 1] if number else None
    did = f"{last.thread} {last.operation}{last.mark and f' <- {last.mark}'}" if last else "the start"
    state = last.state if last else schedule.start
    if moves is None:
        moves = {
            wait.thread: Move(wait.line, wait.source, f"gets {wait.wants}", False) for wait in schedule.waits
        }
        later = reversed(schedule.steps[number:])
        moves |= {step.thread: Move(step.line, step.source, step.operation, True) for step in later}
    said = [f"step {number}: {did}{state and f'; state: {state}'}"]
    for name in sorted({*schedule.bodies, *moves}):
        move = moves.get(name)
        file, start, end = schedule.bodies.get(name, ("", 0, -1))  # none of a thread that a worker starts
        lines = [f"thread {name}" + (" has ended" if move is None else "")]
        for line in range(start, end + 1):
            mark = "=>" if move is not None and line == move.line else "  "
            lines.append(f"{mark} {line:3} {linecache.getline(file, line).rstrip()}")
        if move is not None:
            where = "" if start <= move.line <= end else f" at line {move.line} ({move.source})"
            lines.append(f"{'next' if move.possible else 'next, but has to wait'}: {move.operation}{where}")
        said.append("\n".join(lines))
    return said


def _stand_page(said: Sequence[str]) -> str:
    first, *panels = map(html.escape, said)
    listed = "".join(f'<pre style="margin-right:3em">{panel}</pre>' for panel in panels)
    return f'<p><b>{first}</b></p><div style="display:flex;flex-wrap:wrap">{listed}</div>'


def step_through(schedule: Schedule) -> View:
    """Show an order step by step: a slider, the source of each thread with where it stands, and the state."""
    said = story(schedule)

    def widget() -> Any:
        import ipywidgets as widgets  # type: ignore[import-untyped]

        last = len(schedule.steps)
        slider = widgets.IntSlider(0, 0, last, description="step")
        page = widgets.HTML()

        def show(change: Any) -> None:
            number = slider.value
            told = as_page(said[: None if number == last else 1], range(number + 2, last + 2), number + 1)
            page.value = _stand_page(stand(schedule, number)) + told

        slider.observe(show, "value")
        show(None)
        return widgets.VBox([slider, page])

    return View(as_text(said), as_page(said), widget)


def game_view(game: "Game") -> View:
    """Show a game: where each thread stands, a button for each, one to undo, one to begin anew."""

    def widget() -> Any:
        import ipywidgets as widgets

        said, log = widgets.HTML(), widgets.HTML()
        buttons: dict[str, Any] = {}
        undo = widgets.Button(description="undo")
        again = widgets.Button(description="start again")
        row = widgets.HBox()

        def show() -> None:
            number = len(game.schedule.steps)
            stands = _stand_page(stand(game.schedule, number, game.moves))
            said.value = f"<p>{html.escape(game.message())}</p>{stands}"
            log.value = as_page(story(game.schedule)[: None if game.over else 1])
            for name in sorted({*game.schedule.bodies, *game.moves} - buttons.keys()):
                buttons[name] = widgets.Button(layout=widgets.Layout(width="auto"))
                buttons[name].on_click(do(functools.partial(game.step, name)))
            row.children = [*buttons.values(), undo, again]
            for name, button in buttons.items():
                move = game.moves.get(name)
                button.disabled = move is None or not move.possible
                does = f"{'goes on' if move.possible else 'waits'}: {move.operation}" if move else "has ended"
                button.description = f"{name} {does}"
            undo.disabled = again.disabled = not game.schedule.steps

        def do(work: Callable[[], object]) -> Callable[[Any], None]:
            def clicked(_: Any) -> None:
                work()
                show()

            return clicked

        undo.on_click(do(game.undo))
        again.on_click(do(game.restart))
        show()
        return widgets.VBox([said, row, log])

    return View(str(game), f"<pre>{html.escape(str(game))}</pre>", widget)
