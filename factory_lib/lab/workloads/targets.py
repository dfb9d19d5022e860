"""Targets of single processes, for notebooks 03 and 06; they import neither NumPy nor OpenCV.

So a process that has nothing to do with pictures starts in a sixth of the time.
"""

import os
import sys
import time
from pathlib import Path
from typing import Any

# What share of the work that is only measured is really done, for tests. What a lesson shows of these
# functions, and what it counts, stays as it is.
SHARE = float(os.environ.get("FACTORY_WORK", "1"))


def arrive(barrier: Any) -> None:
    """Wait until every worker has started, so that what is measured next is the work alone."""
    barrier.wait(timeout=60)


def send_pids(results: Any) -> None:
    """Send home this process's number and its parent's."""
    results.put((os.getpid(), os.getppid()))


belt_speed = 1


def append_part(parts: list[str], results: Any) -> None:
    """Append to the list that was handed over; send home what it and the speed are here."""
    parts.append("X")
    results.put((parts, belt_speed))


def nap(seconds: float = 0.3) -> None:
    """Do nothing for a while, then end as one should."""
    time.sleep(seconds)


def leave() -> None:
    """End by itself, with an exit code of its own choice."""
    sys.exit(3)


def fail() -> None:
    """End by an error. Python writes its traceback to stderr: here nowhere, to keep the lesson readable."""
    sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    raise ValueError("this worker has an error")


def write_report(path: str, begun: Any) -> None:
    """Write a file that is complete when its last line says so."""
    report = Path(path)
    try:
        report.write_text("begin\n", encoding="utf-8")
        begun.set()
        time.sleep(60)
    finally:
        report.write_text("begin\nend\n", encoding="utf-8")


def answer_twice(value: Any, results: Any) -> None:
    """Put twice the value after a while, and need a little longer to end."""
    time.sleep(0.3)
    results.put(value + value)
    time.sleep(0.5)


def answer_at_once(value: Any, results: Any) -> None:
    """Put twice the value and end, which waits until somebody has taken what is large."""
    results.put(value + value)


def answer_and_break(value: object, results: Any) -> None:
    """Put a result, and end with exit code 3 all the same: it is not to be trusted."""
    results.put(value)
    sys.exit(3)


def crash() -> None:
    """End the whole process at once, as a fault in a C library does."""
    os.abort()


def wait_a_second(seconds: float = SHARE) -> None:
    """Wait, as for a camera or the network."""
    time.sleep(seconds)


def add_squares(count: int = round(25_000_000 * SHARE)) -> int:
    """Compute in pure Python."""
    return sum(number * number for number in range(count))
