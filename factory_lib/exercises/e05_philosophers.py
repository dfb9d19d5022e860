"""Exercise 05-philosophers: cure the deadlock of three philosophers."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from ..lab.content import Exercise, level
from .orders import draw_result, tried

PHILOSOPHERS = level("philosophers")
SEATS = 3


def observe(dine: Callable[..., object]) -> dict[str, Any]:
    """Try all orders, without those that differ only where two do not touch the same."""
    eaten: list[int] = []
    for seat in range(SEATS):
        table: Any = PHILOSOPHERS.setup()
        table.eat = lambda seat, eaten=eaten, forks=table.forks: eaten.append(
            seat if forks[seat].locked() and forks[(seat + 1) % SEATS].locked() else -1
        )
        try:
            dine(table, seat)
        except Exception:  # it comes out below too, with its order
            continue
        if any(fork.locked() for fork in table.forks):
            return {"eaten": eaten, "result": None}
    seats = [_at(dine, seat) for seat in range(SEATS)]
    # What one interruption breaks is found at once; only what seems right is tried in every order.
    result = tried(PHILOSOPHERS, *seats, max_preemptions=1, max_seconds=10.0)
    if getattr(result, "verdict", "") == "inconclusive" and "for ever" not in getattr(result, "reason", ""):
        result = tried(PHILOSOPHERS, *seats, reduction="sleep-sets", max_seconds=20.0)
    return {"eaten": eaten, "result": result}


def _at(dine: Callable[..., object], seat: int) -> Callable[..., object]:
    def philosopher(table: Any) -> None:
        ate: list[int] = []

        def eat(number: int) -> None:
            ate.append(number)
            table.eat(number)

        dine(SimpleNamespace(forks=table.forks, eat=eat), seat)
        if not ate:
            raise RuntimeError("left without eating")

    return philosopher


def judge(seen: dict[str, Any]) -> str:
    """Name the deadlock that is left, the quarrel, or the retrying that need not end."""
    result = seen["result"]
    if result is None:
        return "After dine a fork is still held: put both back, best by with."
    if isinstance(result, str):
        return f"The orders could not be tried: {result}"
    example = result.counterexample
    if result.verdict == "deadlock" and example is not None and "Error" not in example.outcome:
        return f"There still is a deadlock: {'; '.join(map(str, result.deadlock))}."
    if -1 in seen["eaten"]:
        return "Somebody ate without its two forks: take both forks before table.eat(seat)."
    if seen["eaten"] != list(range(SEATS)):
        return f"Each must eat once, by table.eat(seat); alone these ate: {seen['eaten'] or 'nobody'}."
    if example is not None and "Error" in example.outcome:
        return f"A philosopher stopped: it ends as {example.outcome}."
    if result.verdict == "violated":
        return (
            "Two ate at the same time, and so one of them with a fork that was not its own: "
            "take both forks before table.eat(seat)."
        )
    if "for ever" in result.reason or "max_steps" in result.reason:
        return (
            "Nobody waits for ever, but all can go on taking a fork, giving up and trying again without an "
            "end: a timeout cures no wrong order. Let them take their forks in an order without a circle."
        )
    if "could not be repeated" in result.reason:
        return (
            "Your code chooses otherwise each time (by id, random or time): put the forks in order by their "
            "number."
        )
    if result.verdict != "holds":
        return f"Not every order could be tried: {result.reason}."
    return ""


def draw(seen: dict[str, Any]) -> None:
    """Show how the orders end."""
    draw_result(seen["result"] or "a fork is still held")


EXERCISE = Exercise(
    observe,
    judge,
    draw,
    passed="In every order all three eat, each with two forks.",
    hints=(
        "The deadlock is a circle: each holds its left fork and waits for its right one.",
        "If all take the fork with the lower number first, there is no circle: the last one begins on the "
        "other side.",
        "first, second = sorted([seat, (seat + 1) % 3]); with table.forks[first]: with table.forks[second]: "
        "table.eat(seat)",
    ),
    seconds=40.0,
)
