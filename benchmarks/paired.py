"""Paired measurements: ours and a peer in turns, and the median of their ratios."""

import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

PAIRS = 11


@dataclass(frozen=True)
class Row:
    """One line of the table: how many times as fast as its peer something is."""

    what: str
    peer: str
    ratios: list[float]
    goal: float | None
    ours: str
    theirs: str

    def __str__(self) -> str:
        middle, low, high = statistics.median(self.ratios), min(self.ratios), max(self.ratios)
        verdict = (
            "-" if self.goal is None else f"{self.goal:g} {'reached' if middle >= self.goal else 'missed'}"
        )
        cells = (
            self.what,
            self.peer,
            f"{middle:.2f}",
            f"{low:.2f}-{high:.2f}",
            verdict,
            self.ours,
            self.theirs,
        )
        return f"| {' | '.join(cells)} |"


TITLES = (
    "| what | against | times as fast (median) | spread | goal | ours | peer |\n|---|---|---|---|---|---|---|"
)


def seconds(work: Callable[[], object]) -> float:
    """Run it once and measure."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(
    what: str,
    ours: Callable[[], object],
    peer: str,
    theirs: Callable[[], object],
    *,
    goal: float | None = None,
    units: tuple[int, str],
    pairs: int = PAIRS,
) -> Row:
    """Measure both in turns, after one unmeasured round.

    Parameters
    ----------
    what, peer : str
        Their names.
    ours, theirs : callable
        Each does the same amount of work.
    goal : float, optional
        The ratio aimed at.
    units : (int, str)
        How much work one call does, and its unit: (3752, "frame").
    pairs : int
        How many rounds; the order changes from round to round, so that neither always comes second.
    """
    ours()
    theirs()
    mine: list[float] = []
    others: list[float] = []
    for turn in range(pairs):
        for work, times in ((ours, mine), (theirs, others)) if turn % 2 else ((theirs, others), (ours, mine)):
            times.append(seconds(work))
    amount, unit = units
    speeds = [
        f"{1e6 * middle / amount:.1f} us/{unit}"
        for middle in (statistics.median(mine), statistics.median(others))
    ]
    return Row(what, peer, [b / a for a, b in zip(mine, others, strict=True)], goal, *speeds)


def machine() -> str:
    """Describe where the figures come from, and warn if somebody else was at work there."""
    words = (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, OpenCV {cv2.__version__}, numpy {np.__version__}"
    )
    if hasattr(os, "getloadavg") and os.getloadavg()[0] > 0.5:
        words += f". Careful: the machine was busy before this began (load {os.getloadavg()[0]:.1f})"
    return words
