"""Looks at a learner's answer: `show` draws what it did, `check` says whether it passes, `hint` helps."""

import dis
import html
import os
from typing import Any

from ..errors import FactoryError
from . import content
from .page import say
from .sandbox import Outcome, pack, run_packed

# nbgrader sets this while it grades or validates, and counts an error as a wrong answer (0.9.6; see
# https://nbgrader.readthedocs.io/en/stable/user_guide/faq.html).
GRADING = "NBGRADER_EXECUTION"

_hints_given: dict[str, int] = {}
# What `show` has just seen, so that the `check` below it need not run the same answer again.
_just_seen: dict[bytes, Outcome] = {}


def check(name: str, answer: Any) -> None:
    """Say whether an answer passes, or else the first thing that differs.

    It never raises for a wrong answer and never hangs: the answer runs in an interpreter of its own, for a
    limited time. Only while nbgrader grades or validates does "not yet" come as an
    AssertionError, which it counts.

    Parameters
    ----------
    name : str
        The exercise, such as "00-sample".
    answer : object
        The learner's function or values.
    """
    exercise = content.exercise(name)
    fault = _fault(exercise, answer)
    if fault:
        help_ = f'Change your code and check again. For a hint run hint("{name}") in a cell of your own.'
        _tell("Not yet", fault, help_, "#8a4b00", "&#9675;")
        if GRADING in os.environ:
            raise AssertionError(f"Not yet: {fault}")
    else:
        _tell("Passed", exercise.passed, "", "#1d6b34", "&#10004;")


def show(name: str, answer: Any) -> None:
    """Draw what an answer did, right or wrong; parameters are those of `check`."""
    exercise = content.exercise(name)
    outcome = _run(exercise, answer, keep=True)
    if isinstance(outcome, str):
        say(f"There is nothing to draw yet. {outcome}")
        return
    if outcome.ended != "returned":
        say(f"There is nothing to draw. {outcome}")
        return
    try:
        exercise.draw(outcome.value)
    except Exception:  # an answer of a shape that nobody thought of must not show a traceback of ours
        say(f"This cannot be drawn: {_short(outcome.value)}")
    if outcome.printed.strip():
        say(f"Your code printed: {outcome.printed.strip()}")


def hint(name: str) -> None:
    """Give the next of an exercise's three hints; the last one is the answer's idea."""
    hints = content.exercise(name).hints
    number = min(_hints_given.get(name, 0) + 1, len(hints))
    _hints_given[name] = number
    say(f"Hint {number} of {len(hints)}: {hints[number - 1]}")


def _fault(exercise: content.Exercise, answer: Any) -> str:
    """Return what is wrong with an answer first of all, or an empty string."""
    outcome = _run(exercise, answer)
    if isinstance(outcome, str):
        return outcome
    if outcome.ended != "returned":
        return str(outcome)
    try:
        return exercise.judge(outcome.value)
    except Exception:
        return f"This is not what was asked for: {_short(outcome.value)}"


def _run(exercise: content.Exercise, answer: Any, keep: bool = False) -> Outcome | str:
    """Run an answer apart; a string says why it cannot be run at all."""
    if _is_empty(answer):
        return "Nothing is there yet: write your lines in the place of the TODO."
    try:
        call = pack(exercise.observe, answer)
    except FactoryError as error:
        return str(error)
    outcome = _just_seen.pop(call, None) or run_packed(call, exercise.seconds)
    _just_seen.clear()
    if keep:
        _just_seen[call] = outcome
    return outcome


def _is_empty(answer: Any) -> bool:
    """Tell whether an answer is what was handed out: nothing, or a function without any statement."""
    if answer is None or answer is ... or (isinstance(answer, dict | list | tuple) and not answer):
        return True
    if isinstance(answer, tuple):
        return any(map(_is_empty, answer))
    code = getattr(answer, "__code__", None)
    if code is None:
        return False
    steps = [step for step in dis.get_instructions(code) if step.opname not in ("RESUME", "NOP")]
    constants = [step.argval for step in steps if "CONST" in step.opname]
    return constants == [None] and len(steps) <= 2


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."


def _tell(word: str, text: str, help_: str, colour: str, sign: str) -> None:
    page = (
        f'<div style="border-left:4px solid {colour};padding:2px 10px">'
        f'<b style="color:{colour}">{sign} {word}.</b> {html.escape(text)}'
        f"{f'<br><small>{html.escape(help_)}</small>' if help_ else ''}</div>"
    )
    say("\n".join(filter(None, [f"{word}: {text}", help_])), page)
