"""Paired measurements: ours and a peer in turns, compared by their medians."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .load import Load
from .peers import PeerMissing

PAIRS = 5
# Of the whole machine's time. Who loses more of it to others measures them too.
MOST_OTHERS = 0.05


class Run(NamedTuple):
    """How much work was done, in frames or orders, and what it cost, in seconds or megabytes."""

    amount: int
    cost: float


Work = Callable[[], Run]


def timed(work: Callable[[], int]) -> Work:
    """Measure how long it takes; it returns how much it did."""

    def run() -> Run:
        start = time.perf_counter()
        amount = work()
        return Run(amount, time.perf_counter() - start)

    return run


@dataclass(frozen=True)
class Ratio:
    """How many times as fast as a peer something is.

    Parameters
    ----------
    what, peer : str
        Their names.
    ours, theirs : callable
        Do some work and return its `Run`.
    unit : str
        What the work is counted in, such as "frame".
    goal : float, optional
        The least ratio aimed at.
    pairs : int
        How many rounds are measured; the order changes from round to round, so that neither always comes
        second.
    same : bool
        Whether both have to do the same amount: who loses frames must not win by that.
    """

    what: str
    ours: Work
    peer: str
    theirs: Work
    unit: str
    goal: float | None = None
    pairs: int = PAIRS
    same: bool = True

    table = "times as fast"
    is_time = True  # who measures something else does not mind that the machine is busy
    scale, suffix = 1e6, "us/"

    def value(self, ours: float, theirs: float) -> float:
        """Compare what one unit of the work costs."""
        return theirs / ours

    def reached(self, value: float) -> bool:
        """Tell whether the goal is."""
        return self.goal is None or value >= self.goal

    def said(self, value: float) -> str:
        """Write a compared value."""
        return f"{value:.2f}" if value < 100 else f"{value:.0f}"

    def said_goal(self) -> str:
        """Write the goal."""
        return "-" if self.goal is None else f"{self.goal:g}"


@dataclass(frozen=True)
class Excess(Ratio):
    """How much more than a peer something takes, in its own unit; the goal is the most."""

    table = "more than that"
    scale, suffix = 1.0, ""

    def value(self, ours: float, theirs: float) -> float:
        """Compare what both cost."""
        return ours - theirs

    def reached(self, value: float) -> bool:
        """Tell whether it is less than the goal."""
        return self.goal is None or value < self.goal

    def said(self, value: float) -> str:
        """Write a compared value."""
        return f"{value:.{0 if abs(value) >= 100 else 2}f} {self.unit}"

    def said_goal(self) -> str:
        """Write the goal."""
        return "-" if self.goal is None else f"under {self.goal:g} {self.unit}"


@dataclass
class Row:
    """What came of a case: what both cost in each round, or why that is not known."""

    case: Ratio
    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)
    others: float = 0.0
    problem: str = ""
    ours_failed: bool = False

    @property
    def busy(self) -> bool:
        """Whether too much of the machine was used by others while this was measured."""
        return self.case.is_time and self.others > MOST_OTHERS

    @property
    def value(self) -> float:
        """The ratio, or difference, of the medians."""
        return self.case.value(statistics.median(self.ours), statistics.median(self.theirs))

    @property
    def spread(self) -> tuple[float, float]:
        """The least and the greatest of the pairs."""
        values = [self.case.value(a, b) for a, b in zip(self.ours, self.theirs, strict=True)]
        return min(values), max(values)

    def as_dict(self) -> dict[str, Any]:
        """Turn it into plain values, ready for JSON."""
        known: dict[str, Any] = {"what": self.case.what, "against": self.case.peer, "kind": self.case.table}
        known |= {"unit": self.case.unit, "goal": self.case.goal, "problem": self.problem or None}
        if self.problem:
            return known
        known |= {"value": self.value, "spread": self.spread, "reached": self.case.reached(self.value)}
        known |= {"ours": self.ours, "theirs": self.theirs}
        return known | {"others": round(self.others, 4), "busy": self.busy}


class Unequal(Exception):
    """Both sides did not do the same work."""


def measure(case: Ratio) -> Row:
    """Measure both sides of a case in turns, after one round that does not count and that the peer begins.

    What fails is a row that says so: a peer that is broken, or not there, must not stop the others.
    """
    row = Row(case)
    with Load() as load:
        try:
            for turn in range(-1, case.pairs):
                mine, other = _pair(case, row, turn % 2 == 1)
                if turn >= 0:
                    row.ours.append(mine)
                    row.theirs.append(other)
        except (PeerMissing, Unequal) as error:
            row.problem = str(error)
        except Exception as error:
            row.problem = f"{case.what if row.ours_failed else case.peer} failed: {error!r}"
    row.others = load.others
    return row


def _pair(case: Ratio, row: Row, peer_first: bool) -> tuple[float, float]:
    runs: dict[bool, Run] = {}
    for is_ours in (not peer_first, peer_first):
        row.ours_failed = is_ours
        runs[is_ours] = (case.ours if is_ours else case.theirs)()
    row.ours_failed = False
    mine, other = runs[True], runs[False]
    if case.same and mine.amount != other.amount:
        counts = f"{case.what} did {mine.amount}, {case.peer} {other.amount}"
        raise Unequal(f"Not the same work: {counts} (counted by {case.unit}).")
    if min(mine.amount, other.amount) < 1:
        raise Unequal(f"Nothing was done: counted by {case.unit}, {mine.amount} and {other.amount}.")
    return mine.cost / mine.amount, other.cost / other.amount
