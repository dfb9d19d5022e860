"""Exercise 05-lock: the smallest locked part with which two accounts always agree."""

from collections.abc import Callable
from typing import Any

from ..lab.content import Exercise, level
from .orders import draw_result, locks_of, tried
from .recorder import attempt

ACCOUNTS = level("accounts")
MOVER, AUDITOR = "A", "B"  # as the engine names the first worker and the second
BETWEEN = "seen=(1, 1)"  # the auditor came in between the two parts


def observe(workers: tuple[Callable[..., object], Callable[..., object]]) -> dict[str, Any]:
    """Try every order, and some alone, for what either does without the other."""
    move, audit = workers
    store = ACCOUNTS.setup()
    attempt(move, store, seconds=2)  # what goes wrong here comes out below too, with its order
    moved = (store.waiting, store.checked)
    if not store.lock.locked():
        attempt(audit, store, seconds=2)
    result = tried(ACCOUNTS, move, audit, reduction="sleep-sets", max_seconds=12.0)
    return {"result": result, "moved": moved, "seen": store.seen}


def judge(seen: dict[str, Any]) -> str:
    """Name what is not locked, locked twice, or locked for too long."""
    result = seen["result"]
    if isinstance(result, str):
        return f"The orders could not be tried: {result}"
    if result.verdict == "deadlock" and "Error" in getattr(result.counterexample, "outcome", ""):
        return f"A worker stopped: it ends as {result.counterexample.outcome}."
    if result.verdict == "deadlock":
        waits = "; ".join(map(str, result.deadlock))
        return f"A deadlock: {waits}. A lock must be released, and not be taken twice: use with."
    example = result.counterexample
    if example is not None and "Error" in example.outcome:
        return f"A worker stopped: it ends as {example.outcome}."
    if seen["moved"] != (0, 2):
        return (
            "move must move both parts, one after the other: alone it has to end with waiting=0, checked=2."
        )
    if tuple(seen["seen"]) != (0, 2):
        return "audit must look at both accounts: store.seen = (store.waiting, store.checked)."
    if result.verdict == "violated" and example is not None:
        taken = locks_of(example)
        moves, looks = taken.get(MOVER, set()), taken.get(AUDITOR, set())
        if not moves and not looks:
            return "Nobody takes the lock in the order that show draws: a part is on its way meanwhile."
        if not looks:
            return "Only the writer takes a lock. The auditor takes none, so nothing keeps it from looking."
        if not moves:
            return "Only the auditor takes a lock. move takes none, so nothing keeps it from going on."
        if not moves & looks or all(lock.startswith("a ") for lock in moves):  # one without a name
            return (
                f"move holds {', '.join(moves)}, audit holds {', '.join(looks)}: two locks do not "
                "keep each other out. Both must take the same one, not one of their own."
            )
        return (
            "Both take the lock, but a part of the work is done outside of it: see the order that show draws."
        )
    if result.verdict != "holds":
        return f"Not every order could be tried: {result.reason}."
    if not any(BETWEEN in outcome.replace("[", "(").replace("]", ")") for outcome in result.outcomes):
        return (
            "No order goes wrong, but the lock is held for the whole loop: the auditor has to wait until all "
            "parts are moved. Hold it for one part at a time."
        )
    return ""


def draw(seen: dict[str, Any]) -> None:
    """Show how the orders end."""
    draw_result(seen["result"])


EXERCISE = Exercise(
    observe,
    judge,
    draw,
    passed="No order goes wrong, and the auditor can look between the two parts.",
    hints=(
        "Which lines belong together, so that nobody may see the state between them?",
        "Both workers must take the same lock: store.lock. In move it belongs inside the loop.",
        "for _ in range(2): with store.lock: (the two lines). In audit: with store.lock: (the one line).",
    ),
    seconds=30.0,
)
