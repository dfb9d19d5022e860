"""What the processes of test_ring.py and test_pool.py do: they import it from here."""

import os
import sys
import time
from collections.abc import Iterable
from multiprocessing import get_context, shared_memory
from pathlib import Path
from typing import Any

import numpy as np

from factory_lib.errors import RingError
from factory_lib.processes.producer import RingProducer
from factory_lib.processes.ring import FrameRing

SHAPE = (48, 64, 3)
# Other programs make shared memory at the same time: ours is told from theirs, also in child processes.
PREFIX = os.environ.setdefault("RING_TEST_PREFIX", f"/r{os.getpid() % 100_000}_")
shared_memory._SHM_NAME_PREFIX = PREFIX  # type: ignore[attr-defined]


def left_in_the_system() -> list[str]:
    """Return the names of shared memory of ours, where they can be seen."""
    folder = Path("/dev/shm")
    return sorted(path.name for path in folder.glob(f"{PREFIX[1:]}*")) if folder.is_dir() else []


def still_at_work(numbers: Iterable[int], seconds: float) -> list[int]:
    """Wait for processes to end that may be nobody's children any more; return those that do not.

    An orphan that has ended may stay a zombie until the system's first process looks at it, a second later:
    psutil.wait_procs waits for that too.
    """
    import psutil  # only here: what the other processes do without

    def is_at_work(number: int) -> bool:
        try:
            return psutil.Process(number).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
        except psutil.NoSuchProcess:
            return False

    deadline = time.monotonic() + seconds
    while (left := [number for number in numbers if is_at_work(number)]) and time.monotonic() < deadline:
        time.sleep(0.005)
    return left


def put_counted(end: RingProducer, frames: int) -> None:
    """Put frames in that are filled with their number."""
    with end:
        for number in range(frames):
            end.put(np.full(SHAPE, number % 251, np.uint8), time=number / 30)


def fill_in_place(end: RingProducer, frames: int) -> None:
    """The same without a copy."""
    with end:
        for number in range(frames):
            with end.reserve(time=number / 30) as image:
                image[:] = number % 251


def read_clip(end: RingProducer, path: str) -> None:
    """Read a clip straight into the ring, until it ends."""
    import cv2  # only here: most processes do without, and begin sooner

    capture = cv2.VideoCapture(path)
    there = True
    with end:
        while there:
            slot = end.reserve()
            with slot as image:
                there, _ = capture.read(image)
                slot.time = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
                if not there:
                    slot.cancel()


def put_for_ever(end: RingProducer, answers: Any = None) -> None:
    """Put until the consumer is gone; tell what was heard of that."""
    image = np.zeros(SHAPE, np.uint8)
    try:
        while True:
            image[:] = end.published % 251
            end.put(image, timeout=60)
    except RingError as error:
        if answers is not None:
            answers.send((type(error).__name__, str(error)))


def fail_after(end: RingProducer, frames: int) -> None:
    """Fail in the middle of a frame, without a word on the terminal."""
    sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    with end:
        for number in range(frames):
            end.put(np.full(SHAPE, number, np.uint8))
        with end.reserve() as image:
            image[:] = 99
            raise ValueError("the lens fell off")


def put_one(end: RingProducer, answers: Any) -> None:
    """Try to put one frame in, and tell what was said to that."""
    try:
        end.put(np.zeros(SHAPE, np.uint8))
    except RingError as error:
        answers.send(str(error))


def own_a_ring(pids: Any, takes: bool) -> None:
    """Be the consumer of two producers, who takes all or nothing, until killed."""
    context = get_context("spawn")
    ring = FrameRing(SHAPE, producers=["A", "B"])
    numbers = [os.getpid()]
    for name in ("A", "B"):
        with ring.producer(name) as end:
            process = context.Process(target=put_for_ever, args=(end,))
            process.start()
            numbers.append(process.pid)
    pids.send(numbers)
    while takes:
        with ring.take(timeout=60):
            pass
    time.sleep(60)
