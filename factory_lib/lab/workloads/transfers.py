"""Ways for frames and files from one process to another, for notebooks 03, 04 and 06."""

from multiprocessing.shared_memory import SharedMemory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...processes.producer import RingProducer
from ..clips import Clip


def send_by_queue(queue: Any, count: int) -> None:
    """Put so many frames into a queue."""
    for number in range(count):
        queue.put(_frame(number))


def send_by_pipe(connection: Any, count: int) -> None:
    """Send so many frames through a pipe."""
    for number in range(count):
        connection.send(_frame(number))


def send_by_memory(shared: tuple[str, Any, Any], count: int) -> None:
    """Write so many frames into shared memory, each when the one before has been taken."""
    name, full, empty = shared
    memory = SharedMemory(name)
    for number in range(count):
        if not empty.acquire(timeout=60):
            raise TimeoutError("nobody took the frame for 60 s")
        np.ndarray(FRAME, np.uint8, memory.buf)[:] = _frame(number)
        full.release()
    memory.close()


def send_by_ring(end: RingProducer, count: int) -> None:
    """Write so many frames into a ring, each in its place there."""
    with end:
        for number in range(count):
            with end.reserve() as image:
                image[:] = number % 256


FRAME = (480, 640, 3)


def _frame(number: int) -> NDArray[np.uint8]:
    return np.full(FRAME, number % 256, np.uint8)


def download(url: str, folder: str, messages: Any) -> None:
    """Download a clip and tell of it in messages: its size, each piece as it comes, and where it is."""

    def progress(stream: Any, chunk: bytes, bytes_remaining: int) -> None:
        messages.put(("piece", len(chunk)))

    def complete(stream: Any, path: str) -> None:
        messages.put(("complete", path))

    stream = Clip(url, progress, complete).streams.get_highest_resolution()
    messages.put(("size", stream.filesize))
    stream.download(folder)
