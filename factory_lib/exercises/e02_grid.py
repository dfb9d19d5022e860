"""Exercise 02-grid: which of three ways to run it helps with which of three kinds of work."""

import sys
from numbers import Real
from typing import Any

from ..lab.content import Exercise
from ..lab.page import say

TURNS, GIVES, NOBODY = "they take turns", "C++ gives the GIL back", "nobody computes"
WAYS = ("one after the other", "in two threads", "in two processes")
WORKS = ("OpenCV", "pure Python", "waiting")


def _right() -> dict[str, list[Any]]:
    # A free-threaded Python has no turns to take.
    gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    python = [1, 1, 2, TURNS] if gil else [1, 2, 2, GIVES]
    return {"OpenCV": [1, 2, 2, GIVES], "pure Python": python, "waiting": [1, 2, 2, NOBODY]}


def observe(grid: Any) -> Any:
    """Take the grid as it is."""
    return grid


def judge(grid: Any) -> str:
    """Name the belief behind the first wrong row."""
    shape = 'a row is three numbers and a reason, such as [1, ?, ?, "they take turns"]'
    if not isinstance(grid, dict) or any(work not in grid for work in WORKS):
        missing = [work for work in WORKS if not isinstance(grid, dict) or work not in grid]
        return f"The row for {missing[0]!r} is missing; {shape}."
    for work in WORKS:
        row = grid[work]
        if not isinstance(row, list | tuple) or len(row) != 4:
            return f"The row for {work!r} needs three numbers and a reason; {shape}."
        if not all(isinstance(factor, Real) for factor in row[:3]):
            return f"The row for {work!r} needs numbers: write 1, not '1' or '1x'."
    numbers = {work: [round(factor) for factor in grid[work][:3]] for work in WORKS}
    if any(row[0] != 1 for row in numbers.values()):
        return "One after the other is what we compare with: its number is always 1."
    if numbers["OpenCV"] == numbers["pure Python"] == numbers["waiting"]:
        return (
            "All your rows are the same. But OpenCV and Python loops differed in your timelines: look at "
            "the two threads again."
        )
    if numbers["waiting"][1] == 1:
        return (
            "You treat waiting like computing. Two threads that wait do not need the GIL, nor a core: in the "
            "timeline both waited at the same time."
        )
    if all(row[2] > row[1] for row in (numbers["OpenCV"], numbers["pure Python"])):
        return (
            "You make processes the fastest every time. But with OpenCV two threads ran side by side too: "
            "who holds the GIL while C++ code works?"
        )
    for work, right in _right().items():
        for way, given, expected in zip(WAYS, numbers[work], right, strict=False):
            if given != expected:
                return f"'{work}' {way}: you say {given} times as fast. Look at that timeline again."
        if work == "pure Python" and right[1] == 2:
            continue  # without a GIL none of the reasons explains it
        if str(grid[work][3]).strip(" .").lower() != right[3].lower():
            return f"'{work}': the numbers are right, but is the reason for the threads {grid[work][3]!r}?"
    return ""


def draw(grid: Any) -> None:
    """Show the grid as bars of text."""
    lines = []
    for work, row in grid.items():
        lines.append(f"{work}: {row[3]}" if len(row) > 3 else f"{work}:")
        factors = [n for n in row[:3] if isinstance(n, Real) and 0 <= float(n) < 10]
        lines += [
            f"  {way:20}{'#' * round(10 * float(n))} {n}x" for way, n in zip(WAYS, factors, strict=False)
        ]
    say("\n".join(lines))


EXERCISE = Exercise(
    observe,
    judge,
    draw,
    passed="You can tell which way helps with which work, and why. That is what this notebook is about.",
    hints=(
        "Look at the lanes of the two threads in each picture: full, pale, or waiting?",
        "A lane that is at work but not running wants the GIL. A lane that waits wants nothing at all.",
        "Only pure Python needs the GIL all the time: there the threads take turns, and processes do not.",
    ),
)
