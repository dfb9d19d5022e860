"""A clean stop of the commands: by Ctrl-C, by a request to terminate, or when nobody reads any more."""

import functools
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import ParamSpec

UNREAD = 128 + 13  # what a shell tells of a program that SIGPIPE has ended
P = ParamSpec("P")


class Stop(threading.Event):
    """Set by Ctrl-C or by a request to terminate, whose number it keeps."""

    signal = 0


@contextmanager
def set_on_signal(
    stop: Stop, *, notice: str = "", again: Callable[[int], None] | None = None
) -> Iterator[None]:
    """Turn Ctrl-C into a wish to stop, so that it cannot interrupt the clean-up.

    Parameters
    ----------
    stop : Stop
        What is set.
    notice : str
        Said on stderr then.
    again : callable, optional
        Called with the signal's number when a second one comes; without it, that one interrupts.
    """

    def wish(number: int, _: FrameType | None) -> None:
        if stop.signal and again is not None:
            again(number)
            return
        stop.signal = number
        stop.set()
        with suppress(OSError):
            os.write(2, notice.encode())  # not print, which the signal may have interrupted
        if again is None:
            signal.signal(number, before[number])

    before = {int(number): signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, wish)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def while_read(main: Callable[P, int]) -> Callable[P, int]:
    """Let a command end without a word when nobody reads what it prints, as behind ``| head``."""

    @functools.wraps(main)
    def run(*args: P.args, **kwargs: P.kwargs) -> int:
        try:
            code = main(*args, **kwargs)
            print(end="", flush=True)
        except BrokenPipeError:
            # What is still to be written at Python's end goes nowhere (docs.python.org, Note on SIGPIPE).
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return UNREAD
        return code

    return run
