"""Exercise 05-least: two threads count three parts each; find an order that ends with the least."""

from typing import Any

from ..interleave import Schedule
from ..lab.content import Exercise, level
from .orders import draw_order, fault_of, follow

THREE_EACH = level("three-each")


def observe(answer: Any) -> dict[str, Any]:
    """Follow the order, and find out the least value."""
    value, order = answer
    least = min(int(outcome.removeprefix("count=")) for outcome in THREE_EACH.explore().outcomes)
    return follow(THREE_EACH, order) | {"value": value, "least": least}


def judge(seen: dict[str, Any]) -> str:
    """Name a value that is not the least one, and an order that ends in another."""
    value, least = seen["value"], seen["least"]
    if isinstance(value, bool) or not isinstance(value, int):
        return f"The least value is a whole number, such as 6; you gave {value!r}."
    if value == 1:
        return (
            "1 is too little: for a 1 at the end, somebody's last write must come from a read of 0. But "
            "before a thread's last read it has itself written twice."
        )
    if value < least:
        return f"No order ends with {value}: let explore count the orders."
    if value > least:
        known = {
            3: "3 is what one thread alone counts, but each can spoil what the other has done.",
            6: "6 comes out if nobody is interrupted.",
        }
        return f"{known.get(value, f'{value} can happen.')} It can be less."
    if fault := fault_of(seen):
        return f"{least} is right. {fault}"
    schedule: Schedule = seen["schedule"]
    if schedule.outcome != f"count={least}":
        return f"{least} is right, but your order ends as {schedule.outcome}."
    return ""


def draw(seen: dict[str, Any]) -> None:
    """Show the order as lanes."""
    draw_order(seen["schedule"])


EXERCISE = Exercise(
    observe,
    judge,
    draw,
    passed="Six parts came, and two are counted. Of 924 orders just 8 end so: a test would hardly meet one.",
    hints=(
        "Somebody's last write decides. What is the smallest value that this thread can have read before it?",
        "A reads 0 and is stopped there, while B counts almost to its end. Then A writes.",
        'explore tells: level("three-each").explore().examples["count=2"].order is such an order.',
    ),
    seconds=20.0,
)
