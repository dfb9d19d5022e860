"""Sources and detectors of test_processes.py: a camera's process imports them from here."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from conftest import Image

from factory_lib.motion import Detection, MotionDetector
from factory_lib.preset import MotionPreset
from factory_lib.video import Frame

EMPTY = np.full((240, 240, 3), 40, np.uint8)
PART = EMPTY.copy()
PART[20:210] = 200
PERIOD = 10


class Belt:
    """One part in every ten frames, detectable in the frames 3, 13, 23, ...; may fail, hang or die at one.

    `what` happens instead of frame `at`: "fails", "hangs", "dies", "exits 7" or "raises strangely".
    """

    def __init__(self, frames: int = sys.maxsize, what: str = "", at: int = -1, pid_file: str = "") -> None:
        self.frames, self.what, self.at, self.pid_file = frames, what, at, pid_file
        self.is_closed = False

    def __iter__(self) -> Iterator[Frame]:
        if self.pid_file:
            Path(self.pid_file).write_text(str(os.getpid()), encoding="utf-8")
        for index in range(self.frames):
            if index == self.at:
                self.happen()
            yield Frame(PART if index % PERIOD in (3, 4) else EMPTY, index, index / 30)

    def happen(self) -> None:
        if self.what == "fails":
            raise OSError("cable")
        if self.what == "raises strangely":
            raise Strange(1, 2)
        if self.what == "hangs":
            time.sleep(600)
        if self.what == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.what.startswith("exits"):
            os._exit(int(self.what.split()[1]))

    def close(self) -> None:
        self.is_closed = True


class Device(Belt):
    """A camera that can be open only once at a time; a file says whether it is."""

    def __init__(self, mark: str) -> None:
        super().__init__(5)
        self.mark = Path(mark)
        self.mark.touch(exist_ok=False)

    def __reduce__(self) -> tuple[object, ...]:
        return Device, (str(self.mark),)

    def close(self) -> None:
        self.mark.unlink(missing_ok=True)


class Strange(Exception):
    """Cannot be pickled and put together again."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__("strange")


class Bomb:
    """Fails where it is unpacked."""

    def __reduce__(self) -> tuple[object, ...]:
        return _explode, ()

    def __iter__(self) -> Iterator[Frame]:
        return iter(())


def _explode() -> None:
    raise RuntimeError("no such device here")


def expected(frames: int) -> list[Detection]:
    return [Detection(index, index / 30) for index in range(3, frames, PERIOD)]


def detector() -> MotionDetector:
    return MotionDetector(MotionPreset())


class Finicky(MotionDetector):
    """Fails at a part."""

    def detect(self, image: Image, time: float | None = None) -> Image | None:
        if image[30, 0, 0] > 100:
            raise ArithmeticError("too bright")
        return None
