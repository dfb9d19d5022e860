"""Helpers of the race exercises: an answer is an order to follow, or workers to try in every order."""

from collections.abc import Callable, Sequence
from typing import Any

from ..interleave import InterleaveError, Result, Schedule, plot_lanes
from ..lab.content import Level
from ..lab.page import say
from ..lab.sandbox_child import describe


def follow(level: Level, answer: Any) -> dict[str, Any]:
    """Make the steps of an order such as "ABBA", and tell how far it came and what it did.

    Also a game or a schedule is an answer: its order counts.
    """
    answer = getattr(answer, "schedule", answer)
    answer = getattr(answer, "order", answer)
    if isinstance(answer, Sequence):
        answer = "".join(map(str, answer))
    elif not isinstance(answer, str | int):
        answer = ""
    letters = [letter for letter in str(answer).upper() if letter.isalpha()] if answer else []
    game = level.play()
    names = sorted(game.moves)
    seen: dict[str, Any] = {"order": "".join(letters), "stopped": "", "strange": ""}
    for number, letter in enumerate(letters, start=1):
        if letter not in names:
            seen["strange"] = letter
            break
        try:
            game.step(letter)
        except InterleaveError as error:
            seen["stopped"] = f"Step {number} of your order, {letter}, cannot be made: {error}"
            break
    unended = [f"{name} has steps left to make" for name in sorted(game.moves)]
    return seen | {
        "names": names,
        "unended": "" if game.over else " and ".join(unended),
        "won": game.won,
        "schedule": game.schedule,
    }


def fault_of(seen: dict[str, Any]) -> str:
    """Name what keeps an order from being one that runs to the end."""
    if not seen["order"]:
        return 'Give an order: a letter for each step, such as "ABAB...".'
    if seen["strange"]:
        return (
            f"There is no thread {seen['strange']}: an order has the letters {' and '.join(seen['names'])}."
        )
    if seen["stopped"]:
        return str(seen["stopped"])
    if seen["unended"]:
        return f"Your order ends too early: {seen['unended']}."
    return ""


def tried(level: Level, *workers: Callable[..., object], **limits: Any) -> Result | str:
    """Try every order of an answer's workers; a string says why that could not be done."""
    try:
        return level.explore(*workers, **limits)
    except Exception as error:
        return describe(error)[0]


def locks_of(schedule: Schedule) -> dict[str, set[str]]:
    """Tell which locks each thread takes in an order."""
    found: dict[str, set[str]] = {name: set() for name in schedule.threads}
    for step in schedule.steps:
        verb, _, lock = step.operation.partition(" ")
        if verb == "acquires":
            found[step.thread].add(lock)
    return found


def draw_order(schedule: Schedule) -> None:
    """Show an order as lanes."""
    lanes = plot_lanes(schedule)
    say(str(lanes), lanes._repr_mimebundle_()["text/html"])


def draw_result(result: Any) -> None:
    """Show how the orders end, and the shortest one that goes wrong."""
    if not isinstance(result, Result):
        say(f"The orders could not be tried: {result}")
        return
    lines = [f"{count:6} orders end as {outcome}" for outcome, count in result.outcomes.most_common(8)]
    say("\n".join([f"{result.schedules} orders tried: {result.verdict}.", *lines]))
    if result.counterexample is not None:
        draw_order(result.counterexample)
