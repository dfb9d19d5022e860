"""Exercises and levels of the race lab: what each is made of, and how its file is found by its name.

`factory_lib/exercises/e01_tune.py` is the exercise "01-tune", `factory_lib/exercises/levels/two_locks.py` the
level "two-locks". A new file is a new exercise or level.
"""

import functools
import html
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import FactoryError
from ..interleave import Game, Result, explore, play

EXERCISES = "factory_lib.exercises"
LEVELS = "factory_lib.exercises.levels"


@dataclass(frozen=True)
class Exercise:
    """What is known of one exercise: each file in `exercises` has one, named EXERCISE.

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


@dataclass(frozen=True, repr=False)
class Level:
    """Workers that share a state, and go wrong in some orders: each file in `exercises/levels` has one.

    Attributes
    ----------
    story : str
        What the workers are there for, and what must be true in the end.
    workers : tuple of callable
        Two to four; each is given the state.
    setup : callable
        Makes a fresh state.
    invariant : callable
        Is given the state when all have ended; tells whether it is as it must be.
    granularity : str
        "access", or "step" for levels where arithmetic is a step too.
    """

    story: str
    workers: tuple[Callable[..., object], ...]
    setup: Callable[[], Any]
    invariant: Callable[[Any], object]
    granularity: str = "access"

    def play(self) -> Game:
        """Let the learner be the scheduler."""
        return play(*self.workers, setup=self.setup, invariant=self.invariant, granularity=self.granularity)

    def explore(self, *workers: Callable[..., object], **limits: Any) -> Result:
        """Try every order of these workers, or of the level's own; limits are `interleave.explore`'s."""
        return explore(
            *(workers or self.workers),
            setup=self.setup,
            invariant=self.invariant,
            granularity=self.granularity,
            **limits,
        )

    @property
    def source(self) -> str:
        """The code of the state and of the workers."""
        parts: list[str] = []
        for part in (self.setup, *self.workers):
            while isinstance(part, functools.partial):
                part = part.func
            if (text := inspect.getsource(part).rstrip()) not in parts:
                parts.append(text)
        return "\n\n\n".join(parts)

    def __repr__(self) -> str:  # what a notebook stores beside the HTML, for those who read text
        return f"{self.story}\n\n{self.source}"

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(self.story)}</p><pre>{html.escape(self.source)}</pre>"


def exercise_names() -> list[str]:
    """List the exercises' names, such as "01-tune"."""
    return [name.removeprefix("e") for name in _names(EXERCISES) if re.match(r"e\d\d-", name)]


def exercise(name: str) -> Exercise:
    """Return the exercise of this name, such as "01-tune".

    Raises
    ------
    FactoryError
        If there is none.
    """
    _see_that_it_is_there(name, "exercise", exercise_names())
    found = _load(EXERCISES, f"e{name}").EXERCISE
    assert isinstance(found, Exercise)
    return found


def level_names() -> list[str]:
    """List the levels' names, such as "two-locks"."""
    return _names(LEVELS)


def level(name: str) -> Level:
    """Return the level of this name, such as "two-locks".

    Raises
    ------
    FactoryError
        If there is none.
    """
    _see_that_it_is_there(name, "level", level_names())
    found = _load(LEVELS, name).LEVEL
    assert isinstance(found, Level)
    return found


def _names(package: str) -> list[str]:
    files = pkgutil.iter_modules(importlib.import_module(package).__path__)
    return sorted(file.name.replace("_", "-") for file in files)


def _see_that_it_is_there(name: str, kind: str, names: list[str]) -> None:
    if name not in names:
        raise FactoryError(f"There is no {kind} {name!r}.", f"Name one of {', '.join(names)}.")


def _load(package: str, name: str) -> Any:
    return importlib.import_module(f"{package}.{name.replace('-', '_')}")
