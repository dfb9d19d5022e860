"""A clean stop by Ctrl-C, or by a request to terminate, for the commands."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType


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
