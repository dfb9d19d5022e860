"""The race lab's levels, a file each: `two_locks.py` is the level "two-locks". A new file is a new level."""

import functools
import html
import importlib
import inspect
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...errors import FactoryError
from ...interleave import Game, Result, explore, play


@dataclass(frozen=True, repr=False)
class Level:
    """Some workers that share a state, and go wrong in some orders; each file here has one, named LEVEL.

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


def names() -> list[str]:
    """List the levels' names."""
    return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__))


def level(name: str) -> Level:
    """Return the level of this name.

    Raises
    ------
    FactoryError
        If there is none.
    """
    if name not in names():
        raise FactoryError(f"There is no level {name!r}.", f"Name one of {', '.join(names())}.")
    found = importlib.import_module(f"{__name__}.{name.replace('-', '_')}").LEVEL
    assert isinstance(found, Level)
    return found
