"""Sources and detectors of test_pool.py: a camera's process imports them from here."""

import os
import pickle
import signal
import struct
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from factory_lib.motion import Detection, Image, MotionDetector
from factory_lib.preset import MotionPreset
from factory_lib.processes import worker as camera_process
from factory_lib.processes.channel import FRAME, Line
from factory_lib.processes.producer import RingProducer
from factory_lib.processes.worker import Done, Part
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


class HastyBelt(Belt):
    """Its process, once it is to end, is ended by force after a second already."""

    def happen(self) -> None:
        camera_process.PATIENCE = 1.0
        super().happen()


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


# Where in the protocol a camera's process kills itself.
FATAL_FRAME = 13  # it shows the second part
Function = Callable[..., Any]
# The function that comes to the point, whether it is that call of it, and what it does before the end.
Point = tuple[Any, str, Function, Function]


def _nothing(function: Function, *args: object) -> None:
    """Die at the function's door."""


def _all(function: Function, *args: object) -> None:
    function(*args)


def _half(function: Function, line: Any, message: object) -> None:
    """Write the first half of a message, as Connection.send_bytes would begin it."""
    packed = pickle.dumps(message)
    start = struct.pack("!i", len(packed)) + packed[: len(packed) // 2]
    assert os.write(line.fileno(), start) == len(start)


def _is_any(*args: object) -> bool:
    return True


def _is_ready(line: object, message: object) -> bool:
    return message is True


def _is_fatal_slot(end: RingProducer, timeout: float) -> bool:
    return end.published == FATAL_FRAME


def _is_fatal_word(line: Line, kind: int, number: int = 0, *others: float) -> bool:
    return (kind, number) == (FRAME, FATAL_FRAME)


def _is_fatal_part(line: object, message: object) -> bool:
    return isinstance(message, Part) and message.detection.frame == FATAL_FRAME


def _is_done(line: object, message: object) -> bool:
    return isinstance(message, Done)


POINTS: dict[str, Point] = {
    "hello unsent": (RingProducer, "__setstate__", _is_any, _nothing),
    "hello sent": (camera_process, "_send", _is_ready, _nothing),
    "ready sent": (camera_process, "_send", _is_ready, _all),
    "no frame read": (camera_process._Outbox, "__init__", _is_any, _nothing),
    "slot reserved": (RingProducer, "_find_room", _is_fatal_slot, _all),
    "frame copied": (Line, "send", _is_fatal_word, _nothing),
    "frame sent": (Line, "send", _is_fatal_word, _all),
    "half a part sent": (camera_process, "_send", _is_fatal_part, _half),
    "part sent": (camera_process, "_send", _is_fatal_part, _all),
    "report unsent": (camera_process, "_send", _is_done, _nothing),
    "report sent": (camera_process, "_send", _is_done, _all),
}


class Doomed(str):
    """A camera's name; the process that unpacks it, before all else, kills itself at a point of POINTS.

    It comes to the point when there is a file `go`, and leaves a file `gone` with the point's name.
    """

    point: str
    folder: Path

    def __new__(cls, name: str, point: str, folder: Path) -> "Doomed":
        self = super().__new__(cls, name)
        self.point, self.folder = point, folder
        return self

    def __reduce__(self) -> tuple[object, ...]:
        return _doom, (str(self), self.point, self.folder)


def _doom(name: str, point: str, folder: Path) -> str:
    owner, attribute, is_it, deed = POINTS[point]
    function = getattr(owner, attribute)

    def instead(*args: Any) -> object:
        if not is_it(*args):
            return function(*args)
        deadline = time.monotonic() + 60
        while not (folder / "go").exists():
            assert time.monotonic() < deadline
            time.sleep(0.005)
        deed(function, *args)
        (folder / "gone").write_text(point, encoding="utf-8")
        os.kill(os.getpid(), signal.SIGKILL)
        return None

    setattr(owner, attribute, instead)
    return name


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
