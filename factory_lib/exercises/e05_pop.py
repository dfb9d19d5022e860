"""Exercise 05-pop: make "if there is one, take it" safe."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from ..lab.content import Exercise, level
from .orders import draw_result, tried

LAST_PART = level("last-part")
BOX: Callable[..., Any] = LAST_PART.setup
TWO_PARTS = replace(
    LAST_PART, setup=partial(BOX, 2), invariant=lambda box: (len(box.parts), box.taken) == (0, 2)
)


def observe(take: Callable[..., object]) -> dict[str, Any]:
    """Two workers want the last part; and two workers want two parts."""
    alone: list[tuple[int, int, bool] | str] = []
    for parts in (0, 1, 2):
        box = BOX(parts)
        try:
            take(box)
            alone.append((len(box.parts), box.taken, box.lock.locked()))
        except Exception as error:
            alone.append(type(error).__name__)
    if any(isinstance(one, tuple) and one[2] for one in alone):  # the second one would wait for ever
        return {"alone": alone, "one": None, "two": None}
    return {
        "alone": alone,
        "one": tried(LAST_PART, take, take, reduction="sleep-sets", max_seconds=12.0),
        "two": tried(TWO_PARTS, take, take, reduction="sleep-sets", max_seconds=12.0),
    }


def judge(seen: dict[str, Any]) -> str:
    """Name what can come between the check and the act, and what is not counted."""
    none, one, two = seen["alone"]
    if isinstance(none, str) and none != "IndexError":
        return f"take stopped with {none}."
    if isinstance(none, str):
        return f"With an empty box take stopped with {none}: it takes a part only if there is one."
    if none[:2] != (0, 0) or one[:2] != (0, 1) or two[:2] != (1, 1):
        return "Alone, take has to take one part if there is one, and add 1 to box.taken for it."
    if seen["one"] is None:
        return "The lock is still held when take has returned: use with box.lock, it releases by itself."
    for case, parts in (("one", "one part"), ("two", "two parts")):
        result = seen[case]
        if isinstance(result, str):
            return f"The orders could not be tried: {result}"
        if result.verdict == "deadlock":
            waits = "; ".join(map(str, result.deadlock))
            return f"With {parts} in the box, workers wait for ever: {waits}."
        if result.verdict == "violated":
            outcome = result.counterexample.outcome
            if "IndexError" in outcome:
                return (
                    f"With {parts} in the box, some orders end in an IndexError: after one's check the "
                    "other takes the last part. Check and pop belong together under one lock; a sleep only "
                    "makes other orders likely."
                )
            if case == "two" and "parts=['part']" in outcome:
                return (
                    f"With {parts} in the box, in some orders a worker leaves without one ({outcome}): "
                    "let it wait for the lock."
                )
            return (
                f"With {parts} in the box, some orders end with a part taken and not counted "
                f"({outcome}): box.taken += 1 is a read and a write, and belongs under the lock too."
            )
        if result.verdict != "holds":
            return f"Not every order could be tried: {result.reason}."
    return ""


def draw(seen: dict[str, Any]) -> None:
    """Show how the orders end, with the case that goes wrong if there is one."""
    one, two = seen["one"], seen["two"]
    draw_result(two if getattr(one, "verdict", "") == "holds" else one or "the lock is never released")


EXERCISE = Exercise(
    observe,
    judge,
    draw,
    passed="One part or two: whoever comes first, nobody stumbles and every part is counted.",
    hints=(
        "Between check and pop the other worker may take the last part: then the check is out of date.",
        "Check, pop and count must happen without anybody in between: one with block around all three.",
        "with box.lock: if box.parts: box.parts.pop(); box.taken += 1",
    ),
    seconds=30.0,
)
