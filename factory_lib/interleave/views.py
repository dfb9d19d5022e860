"""What a search found, for people: as text, as a small page, as lanes, as a slider and as buttons.

matplotlib and ipywidgets are asked for when they are used; what is seen there can be read without them.
"""

import base64
import functools
import html
import io
import linecache
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .schedule import Result, Schedule, table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .game import Game

WORDS = {
    "holds": "HOLDS: no order goes wrong",
    "violated": "VIOLATED: some orders go wrong",
    "deadlock": "DEADLOCK: in some orders threads wait for one another for ever",
    "inconclusive": "INCONCLUSIVE: nothing went wrong, but not everything was tried",
}
BAD = {"violated": "the invariant is false", "deadlock": "nobody can go on", "raised": "a thread died"}
BAR = 30
LEFT = 'style="text-align:left"'
MOST = 12  # outcomes shown
LOOKS = ("#1f5f99", "#e69f00", "#4d7f3a", "#7a4a8c")  # of the threads; their letters tell as much


def _bars(result: Result) -> list[tuple[str, int, str, str]]:
    """List outcomes: how they end, how many orders end so, a bar, and what is wrong with it."""
    found = result.outcomes.most_common()
    most = max(result.outcomes.values(), default=1)
    rows = [
        (outcome, count, "#" * max(1, round(BAR * count / most)), BAD.get(result.bad.get(outcome, ""), ""))
        for outcome, count in found[:MOST]
    ]
    rest = found[MOST:]
    if rest:
        rows.append((f"{len(rest)} other ends", sum(count for _, count in rest), "", ""))
    return rows


def _headline(result: Result) -> list[str]:
    wrong = sum(count for outcome, count in result.outcomes.items() if outcome in result.bad)
    lines = [f"{WORDS[result.verdict]}."]
    number = f"{result.schedules:,} order{'s' * (result.schedules != 1)}"
    tried = f"Every order was tried: {number}" if result.exhausted else f"Tried: {number}"
    lines.append(f"{tried}, {wrong:,} of them go wrong; {result.seconds:.2g} s.")
    if result.reason:
        lines.append(f"Not sure, because: {result.reason}.")
    return lines


def _title(schedule: Schedule) -> str:
    number = schedule.preemptions
    return f"The shortest order that goes wrong, with {number} interruption{'s' * (number != 1)}:"


def report(result: Result) -> str:
    """Write a result as text."""
    rows = [
        (f"  {end}", str(count), bar, f"<- {bad}" if bad else "") for end, count, bar, bad in _bars(result)
    ]
    lines = [*_headline(result), "", *(table([("  ends as", "orders", "", ""), *rows]) if rows else [])]
    if result.counterexample:
        lines += ["", _title(result.counterexample), str(result.counterexample)]
    return "\n".join(lines)


def report_html(result: Result) -> str:
    """Write a result as a small page."""
    first, *rest = map(html.escape, _headline(result))
    most = max(result.outcomes.values(), default=1)
    body = "".join(
        f"<tr><td><code>{html.escape(end)}</code></td><td>{count}</td>"
        f"<td {LEFT}><span "
        f'style="display:inline-block;height:.8em;width:{12 * count / most:.1f}em;'
        f'border:1px solid #444;background:{_hatch(bool(bad))}"></span></td>'
        f"<td {LEFT}>{html.escape(bad and '← ' + bad)}</td></tr>"
        for end, count, _, bad in _bars(result)
    )
    head = "<tr><th>ends as</th><th>orders</th><th></th><th></th></tr>"
    page = f"<div><p><b>{first}</b><br>{'<br>'.join(rest)}</p><table>{head}{body}</table>"
    if result.counterexample:
        page += f"<p>{_title(result.counterexample)}</p>{schedule_html(result.counterexample)}"
    return f"{page}</div>"


def _hatch(bad: bool) -> str:
    return "repeating-linear-gradient(45deg,#b3261e 0 2px,#fff 2px 6px)" if bad else "#9db8d2"


def schedule_html(schedule: Schedule, until: int | None = None) -> str:
    """Write an order as a table, a row a step; those after `until` are left pale."""
    head = "".join(
        f"<th>{word}</th>" for word in ("thread", "line", "source", "what it does", "state after it")
    )
    start = f"<code>{html.escape(schedule.start)}</code>"
    rows = f'<tr><td colspan="4"></td><td {LEFT}>{start}</td></tr>'
    for number, step in enumerate(schedule.steps):
        pale = "opacity:.35" if until is not None and number >= until else ""
        mark = f" <b>⚠ {html.escape(step.mark)}</b>" if step.mark else ""
        here = "▶ " if until is not None and number == until - 1 else ""
        rows += (
            f'<tr style="{pale}"><td>{here}<b>{step.thread}</b></td><td>{step.line}</td>'
            f"<td {LEFT}><code>{html.escape(step.source)}</code></td>"
            f"<td {LEFT}>{html.escape(step.operation)}{mark}</td>"
            f"<td {LEFT}><code>{html.escape(step.state)}</code></td></tr>"
        )
    if until is not None and until < len(schedule.steps):
        return f"<table>{head}{rows}</table>"
    ends = "<br>".join(map(html.escape, [f"It ends as {schedule.outcome}.", *map(str, schedule.waits)]))
    return f"<table>{head}{rows}</table><p>{ends}</p>"


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
        if self._widget is None:
            return None
        try:
            return self._widget()
        except ImportError:
            return None

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        found = self.widget()
        bundle = dict(found._repr_mimebundle_()) if found is not None else {}
        return {**bundle, "text/html": self._page, "text/plain": self._text}


class Lanes(View):
    """An order as lanes: one for each thread, a row a step, the state beside it."""

    def __init__(self, schedule: Schedule) -> None:
        super().__init__(str(schedule), "")
        self._schedule = schedule

    def figure(self) -> "Figure":
        """Draw the lanes, without touching pyplot."""
        return draw(self._schedule)

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        try:
            figure = self.figure()
        except ImportError:
            return {"text/plain": self._text, "text/html": schedule_html(self._schedule)}
        png = io.BytesIO()
        figure.savefig(png, format="png")
        data = base64.b64encode(png.getvalue()).decode("ascii")
        words = f'alt="{html.escape(alt(self._schedule))}" style="max-width:100%"'
        picture = f'<img {words} src="data:image/png;base64,{data}">'
        return {"text/html": picture, "text/plain": self._text}


def alt(schedule: Schedule) -> str:
    """Tell an order in sentences."""
    steps = [f"{s.thread} {s.operation}{s.mark and f' ({s.mark})'}" for s in schedule.steps]
    return f"Starting with {schedule.start}: {'; then '.join(steps)}. It ends as {schedule.outcome}."


def plot_lanes(schedule: Schedule) -> Lanes:
    """Show an order as lanes: who did what when, and what the state was then."""
    return Lanes(schedule)


def _shorten(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def draw(schedule: Schedule) -> "Figure":
    """Draw an order; matplotlib has to be there."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    threads = schedule.threads
    words = [
        _shorten(f"{'⚠ ' * bool(step.mark)}{step.line}: {step.operation}", 42) for step in schedule.steps
    ]
    states = [_shorten(text, 40) for text in (schedule.start, *(step.state for step in schedule.steps))]
    # Inches: of a lane, of the state, of what is wrong with it; of a row, above the rows and below.
    lane = 0.5 + 0.075 * max(16, *map(len, words), 0)
    state = 0.4 + 0.09 * max(8, *map(len, states))
    marked = 3.0 if any(step.mark for step in schedule.steps) else 0.0
    row, top, low = 0.34, 0.75, 0.45 + 0.22 * len(schedule.waits)
    width = lane * len(threads) + state + marked
    height = top + row * max(1, len(schedule.steps)) + low
    figure = Figure(figsize=(width, height), dpi=100, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    style: dict[str, Any] = {"va": "center", "fontsize": 9, "family": "DejaVu Sans", "parse_math": False}
    for place, name in enumerate(threads):
        axes.text(lane * (place + 0.5), 0.25, f"thread {name}", ha="center", weight="bold", **style)
        axes.plot([lane * (place + 0.5)] * 2, [0.45, height - low], color="#cccccc", lw=1, zorder=0)
    axes.text(lane * len(threads) + 0.1, 0.25, "state", weight="bold", **style)
    axes.text(lane * len(threads) + 0.1, 0.55, states[0], color="#555555", **style)
    for number, step in enumerate(schedule.steps):
        y = top + row * (number + 0.5)
        place = threads.index(step.thread)
        colour = LOOKS[place % len(LOOKS)]
        axes.text(
            lane * (place + 0.5),
            y,
            words[number],
            ha="center",
            bbox={
                "boxstyle": "round,pad=0.3",
                "facecolor": "white",
                "edgecolor": "#b3261e" if step.mark else colour,
                "linewidth": 2.5 if step.mark else 1.2,
                "linestyle": "--" if step.mark else "-",
            },
            **{**style, "fontsize": 8, "weight": "bold" if step.mark else "normal"},
        )
        bold = "bold" if states[number + 1] != states[number] else "normal"
        axes.text(lane * len(threads) + 0.1, y, states[number + 1], weight=bold, **style)
        if step.mark:
            axes.text(width - marked, y, f"⚠ {step.mark}", weight="bold", **style)
    last = [f"ends as {schedule.outcome}", *map(str, schedule.waits)]
    for number, line in enumerate(last):
        axes.text(0.1, height - low + 0.22 * (number + 1), _shorten(line, int(width * 14)), **style)
    return figure


def listing(schedule: Schedule, number: int) -> str:
    """List the source of each thread around what it does, with a mark where it stands at a step."""
    parts = [f"step {number} of {len(schedule.steps)}, state: "]
    parts[0] += schedule.steps[number - 1].state if number else schedule.start
    for name in schedule.threads:
        mine = [step for step in schedule.steps if step.thread == name]
        file = mine[0].file
        lines = [step.line for step in mine if step.file == file]
        done = [step.line for step in schedule.steps[:number] if step.thread == name]
        now = bool(number) and schedule.steps[number - 1].thread == name
        parts.append(f"thread {name}:" + (f" {schedule.steps[number - 1].operation}" if now else ""))
        for line in range(min(lines), min(max(lines), min(lines) + 40) + 1):
            here = bool(done) and done[-1] == line
            mark = "=> " if here and now else " > " if here else "   "
            parts.append(f"{mark}{line:4} {linecache.getline(file, line).rstrip()}")
    return "\n".join(parts)


def step_through(schedule: Schedule) -> View:
    """Show an order step by step: a slider, the source lines of each thread and the state."""

    def widget() -> Any:
        import ipywidgets as widgets  # type: ignore[import-untyped]

        slider = widgets.IntSlider(0, 0, len(schedule.steps), description="step", continuous_update=True)
        page = widgets.HTML()

        def show(change: Any) -> None:
            number = slider.value
            text = html.escape(listing(schedule, number))
            page.value = f"<pre>{text}</pre>{schedule_html(schedule, number)}"

        slider.observe(show, "value")
        show(None)
        return widgets.VBox([slider, page])

    return View(str(schedule), schedule_html(schedule), widget)


def game_bundle(game: "Game") -> dict[str, Any]:
    """Show a game: a button for each thread, one to undo, one to begin anew."""
    return View(
        str(game), f"<pre>{html.escape(str(game))}</pre>", lambda: game_widget(game)
    )._repr_mimebundle_()


def game_widget(game: "Game") -> Any:
    """Make the buttons of a game."""
    import ipywidgets as widgets

    said = widgets.HTML()
    log = widgets.HTML()
    names: Sequence[str] = sorted(game.restart().moves)
    buttons = {name: widgets.Button(layout=widgets.Layout(width="auto")) for name in names}
    undo = widgets.Button(description="undo")
    again = widgets.Button(description="start again")

    def show() -> None:
        said.value = (
            f"<p><b>{html.escape(game.message())}</b><br>state: <code>{html.escape(game.state)}</code></p>"
        )
        log.value = schedule_html(game.schedule, None if game.over else len(game.schedule.steps) + 1)
        for name, button in buttons.items():
            move = game.moves.get(name)
            text = "has ended" if move is None else f"line {move.line}: {move.operation}"
            button.description = f"{name}: {text}{'' if move is None or move.possible else ' (waits)'}"
            button.disabled = move is None or not move.possible
        undo.disabled = again.disabled = not game.schedule.steps

    def do(work: Callable[[], object]) -> Callable[[Any], None]:
        def clicked(_: Any) -> None:
            work()
            show()

        return clicked

    for name, button in buttons.items():
        button.on_click(do(functools.partial(game.step, name)))
    undo.on_click(do(game.undo))
    again.on_click(do(game.restart))
    show()
    return widgets.VBox([said, widgets.HBox([*buttons.values(), undo, again]), log])
