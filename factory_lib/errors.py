"""The family of errors: each says in one sentence what is wrong and in one what to do about it."""

import functools
import os
import sys
from collections.abc import Callable
from typing import ParamSpec

UNREAD = 128 + 13  # what a shell tells of a program that SIGPIPE has ended
P = ParamSpec("P")


class FactoryError(Exception):
    """Anything that the user of the factory can put right.

    Parameters
    ----------
    what : str
        One sentence: what is wrong, naming the file, key or device.
    remedy : str
        One sentence: what to do about it.
    """

    def __init__(self, what: str, remedy: str) -> None:
        # Both go to Exception.args, so that the error survives pickling on its way home from a process.
        super().__init__(what, remedy)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what} {self.remedy}"


class PresetError(FactoryError):
    """A motion.cfg, or a value for one of its keys, that cannot be used."""


class VideoError(FactoryError):
    """A clip, camera or stream that cannot be opened, or that ends before it should."""


class DetectorError(FactoryError):
    """A detector without a preset, or an image that the preset does not fit."""


class ControllerError(FactoryError):
    """A board that cannot be reached, or an order that it does not know."""


class DisplayError(FactoryError):
    """Windows asked for where there are none, or pictures that cannot be saved."""


class TruthError(FactoryError):
    """A ground truth file that cannot be read."""


class RingError(FactoryError):
    """A FrameRing used wrongly, or one whose other side is gone without a word."""


class RingTimeout(RingError):
    """No frame, or no room for one, within the time that was given."""


class RingClosed(RingError):
    """The other side has closed its end: nothing more comes, or nothing more is taken."""


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
