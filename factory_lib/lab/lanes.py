"""Lanes of spans: who was at what when, what honestly follows from it, as text and as a picture."""

import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .page import image_tag, small_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# What a worker can be at. Waiting is not work; holding a lock is work that keeps others from theirs.
KINDS = ("compute", "wait", "hold")
# Windows counts a thread's CPU time in ticks of 1/64 s: there a share is that of a few ticks' stretch.
GRAIN = 4 / 64 if sys.platform == "win32" else 0.0

WIDTH, DPI, COLUMNS = 900, 100, 60
ROW, RIGHT = 0.34, 0.79  # inches a lane; where the bars end, as a part of the width
INK = "#444444"
# Face and hatch of each part of a bar; the hatches and the words tell as much without the colours.
LOOKS = {
    "running": ("running on a core", "#1f5f99", ""),
    "compute": ("at work, but not running", "#d6e6f5", "////"),
    "wait": ("waiting", "#f4f4f4", ".."),
    "holding": ("holding a lock", "#e69f00", "xxx"),
    "hold": ("holding, but not running", "#fbe6b8", "xxx"),
}
# The first of these that is installed draws the letters that matplotlib's own font lacks.
HANGUL = ("Malgun Gothic", "Apple SD Gothic Neo", "NanumGothic", "Noto Sans CJK KR", "Noto Sans CJK JP")


class Span(NamedTuple):
    """What one worker did for a while: a value that can be sent home from a process.

    Parameters
    ----------
    lane, word : str
        The worker, and what it did in the learner's word.
    kind : str
        One of `KINDS`.
    start, end : float
        Seconds on `time.perf_counter`; `end` is None as long as the span is open.
    ran : float
        Seconds for which its thread was really on a core, by `time.thread_time`; 0 while it is open.
    """

    lane: str
    word: str
    kind: str
    start: float
    end: float | None
    ran: float


class Piece(NamedTuple):
    """A stretch of one lane in which one span was the innermost, and the share of it spent running."""

    word: str
    kind: str
    start: float
    end: float
    share: float


class Facts:
    """The pieces of each lane, and what can honestly be said of them.

    Parameters
    ----------
    name, lanes
        As in `Timeline`.
    spans : sequence of Span
        In the order in which they began. One that is open goes on until now.
    """

    def __init__(self, name: str, lanes: Sequence[str], spans: Sequence[Span]) -> None:
        now = perf_counter()
        self.name = name
        self.open = sum(span.end is None for span in spans)
        self.words: dict[str, Counter[str]] = defaultdict(Counter)
        by_lane: dict[str, list[Span]] = {lane: [] for lane in lanes}
        for span in spans:
            whole = span._replace(end=now) if span.end is None else span
            by_lane.setdefault(span.lane, []).append(whole)
            self.words[span.lane][span.word] += 1
        self.lanes = {lane: _innermost(found) for lane, found in by_lane.items()}
        everything = [piece for pieces in self.lanes.values() for piece in pieces]
        self.start = min((piece.start for piece in everything), default=0.0)
        self.seconds = max((piece.end for piece in everything), default=0.0) - self.start

    def spent(self, lane: str, kind: str) -> float:
        """Seconds that a lane spent in a kind, running or not, where it was the innermost."""
        return sum(piece.end - piece.start for piece in self.lanes.get(lane, ()) if piece.kind == kind)

    def busy(self, lane: str) -> float:
        """Seconds for which a lane was really running on a core, waiting left out."""
        at_work = (piece for piece in self.lanes.get(lane, ()) if piece.kind != "wait")
        return sum((piece.end - piece.start) * piece.share for piece in at_work)

    def cores(self) -> float:
        """How many lanes ran at once, on average over the time in which any was at work."""
        working = self._working()[0]
        return sum(map(self.busy, self.lanes)) / working if working else 0.0

    def overlap(self) -> float:
        """Tell the share of the time (0 to 1) for which two lanes or more certainly ran side by side.

        The time is that in which any lane was at work. The clocks say how much each lane ran, not when in
        a span: this is the least share that explains it. If at most one of n lanes had run at once for
        all but m of T seconds, they could not have run for more than T + m (n - 1) seconds together.
        """
        together = min(self._working()[1], os.cpu_count() or 1)
        if together < 2:
            return 0.0
        return min(1.0, max(0.0, (self.cores() - 1) / (together - 1)))

    def _working(self) -> tuple[float, int]:
        """Seconds in which any lane was at work, and the most lanes that were so at once."""
        at_work = [piece for pieces in self.lanes.values() for piece in pieces if piece.kind != "wait"]
        # Of two edges at one moment the end comes first: what only touches is not together.
        edges = sorted([(p.start, 1) for p in at_work] + [(p.end, -1) for p in at_work])
        seconds, count, most, before = 0.0, 0, 0, 0.0
        for moment, step in edges:
            seconds += moment - before if count else 0.0
            count, before = count + step, moment
            most = max(most, count)
        return seconds, most

    def summary(self) -> str:
        """One line: how long, how many lanes ran at once, and whether certainly side by side."""
        name = f"{self.name}: " if self.name else ""
        line = f"{name}{_seconds(self.seconds)}, {self.cores():.1f} lanes running on average"
        share = round(100 * self.overlap())
        return f"{line}, side by side for {share}% of the time or more" if share else line

    def account(self, lane: str) -> str:
        """One lane in words: how long it ran, waited and held a lock."""
        parts = [f"ran {_seconds(self.busy(lane))}"]
        for kind, word in (("wait", "waited"), ("hold", "held")):
            if self.spent(lane, kind):
                parts.append(f"{word} {_seconds(self.spent(lane, kind))}")
        return ", ".join(parts)

    def alt(self) -> str:
        """Tell what the picture shows, for those who cannot see it."""
        lines = [f"Timeline. {self.summary()}."]
        for lane in self.lanes:
            words = ", ".join(f"{word} x {count}" for word, count in self.words[lane].items())
            lines.append(f"{lane}: {self.account(lane)} ({words or 'nothing'}).")
        if self.open:
            lines.append(f"Still open: {self.open}.")
        return " ".join(lines)

    def __str__(self) -> str:
        width = max(map(len, self.lanes), default=0)
        lines = [self.summary()]
        column = self.seconds / COLUMNS or 1.0
        for lane, pieces in self.lanes.items():
            cells = [" "] * COLUMNS
            for bar in merge(pieces, self.start, column)[0]:
                first = min(int((bar.start - self.start) / column), COLUMNS - 1)
                last = max(first + 1, round((bar.end - self.start) / column))
                sign = {"wait": ".", "hold": "H"}.get(bar.kind, "#" if bar.share >= 0.5 else "-")
                cells[first:last] = [sign] * len(cells[first:last])
            lines.append(f"{lane:{width}} |{''.join(cells)}| {self.account(lane)}")
        lines.append(" " * width + "  # running  - at work, not running  . waiting  H holding a lock")
        return "\n".join(lines)


def _innermost(spans: Sequence[Span]) -> list[Piece]:
    """Cut one lane's spans, in the order in which they began, into the pieces in which each was innermost."""
    cuts: list[tuple[int, float, float]] = []
    inside: list[int] = []
    ran = [span.ran for span in spans]
    ends = [span.end or 0.0 for span in spans]
    cursor = 0.0

    def cut(until: float) -> None:
        nonlocal cursor
        if until > cursor:
            cuts.append((inside[-1], cursor, until))
            cursor = until

    for number, span in enumerate(spans):
        while inside and ends[inside[-1]] <= span.start:
            cut(ends[inside[-1]])
            inside.pop()
        if inside:
            cut(span.start)
            ran[inside[-1]] -= span.ran
        inside.append(number)
        cursor = span.start
    while inside:
        cut(ends[inside[-1]])
        inside.pop()
    lengths = [0.0] * len(spans)
    for number, start, end in cuts:
        lengths[number] += end - start
    shares = _shares(spans, lengths, ran)
    return [Piece(spans[n].word, spans[n].kind, start, end, shares[n]) for n, start, end in cuts]


def _shares(spans: Sequence[Span], lengths: Sequence[float], ran: Sequence[float]) -> list[float]:
    """Tell how much of its own time each span ran; where ticks are coarse, over GRAIN seconds of them."""
    shares = [0.0] * len(spans)
    group: list[int] = []
    total = used = 0.0
    at_work = [number for number, span in enumerate(spans) if span.kind != "wait"]
    for place, number in enumerate(at_work, start=1):
        group.append(number)
        total += lengths[number]
        used += ran[number]
        if total >= GRAIN or place == len(at_work):
            for member in group:
                shares[member] = min(1.0, max(0.0, used / total)) if total else 0.0
            group, total, used = [], 0.0, 0.0
    return shares


def merge(pieces: Iterable[Piece], start: float, pixel: float) -> tuple[list[Piece], int]:
    """Put what is narrower than a pixel together, pixel by pixel, as whatever kind took most of it.

    Parameters
    ----------
    pieces : iterable of Piece
        Of one lane, in order.
    start, pixel : float
        Where the first pixel begins, and how many seconds it is wide.

    Returns
    -------
    list of Piece, int
        What to draw, and how many pieces were put together.
    """
    drawn: list[Piece] = []
    cells: dict[int, list[Piece]] = defaultdict(list)
    ends: dict[int, list[Piece]] = defaultdict(list)
    for piece in pieces:
        first, last = (int((moment - start) / pixel) for moment in (piece.start, piece.end))
        if piece.end - piece.start < pixel:
            cells[first].append(piece)
        else:
            drawn.append(piece)
            # It has its say in the pixels that it shares: else a grain of work there would hide a wait.
            ends[first].append(piece._replace(end=start + (first + 1) * pixel))
            ends[last].append(piece._replace(start=start + last * pixel))
    for number, few in cells.items():
        spent = dict.fromkeys(KINDS, 0.0)
        ran = dict(spent)
        for piece in few + ends[number]:
            spent[piece.kind] += piece.end - piece.start
            ran[piece.kind] += (piece.end - piece.start) * piece.share
        kind = max(spent, key=lambda kind: spent[kind])
        share = ran[kind] / (spent[kind] or 1.0)
        drawn.append(Piece("", kind, start + number * pixel, start + (number + 1) * pixel, share))
    return sorted(drawn, key=lambda piece: piece.start), sum(map(len, cells.values()))


def _seconds(seconds: float) -> str:
    """Write a time in the unit that a person would use."""
    if seconds >= 1.0:
        return f"{seconds:.2f} s"
    return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f} us"


def draw(panels: Sequence[Facts]) -> "Figure":
    """Draw timelines one below the other on one scale: a bar is as full as its worker was really running."""
    import matplotlib.font_manager
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    installed = set(matplotlib.font_manager.get_font_names())
    fonts = ["DejaVu Sans", *[font for font in HANGUL if font in installed][:1]]
    rows = [max(1, len(panel.lanes)) for panel in panels]
    height = 0.7 + sum(ROW * row + 0.5 for row in rows)  # inches, as all lengths here
    figure = Figure(figsize=(WIDTH / DPI, height), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    longest = max(panel.seconds for panel in panels) or 1.0
    unit, scale = ("s", 1.0) if longest >= 1.0 else ("ms", 1e3) if longest >= 1e-3 else ("us", 1e6)
    names = max((len(lane) for panel in panels for lane in panel.lanes), default=0)
    left = min(0.3, 0.02 + 0.0095 * names)
    pixel = longest / (WIDTH * (RIGHT - left))
    merged, used = 0, set()
    top = height
    for panel, row in zip(panels, rows, strict=True):
        top -= 0.35 + ROW * row
        axes = figure.add_axes((left, top / height, RIGHT - left, ROW * row / height))
        top -= 0.15
        found, looks = _draw_lanes(axes, panel, pixel, scale)
        merged += found
        used |= looks
        axes.set_xlim(0, longest * scale)
        axes.set_title(panel.summary(), loc="left", x=0, fontsize=10, pad=5)
        axes.tick_params(labelbottom=panel is panels[-1], length=0, labelsize=9)
    note = f"; {merged} pieces narrower than a pixel, drawn together" if merged else ""
    axes.set_xlabel(f"{unit} since the first span{note}", fontsize=9)
    handles = [
        Patch(facecolor=LOOKS[look][1], hatch=LOOKS[look][2], edgecolor=INK, label=LOOKS[look][0])
        for look in LOOKS
        if look in used
    ]
    size = {"fontsize": 8.5, "handlelength": 2.6, "handleheight": 1.3}
    if handles:
        figure.legend(handles=handles, loc="lower left", ncols=len(handles), frameon=False, **size)
    for text in figure.findobj(matplotlib.text.Text):
        text.set_fontfamily(fonts)
        text.set_parse_math(False)
    return figure


def _draw_lanes(axes: "Axes", panel: Facts, pixel: float, scale: float) -> tuple[int, set[str]]:
    """Draw the lanes of one timeline; tell how many pieces were merged, and which looks were used."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path
    from matplotlib.patheffects import withStroke

    boxes: dict[str, list[list[tuple[float, float]]]] = defaultdict(list)
    merged = 0
    for row, (lane, pieces) in enumerate(panel.lanes.items()):
        drawn, few = merge(pieces, panel.start, pixel)
        merged += few
        edges: list[float] = []
        for bar in drawn:
            x, end = (bar.start - panel.start) * scale, (bar.end - panel.start) * scale
            low, level, high = row + 0.4, row + 0.4 - 0.8 * bar.share, row - 0.4
            full = {"compute": "running", "hold": "holding", "wait": "wait"}[bar.kind]
            for look, bottom, roof in ((full, low, level), (bar.kind, level, high)):
                if bottom - roof > 0.02:
                    boxes[look].append([(x, bottom), (end, bottom), (end, roof), (x, roof)])
            if bar.end - bar.start > 8 * pixel:
                edges.append(x)
            if len(bar.word) * 6.5 * pixel + 6 * pixel < bar.end - bar.start:
                text = axes.text((x + end) / 2, row, bar.word, ha="center", va="center", fontsize=8.5)
                text.set_path_effects([withStroke(linewidth=2.5, foreground="white")])
        axes.vlines(edges, row - 0.4, row + 0.4, color="white", linewidth=1)
        account = ", ".join(panel.account(lane).split(", ")[:2])
        axes.text(1.01, row, account, transform=axes.get_yaxis_transform(), va="center", fontsize=8.5)
    for look, shapes in boxes.items():
        _, face, hatch = LOOKS[look]
        # All in one path: matplotlib takes 2 ms to hatch a path, and there can be thousands of boxes.
        path = Path.make_compound_path_from_polys(np.array(shapes))
        axes.add_patch(PathPatch(path, facecolor=face, hatch=hatch, edgecolor=INK, lw=0, antialiased=False))
    axes.set_ylim(max(len(panel.lanes), 1) - 0.5, -0.5)
    axes.set_yticks(range(len(panel.lanes)), list(panel.lanes))
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    return merged, set(boxes)


def bundle(panels: Sequence[Facts]) -> dict[str, str]:
    """Give a notebook the picture as HTML, and the text for whoever cannot draw it."""
    alt = " ".join(panel.alt() for panel in panels)
    page = image_tag(small_png(draw(panels)), alt, WIDTH)
    return {"text/html": page, "text/plain": "\n\n".join(map(str, panels))}
