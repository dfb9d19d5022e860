"""Frames of 640x480 from one process to another, by each of the ways there are."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from typing import Any

import numpy as np

from factory_lib import FrameRing

from . import senders
from .paired import Ratio, Run
from .peers import peer
from .senders import SHAPE, SLOTS, stamp_of

PATIENCE = 30.0
SPAWN = get_context("spawn")


@contextmanager
def sending(target: Callable[..., None], *args: Any) -> Iterator[None]:
    """Let a process send for as long as the block takes; it has to end well by itself."""
    process = SPAWN.Process(target=target, args=args)
    process.start()
    try:
        yield
        process.join(PATIENCE)
        if process.exitcode != 0:
            raise RuntimeError(f"the sending process ended with {process.exitcode}")
    finally:
        if process.is_alive():
            process.kill()
        process.join(PATIENCE)


def receive(count: int, take: Callable[[], int]) -> Run:
    """Take so many frames and see that they are all there, in order; the clock starts with the first."""
    take()
    start = time.perf_counter()
    for number in range(1, count):
        got = take()
        if got != number:
            raise RuntimeError(f"frame {got} came in the place of frame {number}")
    return Run(count - 1, time.perf_counter() - start)


def mp_queue(count: int) -> Run:
    """By multiprocessing.Queue: pickled, through a pipe, by a thread of the sender's."""
    queue: Any = SPAWN.Queue(SLOTS)
    with sending(senders.by_queue, queue, count):
        return receive(count, lambda: stamp_of(queue.get(timeout=PATIENCE)))


def pipe(count: int, pickled: bool) -> Run:
    """By multiprocessing.Pipe: pickled, or the bare bytes into one array that is used again."""
    ours, theirs = SPAWN.Pipe(duplex=False)
    image = np.empty(SHAPE, np.uint8)

    def take() -> int:
        if not ours.poll(PATIENCE):
            raise TimeoutError("nothing came through the pipe")
        if pickled:
            return stamp_of(ours.recv())
        ours.recv_bytes_into(image.data.cast("B"))
        return stamp_of(image)

    with ours, theirs, sending(senders.by_pipe, theirs, count, pickled):
        return receive(count, take)


def faster_fifo(count: int) -> Run:
    """By faster-fifo's Queue: pickled, through shared memory."""
    size = (SLOTS + 1) * (int(np.prod(SHAPE)) + 1000)
    queue = peer("faster_fifo").Queue(max_size_bytes=size)
    try:
        with sending(senders.by_queue, queue, count):
            return receive(count, lambda: stamp_of(queue.get(timeout=PATIENCE)))
    finally:
        queue.close()


def ring(count: int, in_place: bool) -> Run:
    """By FrameRing: copied once into shared memory, or written there."""
    with FrameRing(SHAPE, slots=SLOTS, producers=["Cam1"]) as frames:

        def take() -> int:
            with frames.take(timeout=PATIENCE) as frame:
                return stamp_of(frame.image)

        end = frames.producer("Cam1")
        with sending(senders.by_ring, end, count, in_place):
            end.close()  # this process's copy
            return receive(count, take)


def memcpy(count: int) -> Run:
    """Copy in one process, into as many arrays in turn as a ring has slots."""
    image, slots = np.ones(SHAPE, np.uint8), np.ones((SLOTS, *SHAPE), np.uint8)
    start = time.perf_counter()
    for number in range(count):
        np.copyto(slots[number % SLOTS], image)
    return Run(count, time.perf_counter() - start)


def cases() -> Iterator[Ratio]:
    """Compare what one frame costs, from the first one's arrival to the last one's."""
    put = partial(ring, 3000, False)
    for name, work, goal in (
        ("mp.Queue", partial(mp_queue, 200), 60.0),
        ("Pipe, send", partial(pipe, 300, True), None),
        ("Pipe, send_bytes", partial(pipe, 600, False), None),
        ("faster-fifo", partial(faster_fifo, 1000), None),
        ("memcpy", partial(memcpy, 3000), 0.5),
    ):
        yield Ratio("FrameRing.put, 640x480", put, name, work, "frame", goal, same=False)
    in_place = partial(ring, 3000, True)
    yield Ratio("FrameRing.reserve, in place", in_place, "FrameRing.put", put, "frame")
