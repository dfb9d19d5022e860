"""The race lab's engine against frontrun, in orders tried a second, on the same programs."""

import json
import sys
from collections.abc import Callable, Iterator
from functools import partial

from factory_lib.interleave import explore

from .apart import output
from .paired import Ratio, Run
from .peers import PeerMissing, peer

GOAL = 20.0
AS_LONG = 1.5  # seconds, about what the peer takes: then both meet the same moods of the machine


class Shelf:
    """What the workers share."""

    def __init__(self) -> None:
        self.parts = 0


def once(shelf: Shelf) -> None:
    """Read and write: 6 orders of two workers."""
    shelf.parts = shelf.parts + 1


def thrice(shelf: Shelf) -> None:
    """Three times: 924 orders."""
    for _ in range(3):
        shelf.parts = shelf.parts + 1


# frontrun patches the locks of its whole process, and has to be started by its own command.
PEER = """
import json, time, frontrun
from benchmarks import interleave
worker = getattr(interleave, {name!r})
start = time.perf_counter()
found = frontrun.explore(
    setup=interleave.Shelf, workers=[worker, worker], invariant=lambda shelf: True,
    preemption_bound=None, stop_on_first=False, detect_io=False,
)
print(json.dumps([found.num_explored, time.perf_counter() - start]))
"""


def ours(worker: Callable[[Shelf], None]) -> Run:
    """Try every order, again and again."""
    orders, seconds = 0, 0.0
    while seconds < AS_LONG:
        result = explore(worker, worker, setup=Shelf)
        orders, seconds = orders + result.schedules, seconds + result.seconds
    return Run(orders, seconds)


def frontrun(name: str) -> Run:
    """Let frontrun try every order; it leaves out those that it can tell to be equal to another."""
    if sys.platform != "linux":
        raise PeerMissing("frontrun has wheels for Linux only.")
    peer("frontrun")
    said = output(["-m", "frontrun.cli", sys.executable, "-c", PEER.format(name=name)])
    amount, seconds = json.loads(said.splitlines()[-1])
    return Run(amount, seconds)


def cases() -> Iterator[Ratio]:
    """Compare on two programs, by what one order costs."""
    for worker, orders in ((once, 6), (thrice, 924)):
        what = f"explore, two threads, {orders} orders"
        theirs = partial(frontrun, worker.__name__)
        yield Ratio(what, partial(ours, worker), "frontrun", theirs, "order", GOAL, same=False)
