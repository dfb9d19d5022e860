"""Who did what when: spans of time from threads and processes, on one clock."""

import threading
from collections.abc import Iterable, Sequence
from time import perf_counter, thread_time
from typing import TYPE_CHECKING, Any, NoReturn

from ..errors import FactoryError
from .lanes import KINDS, Facts, Span, bundle, draw
from .page import in_notebook, say

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Asking for a thread's CPU time is a system call: it is asked for once in this many seconds at most,
# and in between a thread counts as running. So `ran` can be wrong by this much, and a span stays cheap.
FRESH = 50e-6


class _Worker(threading.local):
    """One thread's part of a timeline. Only that thread writes to it, so that nobody waits for a lock."""

    def __init__(self, workers: list["_Pad"]) -> None:
        self.pad = _Pad()
        workers.append(self.pad)


class _Pad:
    """What one thread has recorded, its innermost open span, and when it last asked for its CPU time."""

    # `done` is flat, six values a span: the garbage collector would look at each tuple again and again.
    __slots__ = ("asked", "done", "idle", "keep", "top")

    def __init__(self) -> None:
        self.asked = self.idle = 0.0
        self.done: list[Any] = []
        self.keep = self.done.extend
        self.top: _Open | None = None


class _Open:
    """A span being recorded. A lesson measures through this, so it has to stay under 2 us: measure again."""

    __slots__ = ("idle", "kind", "lane", "outer", "pad", "start", "word")
    lane: str
    word: str
    kind: str | None
    start: float
    idle: float
    pad: _Pad
    outer: "_Open | None"

    def __enter__(self) -> None:
        pad = self.pad
        self.outer = pad.top
        self.start = now = perf_counter()
        if now - pad.asked > FRESH:
            pad.asked = now
            pad.idle = now - thread_time()
        self.idle = pad.idle
        pad.top = self

    # Three names, where one *rest would do, save making a tuple.
    def __exit__(self, kind: object, error: object, trace: object) -> None:
        end = perf_counter()
        pad = self.pad
        if end - pad.asked > FRESH:
            pad.asked = end
            pad.idle = end - thread_time()
        pad.top = self.outer
        start = self.start
        pad.keep((self.lane, self.word, self.kind, start, end, end - start - (pad.idle - self.idle)))


def _span(lane: str, word: str, kind: str | None, start: float, end: float | None, ran: float) -> Span:
    return Span(lane, word, kind or (word if word in KINDS else "compute"), start, end, ran)


class Timeline:
    """Spans of time in lanes, one lane a worker, recorded from any thread.

    Between threads and processes there is one clock, `time.perf_counter`: Python's documentation promises
    since 3.10 that it is system-wide (https://docs.python.org/3/library/time.html#time.perf_counter). On
    Linux it is CLOCK_MONOTONIC, on macOS mach_absolute_time, on Windows QueryPerformanceCounter;
    `time.monotonic` would do as well, had it not steps of 15.6 ms on Windows before Python 3.13.

    That a worker has begun something and not ended it does not mean that it runs: it may want the GIL, or a
    core. So each span also asks how long its thread was really on a core, and picture and facts tell it.

    A process makes a Timeline of its own and returns its `spans`; `extend` takes them in.

    Parameters
    ----------
    name : str
        Said above the picture, such as "two threads".
    lanes : sequence of str
        Lanes to show first, in this order; others follow in the order in which they first appear.
    """

    def __init__(self, name: str = "", lanes: Sequence[str] = ()) -> None:
        self.name = name
        self._first = list(lanes)
        self._pads: list[_Pad] = []
        self._worker = _Worker(self._pads)
        self._sent: list[Span] = []

    def span(self, lane: str, word: str = "compute", kind: str | None = None) -> _Open:
        """Record the body of a ``with``, also if it raises. Spans may be nested: the innermost counts.

        Parameters
        ----------
        lane : str
            The worker: one thread or process.
        word : str
            What it does. "wait", "hold" and "compute" are kinds; any other word is computing.
        kind : str, optional
            One of `KINDS`, for a word of your own: ``span("Cam1", "download", "wait")``.

        Raises
        ------
        FactoryError
            If there is no such kind.
        """
        if kind is not None and kind not in KINDS:
            raise FactoryError(f"A span cannot be of kind {kind!r}.", f"Give one of {', '.join(KINDS)}.")
        span = _Open()  # set from here: a call of __init__ would cost 0.2 us
        span.pad = self._worker.pad
        span.lane = lane
        span.word = word
        span.kind = kind
        return span

    def extend(self, spans: Iterable[Span]) -> None:
        """Take in the `spans` that another process, or another timeline, recorded."""
        self._sent += [Span(*span) for span in spans]

    def __reduce__(self) -> NoReturn:
        # A copy in a child process would fill there, and nobody would ever see it.
        raise FactoryError(
            "A Timeline cannot be sent to another process.",
            "Make one there, return its .spans, and give them to .extend here.",
        )

    @property
    def spans(self) -> list[Span]:
        """All spans so far, those still open with ``end=None``, in the order in which they began."""
        found = list(self._sent)
        for pad in list(self._pads):
            values = iter(list(pad.done))
            found += [_span(*six) for six in zip(*[values] * 6, strict=True)]
            span = pad.top
            while span is not None:
                found.append(_span(span.lane, span.word, span.kind, span.start, None, 0.0))
                span = span.outer
        return sorted(found, key=lambda span: (span.start, -(span.end or float("inf"))))

    @property
    def facts(self) -> "Facts":
        """What follows from the spans recorded so far; it does not change when more come."""
        return Facts(self.name, self._first, self.spans)

    @property
    def seconds(self) -> float:
        """Seconds from the beginning of the first span to the end of the last."""
        return self.facts.seconds

    def busy(self, lane: str) -> float:
        """Seconds for which a lane was really running on a core, waiting left out."""
        return self.facts.busy(lane)

    def overlap(self) -> float:
        """Tell the share of the time (0 to 1) for which two lanes or more certainly ran side by side."""
        return self.facts.overlap()

    def figure(self, *others: "Timeline") -> "Figure":
        """Draw this timeline, and others below it on the same scale, without touching pyplot."""
        return draw([timeline.facts for timeline in (self, *others)])

    def show(self, *others: "Timeline") -> None:
        """Show the picture in a notebook, the text elsewhere; `others` go below it on the same scale."""
        panels = [timeline.facts for timeline in (self, *others)]
        # Drawing takes its time: only where somebody sees it.
        say("\n\n".join(map(str, panels)), bundle(panels)["text/html"] if in_notebook() else None)

    def __str__(self) -> str:
        return str(self.facts)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return bundle([self.facts])
