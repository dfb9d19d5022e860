"""One order of the workers' steps, as data: what a search finds, `replay` repeats and the views show."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

LOSES = "loses the other's write"
STALE = "decided before the other's write"


class InterleaveError(Exception):
    """Something that the caller has to put right.

    Parameters
    ----------
    what, remedy : str
        One sentence what is wrong, and one what to do.
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what} {remedy}")


@dataclass(frozen=True)
class Step:
    """What one thread did before it could have been interrupted again.

    Parameters
    ----------
    thread : str
        "A" is the first worker, "B" the second, and so on.
    line, source, file : int, str, str
        Where it stood.
    operation : str
        What it did, such as "reads balance (100)" or "acquires lock".
    state : str
        The shared state after it.
    mark : str
        `LOSES` if it writes over another thread's write that it has not seen, `STALE` if it has seen that
        write, but had looked before it too: it may have been decided then.
    """

    thread: str
    line: int
    source: str
    operation: str
    state: str
    file: str = ""
    mark: str = ""


@dataclass(frozen=True)
class Move:
    """What a thread would do next, and whether it can: not while it would wait."""

    line: int
    source: str
    operation: str
    possible: bool


@dataclass(frozen=True)
class Wait:
    """One thread of a deadlock: where it waits and for what, and who holds that since which line."""

    thread: str
    line: int
    source: str
    wants: str
    holder: str = ""
    held_line: int = 0
    held_source: str = ""

    def __str__(self) -> str:
        text = f"{self.thread} waits at line {self.line} ({self.source}) for {self.wants}"
        if not self.holder:
            return f"{text}, and nobody is left to give it"
        return f"{text}, held by {self.holder} since line {self.held_line} ({self.held_source})"


@dataclass(frozen=True)
class Plan:
    """Where the workers were stopped, and which variables were shown: what a replay needs to do the same."""

    granularity: str = "access"
    points: frozenset[tuple[str, str, int, int]] = frozenset()
    shown: frozenset[str] = frozenset()


@dataclass(frozen=True, repr=False)
class Schedule:
    """One order: its steps, how it ended and how often a thread was interrupted that could have gone on.

    Parameters
    ----------
    steps : sequence of Step
        In the order in which they were made.
    outcome : str
        The final state, with what else there is to say: an exception, a deadlock.
    ending : str
        "done", "deadlock", "endless" (a thread goes round for ever) or "raised".
    start : str
        The state before the first step.
    bodies : mapping
        For each thread the file of its function, its first and its last line.
    """

    steps: tuple[Step, ...]
    outcome: str
    ending: str
    preemptions: int
    choices: tuple[int, ...]
    start: str = ""
    waits: tuple[Wait, ...] = ()
    plan: Plan = field(default=Plan(), repr=False, compare=False)
    bodies: Mapping[str, tuple[str, int, int]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def order(self) -> str:
        """The threads' names, one a step: "ABBA"."""
        return "".join(step.thread for step in self.steps)

    @property
    def threads(self) -> tuple[str, ...]:
        """The names of the threads that made a step."""
        return tuple(sorted({step.thread for step in self.steps}))

    def __str__(self) -> str:
        from .views import as_text, story

        return as_text(story(self))

    __repr__ = __str__


@dataclass(repr=False)
class Result:
    """What the orders of some workers end in.

    Parameters
    ----------
    verdict : str
        "holds": every order was tried and none went wrong; "violated": one ended with a false invariant, or
        with an exception; "deadlock"; "inconclusive": nothing went wrong, but not every order was tried.
    outcomes : Counter
        How many orders ended in which final state.
    exhausted : bool
        Whether every order was tried. Orders in which a thread goes round once more in a loop that only waits
        (its locals unchanged, nothing written by anybody) count as the same order.
    reason : str
        Why it is inconclusive, or what went wrong.
    examples : dict
        For each outcome the order with the fewest preemptions, then the fewest steps, that ends in it.
    """

    verdict: str
    outcomes: Counter[str]
    schedules: int
    exhausted: bool
    reason: str
    seconds: float
    counterexample: Schedule | None = None
    examples: dict[str, Schedule] = field(default_factory=dict)
    bad: dict[str, str] = field(default_factory=dict)
    plan: Plan = field(default=Plan(), repr=False)

    @property
    def deadlock(self) -> tuple[Wait, ...]:
        """Who waits for what held by whom, if some order is a deadlock."""
        found = (schedule.waits for schedule in self.examples.values() if schedule.waits)
        return next(found, ())

    def __str__(self) -> str:
        from .views import as_text, report

        return as_text(report(self))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from .views import as_page, report

        return as_page(report(self))


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Set rows of cells in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
