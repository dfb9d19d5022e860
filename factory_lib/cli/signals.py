"""A clean stop of the commands: by Ctrl-C, or by a request to terminate."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from ..errors import FactoryError


class Stop(threading.Event):
    """Set by Ctrl-C or by a request to terminate, whose number it keeps."""

    signal = 0


def until_stopped(
    work: Callable[[Stop], int], *, notice: str = "", again: Callable[[int], None] | None = None
) -> int:
    """Do a command's work, and return its exit code; Ctrl-C is a wish to stop that cannot interrupt it.

    Parameters
    ----------
    work : callable
        Is given what is set then, and returns the exit code of a run to its end.
    notice : str
        Said on stderr when a stop is asked for.
    again : callable, optional
        Called with the signal's number when a second one comes; without it, that one interrupts.

    Returns
    -------
    int
        What `work` returned; 2 after a `FactoryError`, which is said on stderr; 128 and the signal's number.
    """
    code, stop = 0, Stop()
    try:
        with _set_on_signal(stop, notice, again):
            code = work(stop)
    except FactoryError as error:
        print(f"factory: {error}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:  # a second Ctrl-C
        pass
    return 128 + stop.signal if stop.signal else code


@contextmanager
def _set_on_signal(stop: Stop, notice: str, again: Callable[[int], None] | None) -> Iterator[None]:

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
