"""What the processes run: they send numbered frames, or watch a camera."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from factory_lib import watch_camera

from .clips import Clip, detector

SHAPE = (480, 640, 3)
SLOTS = 8
PATIENCE = 30.0


def stamp(image: NDArray[np.uint8], number: int) -> None:
    """Write a number into the first and the last bytes of a frame."""
    flat = image.reshape(-1)
    flat[:4].view(np.uint32)[0] = flat[-4:].view(np.uint32)[0] = number


def stamp_of(image: NDArray[np.uint8]) -> int:
    """Read it again; -1 if a frame is not whole."""
    flat = image.reshape(-1)
    first, last = int(flat[:4].view(np.uint32)[0]), int(flat[-4:].view(np.uint32)[0])
    return first if first == last and image.shape == SHAPE else -1


def by_queue(queue: Any, count: int) -> None:
    """Put them on a queue: multiprocessing's, or faster-fifo's."""
    for number in range(count):
        image = np.zeros(SHAPE, np.uint8)  # a new one: mp.Queue pickles later, in a thread of its own
        stamp(image, number)
        queue.put(image, timeout=PATIENCE)


def by_pipe(end: Any, count: int, pickled: bool) -> None:
    """Send them through a pipe, pickled or as bare bytes."""
    image = np.zeros(SHAPE, np.uint8)
    for number in range(count):
        stamp(image, number)
        if pickled:
            end.send(image)
        else:
            end.send_bytes(image.data.cast("B"))


def by_ring(end: Any, count: int, in_place: bool) -> None:
    """Put them into a ring, copied or written there."""
    image = np.zeros(SHAPE, np.uint8)
    with end:
        for number in range(count):
            if in_place:
                with end.reserve(timeout=PATIENCE) as slot:
                    stamp(slot, number)
            else:
                stamp(image, number)
                end.put(image, timeout=PATIENCE)


def watch(name: str, clip: str, key: str, most: int, events: Any, stop: Any, start: Any) -> None:
    """Watch a camera as a thread of the factory does, from when all the others are ready too."""
    eye, source = detector(key), Clip(clip, most)
    start.wait(PATIENCE)
    watch_camera(name, source, eye, events, stop, drop_live=False)
