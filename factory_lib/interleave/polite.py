"""How the threads of a search are woken, on Linux: where and after, not in the middle of, what wakes them."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def polite() -> Iterator[None]:
    """Let this thread, and those that it starts meanwhile, share one core and push nobody aside.

    Only one of them runs at a time. On a core of its own, the next one has to be woken there for each
    hand-over, which takes several times as long as the step that it does. And a hand-over opens a lock and
    then waits, which gives the interpreter's lock away: a thread of Linux's usual policy often takes the
    processor from the one that has just woken it, finds that this one still holds the interpreter, and goes
    to sleep again. Threads of ``SCHED_BATCH`` wait for their turn (sched(7)), have the same share of the
    processor, and need no rights.

    Nothing is changed on other systems, in containers that forbid it, and for a thread that somebody gave
    another policy.
    """
    if sys.platform != "linux" or not _has_usual_policy():
        yield
        return
    cores = os.sched_getaffinity(0)
    try:
        _set_policy(os.SCHED_BATCH)
        _stay_on({_current_core()} & cores or cores)
        yield
    finally:
        _stay_on(cores)
        _set_policy(os.SCHED_OTHER)


def _has_usual_policy() -> bool:
    with suppress(OSError):
        return sys.platform == "linux" and os.sched_getscheduler(0) == os.SCHED_OTHER  # 0: of this thread
    return False


def _set_policy(policy: int) -> None:
    with suppress(OSError):
        if sys.platform == "linux":
            os.sched_setscheduler(0, policy, os.sched_param(0))


def _stay_on(cores: set[int]) -> None:
    with suppress(OSError):
        if sys.platform == "linux":
            os.sched_setaffinity(0, cores)


def _current_core() -> int:
    """Tell on which core this thread runs (proc(5): the 39th field of stat), or -1."""
    with suppress(OSError, ValueError, IndexError):
        stat = Path("/proc/thread-self/stat").read_text(encoding="utf-8")
        return int(stat.rpartition(")")[2].split()[36])
    return -1
