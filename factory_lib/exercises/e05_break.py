"""Exercise 05-break: be the scheduler, and lose a part with as few interruptions as you can."""

from typing import Any

from ..interleave import Schedule
from ..lab.content import Exercise, level
from ..lab.page import say
from .orders import draw_order, fault_of, follow

COUNT = level("count")


def observe(order: Any) -> dict[str, Any]:
    """Follow the order, and find out with how few interruptions a part can be lost."""
    best = COUNT.explore().counterexample
    assert best is not None
    return follow(COUNT, order) | {"fewest": best.preemptions}


def judge(seen: dict[str, Any]) -> str:
    """Name what is no order, what loses nothing, and what interrupts too often."""
    if fault := fault_of(seen):
        return fault
    schedule: Schedule = seen["schedule"]
    number = schedule.preemptions
    if not number:
        return f"Here one works after the other, nobody is interrupted, and it ends as {schedule.outcome}."
    if not seen["won"]:
        return f"Somebody is interrupted, but nothing is lost: it ends as {schedule.outcome}."
    if number > seen["fewest"]:
        return (
            f"A part is lost, with {number} interruptions of a thread that could have gone on. "
            f"It can be done with {seen['fewest']}."
        )
    return ""


def draw(seen: dict[str, Any]) -> None:
    """Show the order as lanes."""
    schedule: Schedule = seen["schedule"]
    draw_order(schedule)
    say(f"Interruptions of a thread that could have gone on: {schedule.preemptions}.")


EXERCISE = Exercise(
    observe,
    judge,
    draw,
    passed="A part is lost, and nobody had to be interrupted more than once.",
    hints=(
        "Each thread has two steps: it reads the count, and it writes it back one higher.",
        "Interrupt a thread between its read and its write.",
        "A reads 0. Now B does all its work: it reads 0 and writes 1. Then A goes on, and writes 1 as well.",
    ),
    seconds=20.0,
)
