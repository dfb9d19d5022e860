"""How the threads of a search are woken, on Linux: after, not in the middle of, what wakes them."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def polite() -> Iterator[None]:
    """Let this thread, and those that it starts meanwhile, push nobody aside when they are woken.

    A hand-over opens a lock and then waits, which gives the interpreter's lock away. A thread of Linux's
    usual policy often takes the processor from the one that has just woken it, finds that this one still
    holds the interpreter, and goes to sleep again: three changes of threads where one would do. Threads of
    ``SCHED_BATCH`` wait for their turn (sched(7)), have the same share of the processor, and need no rights.

    Nothing is changed on other systems, in containers that forbid it, and for a thread that somebody gave
    another policy.
    """
    if sys.platform != "linux" or not _has_usual_policy():
        yield
        return
    try:
        _set_policy(os.SCHED_BATCH)
        yield
    finally:
        _set_policy(os.SCHED_OTHER)


def _has_usual_policy() -> bool:
    with suppress(OSError):
        return sys.platform == "linux" and os.sched_getscheduler(0) == os.SCHED_OTHER  # 0: of this thread
    return False


def _set_policy(policy: int) -> None:
    with suppress(OSError):
        if sys.platform == "linux":
            os.sched_setscheduler(0, policy, os.sched_param(0))
