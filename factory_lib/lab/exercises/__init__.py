"""The exercises, a file each: `e01_tune.py` is the exercise "01-tune". A new file is a new exercise."""

import importlib
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...errors import FactoryError


@dataclass(frozen=True)
class Exercise:
    """What is known of one exercise. Each file of this folder has one, named EXERCISE.

    Attributes
    ----------
    observe : callable
        Runs the learner's answer and returns what was seen of it, as plain values. It runs in an
        interpreter of its own, so it may put recorders in the place of what the answer uses.
    judge : callable
        Takes what was seen; returns the first thing that differs, in one or two sentences, or "" if
        there is none. It must cope with every answer that does not raise.
    draw : callable
        Shows what was seen, right or wrong.
    passed : str
        A sentence for an answer that passes: what has been shown by it.
    hints : three str
        Where to look; how to go about it; the answer's idea.
    seconds : float
        How long an answer may take.
    """

    observe: Callable[[Any], Any]
    judge: Callable[[Any], str]
    draw: Callable[[Any], None]
    passed: str
    hints: tuple[str, str, str]
    seconds: float = 10.0


def names() -> list[str]:
    """List the exercises' names, such as "01-tune"."""
    files = (module.name for module in pkgutil.iter_modules(__path__))
    return sorted(file[1:].replace("_", "-") for file in files if re.match(r"e\d\d_", file))


def load(name: str) -> Exercise:
    """Return the exercise of this name.

    Raises
    ------
    FactoryError
        If there is none.
    """
    if name not in names():
        raise FactoryError(f"There is no exercise {name!r}.", f"Name one of {', '.join(names())}.")
    exercise = importlib.import_module(f"{__name__}.e{name.replace('-', '_')}").EXERCISE
    assert isinstance(exercise, Exercise)
    return exercise
