"""FrameRing: frames from processes to a consumer in another process, through shared memory."""

import time as clock
import weakref
from collections import deque
from collections.abc import Sequence
from multiprocessing import connection
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike

from ..errors import RingClosed, RingError, RingTimeout
from .channel import CLOSED, END, FRAME, FREED, HELLO, MOST_SLOTS, Line, Segment, Word
from .producer import Array, Layout, RingProducer


class FrameRing:
    """The consumer's end, made by the consumer: it takes what the producers put into their slots.

    A producer's end, given to a process as that is started, fills its slots in place or by one copy; here
    each frame is seen where it lies, without a copy. Only the words "slot filled" and "slot freed" go
    through a pipe. Whoever closes its end, fails or is killed, the other side hears it at once, and nothing
    of the ring stays in the system. ::

        with FrameRing((480, 640, 3)) as ring:
            with ring.producer("Cam1") as end:
                process = get_context("spawn").Process(target=film, args=(end,))
                process.start()
            with ring.take(timeout=5) as frame:
                print(frame.camera, frame.index, frame.image.mean())

    Parameters
    ----------
    shape : tuple of int
        Of every image, such as (480, 640, 3).
    dtype : dtype
        Of every image.
    slots : int
        For how many frames of each producer there is room, 2 to 128.
    producers : sequence of str
        The names of those who put frames in.
    drop : bool
        When none of a producer's slots is free: it drops its frame and counts it (True), or waits (False).

    Raises
    ------
    RingError
        If one of these cannot be, or there is not so much memory.
    """

    def __init__(
        self,
        shape: Sequence[int],
        dtype: DTypeLike = np.uint8,
        *,
        slots: int = 8,
        producers: Sequence[str] = ("Cam1",),
        drop: bool = False,
    ) -> None:
        kind = np.dtype(dtype)
        if not shape or min(shape) < 1 or kind.hasobject:
            raise RingError(
                f"Frames of shape {tuple(shape)} and dtype {kind} cannot lie in shared memory.",
                "Give the shape and dtype of the camera's images, such as (480, 640, 3) and uint8.",
            )
        if not 2 <= slots <= MOST_SLOTS:
            raise RingError(
                f"A ring cannot have {slots} slots: while one is read another is filled.",
                f"Give 2 to {MOST_SLOTS}; eight frames are a quarter of a second.",
            )
        if not producers or isinstance(producers, str) or len(set(producers)) < len(producers):
            raise RingError(
                f"A ring needs producers with names that differ, and these are {producers!r}.",
                "Give a list such as ['Cam1', 'Cam2'].",
            )
        self._lanes: list[_Lane] = []
        self._taken: RingFrame | None = None
        try:
            for name in producers:
                self._lanes.append(_Lane(Layout(name, tuple(shape), kind, slots, drop)))
        except BaseException:
            self.close()
            raise

    def producer(self, name: str) -> RingProducer:
        """Return the end of the producer with this name."""
        for lane in self._lanes:
            if lane.name == name:
                return lane.producer
        names = ", ".join(lane.name for lane in self._lanes)
        raise RingError(f"The ring has no producer {name!r}.", f"It was made for {names}.")

    def take(self, timeout: float) -> "RingFrame":
        """Wait for the next frame of any producer, each having its turn; ``with`` gives its slot back.

        Parameters
        ----------
        timeout : float
            Seconds to wait at most.

        Raises
        ------
        RingTimeout
            If no frame has come by then.
        RingClosed
            If all producers have closed their ends and all frames were taken; also after `close` here.
        RingError
            If a producer has ended without closing its end, once and after its last frame; if the frame
            taken before is still in use.
        """
        if self._taken is not None and self._taken.is_in_use:
            raise RingError(
                f"Frame {self._taken.index} of {self._taken.camera} is still in use.",
                "Take each frame by 'with', and the next one after that block.",
            )
        deadline = clock.monotonic() + timeout
        while True:
            for place, lane in enumerate(self._lanes):
                if lane.filled or lane.listen():
                    self._lanes.append(self._lanes.pop(place))
                    self._taken = lane.take()
                    return self._taken
            for lane in self._lanes:
                if lane.is_lost:
                    lane.is_lost = False
                    raise RingError(
                        f"{lane.name}'s process has ended without closing its end of the ring.",
                        "It failed or was killed: look at its error or exit code, and start it again.",
                    )
            waiting = self.connections
            if not waiting:
                raise RingClosed("The ring is closed, here or by all its producers.", "Take no more frames.")
            seconds = deadline - clock.monotonic()
            if seconds <= 0:
                raise RingTimeout(
                    f"No frame has come for {timeout:g} s.",
                    "Look whether the producers' processes still run; a slow camera needs a longer timeout.",
                )
            connection.wait(waiting, seconds)

    def qsize(self) -> int:
        """Return how many frames can be taken without waiting."""
        for lane in self._lanes:
            lane.listen()
        return sum(len(lane.filled) for lane in self._lanes)

    @property
    def connections(self) -> "list[connection._ConnectionBase[Any, Any]]":
        """What `multiprocessing.connection.wait` can wait for, beside other things, before asking `qsize`."""
        return [lane.line.connection for lane in self._lanes if lane.is_open]

    @property
    def dropped(self) -> dict[str, int]:
        """How many frames each producer had dropped, as it said with the last that is here."""
        return {lane.name: lane.dropped for lane in self._lanes}

    def close(self) -> None:
        """Take no more: producers that wait or go on hear it; again is harmless."""
        if self._taken is not None:
            self._taken.give_back()
        for lane in self._lanes:
            lane.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class RingFrame:
    """A frame where it lies in the ring, for the length of a ``with`` block.

    At its end whoever still holds the image, or a slice of it, gets a RingError: the producer is about to
    write there. Use ``frame.image`` in the block, and copy what you keep.

    Attributes
    ----------
    camera : str
        Whose it is.
    index : int
        Its number, as the producer counts.
    time : float
        Its seconds, as the producer says.
    """

    def __init__(self, lane: "_Lane", word: Word, image: Array) -> None:
        self.camera = lane.name
        _, self.index, _, self.time = word
        self._lane = lane
        self._image: Array | None = image
        # Slices and reshapes refer to the array that owns the view, not to each other.
        self._owner = weakref.ref(image.base)

    @property
    def is_in_use(self) -> bool:
        """Whether its slot has not been given back."""
        return self._image is not None

    @property
    def image(self) -> Array:
        """The pixels, read-only and without a copy, of the ring's shape and dtype.

        Raises
        ------
        RingError
            After the block: the producer may be writing there.
        """
        if self._image is None:
            raise RingError(
                f"The image of frame {self.index} of {self.camera} was given back to the producer.",
                "Use it inside the with block, and keep a copy: frame.image.copy().",
            )
        return self._image

    def give_back(self) -> bool:
        """Free the slot; tell whether nobody holds the image any more. Again is harmless."""
        if self._image is None:
            return True
        self._image = None
        self._lane.free()
        return self._owner() is None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.give_back() and kind is None:
            raise RingError(
                f"The image of frame {self.index} of {self.camera} is still held outside its with block.",
                "Use frame.image without another name for it, and keep a copy: frame.image.copy().",
            )


class _Lane:
    """The consumer's side of one producer."""

    def __init__(self, layout: Layout) -> None:
        self.name, self._layout = layout.name, layout
        self._segment = Segment(layout.stride * layout.slots)
        self._memory = self._segment.memory.toreadonly()
        self.line, other = Line.pair()
        self.producer = RingProducer(layout, self._segment.again(), other)
        self.filled: deque[Word] = deque()
        self.is_open, self.is_lost, self.dropped = True, False, 0
        self._taken = self._freed = 0

    def listen(self) -> bool:
        """Receive what the producer has said; tell whether there are frames to take."""
        if self.is_open:
            try:
                for word in self.line.receive():
                    self._understand(word)
            except EOFError:
                self.is_open, self.is_lost = False, True
        return bool(self.filled)

    def _understand(self, word: Word) -> None:
        kind, _, self.dropped, _ = word
        if kind == FRAME:
            self.filled.append(word)
        elif kind == END:
            self.is_open = False
        elif kind == HELLO:
            self.producer.close()  # this process's copy, or the other's death would not be heard

    def take(self) -> RingFrame:
        frame = RingFrame(self, self.filled.popleft(), self._layout.image(self._memory, self._taken))
        self._taken += 1
        return frame

    def free(self) -> None:
        self._freed += 1
        self.line.send(FREED, self._freed)

    def close(self) -> None:
        if self.is_open:
            self.line.send(CLOSED)
        self.is_open = self.is_lost = False
        self.filled.clear()
        self.line.close()
        self.producer.close()
        self._memory.release()
        self._segment.close()
