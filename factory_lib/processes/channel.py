"""What two processes have in common: memory for the pixels, and a line for the words about them.

A process that is killed, at whichever instruction, leaves nothing of it behind. The memory has no name by
which it could stay in the system. There is no lock that a dead process could hold. A word is one small
message, which the system has passed on as a whole or not at all; and it closes a dead process's end of the
line, so that the other side hears of it at once. The words also order what is in the memory, on processors
of any kind: who has read that a slot is full sees what was written into it before.
"""

import contextlib
import io
import mmap
import os
import struct
import sys
from collections.abc import Iterable
from multiprocessing import connection, get_context, reduction
from multiprocessing.shared_memory import SharedMemory
from typing import Any

from ..errors import RingError

# What the words say: the producer is there; it has filled the next slot; it has come to its end. And from
# the consumer: so many slots have been freed since the beginning; it takes no more.
HELLO, FRAME, END, FREED, CLOSED = range(5)
# The kind, then two numbers and a time: a frame's index, how many were dropped before it, its seconds.
Word = tuple[int, int, int, float]
_WORD = struct.Struct("<qqqd")
# There are never more words under way than slots, and so many the smallest of the systems' buffers holds.
MOST_SLOTS = 128


class Segment:
    """Shared memory that can be given to a process as it is started; `memory` is its memoryview.

    Raises
    ------
    RingError
        If there is not so much.
    """

    def __init__(self, size: int) -> None:
        try:
            shared = SharedMemory(create=True, size=size)
            # The name goes at once, and the open file is what is handed over: a name would outlive those
            # who are killed. On Windows it does not, and unlink does nothing.
            shared.unlink()
            try:
                if sys.platform == "win32":
                    self._map(size, shared.name)
                else:
                    if hasattr(os, "posix_fallocate"):  # else what is missing is met later, by a fatal signal
                        os.posix_fallocate(shared._fd, 0, size)  # type: ignore[attr-defined]
                    self._map(size, os.dup(shared._fd))  # type: ignore[attr-defined]
            finally:
                shared.close()
        except (OSError, OverflowError) as error:
            raise RingError(
                f"{size / 1e6:,.0f} MB of shared memory are not to be had ({error}).",
                "Use fewer slots or smaller frames; a container has its limit in --shm-size.",
            ) from None

    def _map(self, size: int, key: Any) -> None:
        self._size, self._key = size, key
        if sys.platform == "win32":
            self._pages = mmap.mmap(-1, size, tagname=key)
        else:
            self._key = io.FileIO(key, "r+")
            self._pages = mmap.mmap(key, size)
        self.memory = memoryview(self._pages)

    def again(self) -> "Segment":
        """Map the same memory a second time."""
        other = object.__new__(Segment)
        other._map(self._size, self._key if sys.platform == "win32" else os.dup(self._key.fileno()))
        return other

    def close(self) -> None:
        """Give it back; again is harmless. What an array outside still shows stays until that is gone."""
        with contextlib.suppress(BufferError):
            self.memory.release()
            self._pages.close()
        if sys.platform != "win32":
            self._key.close()

    def __getstate__(self) -> tuple[int, Any]:
        if sys.platform == "win32":
            return self._size, self._key
        return self._size, reduction.DupFd(self._key.fileno())

    def __setstate__(self, state: tuple[int, Any]) -> None:
        size, key = state
        self._map(size, key if sys.platform == "win32" else key.detach())


class Line:
    """One end of a line for words. Sending never waits, nor does receiving; `wait` does."""

    def __init__(self, end: "connection._ConnectionBase[Any, Any]") -> None:
        self.connection = end
        self._number = end.fileno()
        if sys.platform != "win32":
            os.set_blocking(self._number, False)

    @staticmethod
    def pair() -> "tuple[Line, Line]":
        """Make both ends."""
        one, other = get_context("spawn").Pipe()
        return Line(one), Line(other)

    def send(self, kind: int, number: int = 0, dropped: int = 0, time: float = 0.0) -> bool:
        """Send a word; tell whether the other side is still there."""
        word = _WORD.pack(kind, number, dropped, time)
        try:
            if sys.platform == "win32":
                self.connection.send_bytes(word)
            else:
                os.write(self._number, word)
        except OSError:
            return False
        return True

    def receive(self) -> Iterable[Word]:
        """Return the words that have come.

        Raises
        ------
        EOFError
            If the other side is gone, and all that it had said was received.
        """
        try:
            if sys.platform == "win32":
                words = self.connection.recv_bytes() if self.connection.poll(0) else b""
            else:
                words = os.read(self._number, MOST_SLOTS * _WORD.size)
                if not words:
                    raise EOFError
        except BlockingIOError:
            return ()
        except OSError:
            raise EOFError from None
        return _WORD.iter_unpack(words)

    def wait(self, seconds: float) -> None:
        """Wait until a word comes or the other side goes, but no longer than that."""
        connection.wait([self.connection], seconds)

    def close(self) -> None:
        """Close this end; again is harmless."""
        self._number = -1
        self.connection.close()

    def __getstate__(self) -> "connection._ConnectionBase[Any, Any]":
        return self.connection

    def __setstate__(self, end: "connection._ConnectionBase[Any, Any]") -> None:
        Line.__init__(self, end)
