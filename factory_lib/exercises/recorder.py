"""Helpers for `observe`, which runs in an interpreter that is thrown away after it."""

import os
import threading
from collections.abc import Callable
from typing import Any

from ..lab.sandbox_child import describe

# By what share of its time a learner's function may really keep us waiting, and what share of their pauses
# our own threads make. Tests of answers have less patience.
PATIENCE = float(os.environ.get("FACTORY_PATIENCE", "1"))
# What is wrong where a process or thread was given the answer of its target for a target.
BRACKETS = (
    "Your target ran at once, where you wrote it: target=work(...) calls work and hands over what it "
    "returns. Write target=work, args=(...): no brackets after the name."
)


def before(owner: type, name: str, note: Callable[[Any], object]) -> None:
    """Have the object of a method noted at each call, before the method runs."""
    method = getattr(owner, name)

    def noting(self: Any, *args: Any, **kwargs: Any) -> Any:
        note(self)
        return method(self, *args, **kwargs)

    setattr(owner, name, noting)


def attempt(function: Callable[..., Any], *args: Any, seconds: float) -> tuple[Any, str, bool]:
    """Call a learner's function; return its value and "", or None and what went wrong in words.

    The last of the three tells whether that was a RuntimeError.

    One that does not come back is left behind in its thread: then "did not finish" is what is said.
    """
    outcome: list[tuple[Any, str, bool]] = []

    def call() -> None:
        try:
            outcome.append((function(*args), "", False))
        except BaseException as error:  # also SystemExit
            outcome.append((None, describe(error)[0], isinstance(error, RuntimeError)))

    thread = threading.Thread(target=call, name="attempt", daemon=True)
    thread.start()
    thread.join(timeout=seconds * PATIENCE)
    return outcome[0] if outcome else (None, f"did not finish in {seconds:g} s", False)
