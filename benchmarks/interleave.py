"""The race lab's engine against frontrun, in orders tried a second, on the same programs."""

import json
import subprocess
import sys
from collections.abc import Iterator

from factory_lib.interleave import explore

from .paired import Row

PAIRS = 5
GOAL = 20.0


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
print(json.dumps([time.perf_counter() - start, found.num_explored]))
"""


def peer(name: str) -> tuple[float, int]:
    """Let frontrun try every order; return its seconds and how many orders it tried."""
    command = [sys.executable, "-m", "frontrun.cli", sys.executable, "-c", PEER.format(name=name)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120, check=True)
    seconds, orders = json.loads(done.stdout.splitlines()[-1])
    return float(seconds), int(orders)


def rows() -> Iterator[Row]:
    """Compare on two programs; frontrun has wheels for Linux only."""
    if sys.platform != "linux":
        return
    for worker in (once, thrice):
        ratios: list[float] = []
        mine: list[float] = []
        others: list[float] = []
        for _ in range(PAIRS):
            result = explore(worker, worker, setup=Shelf)
            seconds, orders = peer(worker.__name__)
            mine.append(1e6 * result.seconds / result.schedules)
            others.append(1e6 * seconds / orders)
            ratios.append(others[-1] / mine[-1])
        speeds = [f"{sorted(times)[PAIRS // 2]:.0f} us/order" for times in (mine, others)]
        what = f"explore, two threads, {result.schedules} orders"
        yield Row(what, "frontrun 0.7", ratios, GOAL, *speeds)
