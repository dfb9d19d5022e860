"""The producer's end of a FrameRing, which goes to the process that has the frames."""

import math
import os
import time as clock
from dataclasses import dataclass
from functools import cached_property
from multiprocessing import context
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import RingClosed, RingError, RingTimeout
from .channel import CLOSED, END, FRAME, FREED, HELLO, Line, Segment

Array = NDArray[Any]
# How long to wait for a free slot unless told otherwise, in seconds.
PATIENCE = 10.0


@dataclass(frozen=True)
class Layout:
    """Whose frames lie in a lane, and how."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    slots: int
    drop: bool

    @cached_property
    def values(self) -> int:
        """How many values an image has."""
        return math.prod(self.shape)

    @cached_property
    def stride(self) -> int:
        """Bytes from slot to slot: whole cache lines, so that no two slots share one."""
        return -(-self.values * self.dtype.itemsize // 64) * 64

    def image(self, memory: memoryview, number: int) -> Array:
        """Show the slot of the frame with this number, counted from the first one."""
        start = number % self.slots * self.stride
        return np.frombuffer(memory, self.dtype, self.values, start).reshape(self.shape)


class RingProducer:
    """A producer's end, made by `FrameRing.producer`; one thread uses it.

    Give it to a process as that is started (start method "spawn"), and close it here after that, best by
    ``with``: then it is heard at once if the process is killed, however early.

    Attributes
    ----------
    name : str
        The producer's.
    published, dropped : int
        How many frames it has put into the ring, and how many it has dropped since no slot was free.
    """

    def __init__(self, layout: Layout, segment: Segment, line: Line) -> None:
        self.name = layout.name
        self.published = self.dropped = self._freed = 0
        self._layout, self._segment, self._line = layout, segment, line
        self._open, self._lent, self._process = True, False, os.getpid()
        self._reserved: Reservation | None = None

    def reserve(
        self, index: int | None = None, time: float | None = None, *, timeout: float = PATIENCE
    ) -> "Reservation":
        """Reserve the next slot, to be filled in place: ``with end.reserve() as image: capture.read(image)``.

        The end of the block publishes the frame as it is, without any copy, and makes `image` read-only. An
        exception in the block publishes nothing, and neither does a frame that was cancelled. When the ring
        drops and no slot is free, `image` is an array that nobody will see, counted as dropped.

        Parameters
        ----------
        index : int, optional
            The frame's number; without it they are counted from 0, with the dropped ones.
        time : float, optional
            The frame's seconds; without it, when it was published, by the monotonic clock.
        timeout : float
            Seconds to wait for a free slot at most, unless the ring drops.

        Raises
        ------
        RingTimeout
            If no slot has become free by then.
        RingClosed
            If the consumer has closed the ring.
        RingError
            If the consumer has ended without closing it; if another slot is still reserved.
        """
        if self._find_room(timeout):
            image = self._layout.image(self._segment.memory, self.published)
            self._reserved = Reservation(self, image, index, time)
        else:
            self._reserved = Reservation(None, np.empty(self._layout.shape, self._layout.dtype), index, time)
        return self._reserved

    def put(
        self,
        image: Array,
        index: int | None = None,
        time: float | None = None,
        *,
        timeout: float = PATIENCE,
    ) -> bool:
        """Copy an image into the next slot and publish it; parameters and errors as in `reserve`.

        Returns
        -------
        bool
            Whether it is in the ring; False if it was dropped.

        Raises
        ------
        RingError
            Also if the image has not the ring's shape and dtype.
        """
        layout = self._layout
        if image.shape != layout.shape or image.dtype != layout.dtype:
            raise RingError(
                f"{self.name}'s image is {image.dtype} of shape {image.shape}, "
                f"and the ring is for {layout.dtype} of shape {layout.shape}.",
                "Make the ring for such images, or convert them with cv2.resize or cv2.cvtColor.",
            )
        if not self._find_room(timeout):
            return False
        np.copyto(layout.image(self._segment.memory, self.published), image)
        self.publish(index, time)
        return True

    def publish(self, index: int | None, time: float | None) -> None:
        """Tell the consumer that the next slot is filled."""
        index = self.published + self.dropped if index is None else index
        if not self._line.send(FRAME, index, self.dropped, clock.monotonic() if time is None else time):
            self._hear()
        self.published += 1

    def close(self) -> None:
        """Tell the consumer that nothing more comes, and give the memory back; again is harmless."""
        self._close(END)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Who fails has not come to its end, and the consumer is to hear that.
        self._close(END if kind is None else None)

    def _close(self, word: int | None) -> None:
        if not self._open:
            return
        self._open = False
        if word is not None and not self._lent:
            self._line.send(word, 0, self.dropped)
        self._line.close()
        self._segment.close()

    def _find_room(self, timeout: float) -> bool:
        """Wait for a free slot; False if the frame is to be dropped, and is counted so."""
        if self._reserved is not None and self._reserved.is_open:
            raise RingError(
                f"{self.name} has reserved a slot already.", "Leave that with block before the next frame."
            )
        if os.getpid() != self._process:
            raise RingError(
                f"{self.name}'s end of the ring has come into this process by a fork.",
                "Start the process by get_context('spawn').Process: it gets an end of its own.",
            )
        deadline = 0.0
        while self.published - self._freed >= self._layout.slots or not self._open:
            self._hear()
            if self.published - self._freed < self._layout.slots:
                break
            if self._layout.drop:
                self.dropped += 1
                return False
            deadline = deadline or clock.monotonic() + timeout
            seconds = deadline - clock.monotonic()
            if seconds <= 0:
                raise RingTimeout(
                    f"For {timeout:g} s no slot of {self.name} has become free.",
                    "Let the consumer take frames faster, or make a ring that drops frames (drop=True).",
                )
            self._line.wait(seconds)
        return True

    def _hear(self) -> None:
        """Learn how many slots the consumer has freed, and whether it is still there."""
        if not self._open:
            raise RingError(f"{self.name}'s end of the ring is closed here.", "Put frames in before that.")
        try:
            for kind, number, _, _ in self._line.receive():
                if kind == FREED:
                    self._freed = number
                elif kind == CLOSED:
                    raise RingClosed("The consumer has closed the ring.", "Put no more frames into it.")
        except EOFError:
            raise RingError(
                f"The consumer of {self.name}'s frames has ended without closing the ring.",
                "It failed or was killed: look at its error or exit code, and start it again.",
            ) from None

    def __getstate__(self) -> tuple[Layout, Segment, Line]:
        if context.get_spawning_popen() is None or self.published:
            raise RingError(
                f"{self.name}'s end of a ring can only be given to a process that is just being started.",
                "Pass it in Process(args=...) of the start method 'spawn', before any frame is put in.",
            )
        self._lent = True
        return self._layout, self._segment, self._line

    def __setstate__(self, state: tuple[Layout, Segment, Line]) -> None:
        RingProducer.__init__(self, *state)
        self._line.send(HELLO)


class Reservation:
    """A slot that is being filled: ``with`` it, as `RingProducer.reserve` says.

    Attributes
    ----------
    index, time
        As given to `reserve`; they may be set in the block, such as a time that is known after reading.
    is_open : bool
        Whether the block goes on.
    """

    def __init__(
        self, producer: RingProducer | None, image: Array, index: int | None, time: float | None
    ) -> None:
        self.index, self.time, self.is_open = index, time, True
        self._producer, self._image = producer, image

    def cancel(self) -> None:
        """Publish nothing at the end of the block: the recording is over, for example."""
        self._producer = None

    def __enter__(self) -> Array:
        return self._image

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.is_open = False
        self._image.flags.writeable = False
        if kind is None and self._producer is not None:
            self._producer.publish(self.index, self.time)
