"""Small programs of which it is known what their orders end in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

State = SimpleNamespace


def x_of(state: Any) -> Any:
    return state.x


@dataclass(frozen=True)
class Program:
    """What to run, and what is known of it.

    `outcomes` are the values of `see` after orders that ended well, and the words "deadlock", "endless" and
    the names of exceptions for the others. `models` say the same program as generators that yield before
    each access; `yield condition` waits until it is true. `peer` tells whether frontrun 0.7 can express it
    too: it does not see what is taken out of a list, takes each operation of a queue for all of it, does not
    come to an end with conditions and barriers, and needs a setup's state and workers that end well.
    """

    name: str
    workers: Sequence[Callable[..., object]]
    verdict: str
    outcomes: set[Any]
    setup: Callable[[], Any] | None = None
    invariant: Callable[..., bool] | None = None
    see: Callable[..., Any] = x_of
    models: Sequence[Callable[[Any], Any]] = ()
    peer: bool = True
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


def collect() -> list[Program]:
    from . import counters, handovers, hidden, locks, spins, structures, waiting

    found = [
        program
        for module in (counters, structures, hidden, locks, waiting, handovers, spins)
        for program in module.PROGRAMS
    ]
    assert len({program.name for program in found}) == len(found)
    return found
