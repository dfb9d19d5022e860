"""The pool of processes: each watches one camera, and what it has seen arrives as if a thread had put it."""

import contextlib
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from multiprocessing import connection, get_context, resource_tracker
from types import FrameType, TracebackType
from typing import Any, Self

import numpy as np

from ..errors import FactoryError
from ..factory import Event
from ..motion import MotionDetector
from ..report import CameraReport
from ..video import Frame, VideoSource
from .ring import FrameRing
from .worker import PATIENCE, Done, Parcel, Part, work


class ProcessPool:
    """Runs `watch_camera` in a process for each camera: at once the threads' executor and their queue.

    Live images come home through a FrameRing for each camera; detections and reports through a pipe for
    each, since a queue that all write to stays locked when one of them is killed while writing.

    Parameters
    ----------
    cameras : int
        How many processes there will be.
    size : int
        How many live images may wait, all cameras together, but at least two each.
    events : None
        Where the threads would have their queue.

    Raises
    ------
    FactoryError
        If there is a queue: it could not be seen from another process.
    """

    def __init__(self, cameras: int, size: int, events: "queue.Queue[Event] | None") -> None:
        if events is not None:
            raise FactoryError(
                "With workers='processes' each camera has its own ring, and events=... is of no use.",
                "Leave it out, or use workers='threads'.",
            )
        self._slots = max(2, size // cameras)
        self._workers: list[_Worker] = []
        self._at_work: list[_Worker] = []  # the next in turn comes first
        self._ctrl_c = _CtrlC()

    def submit(
        self,
        watch: Callable[..., CameraReport],
        /,
        name: str,
        source: Iterable[Frame],
        detector: MotionDetector,
        events: object,
        stop: threading.Event,
        *,
        report: CameraReport,
        drop_live: bool,
    ) -> "Future[CameraReport]":
        """Start a camera's process; the future gets its report or its error.

        The source is closed here and opened there; unless it is open_video's, it is asked for a frame here
        first, which tells the shape of the others.

        Raises
        ------
        FactoryError
            If source or detector cannot be sent to a process.
        """
        layout, to_send = _look_at_first(source)
        task = (
            Parcel("The camera's function", watch),
            Parcel(f"{name}'s source", to_send),
            Parcel(f"{name}'s detector", detector),
            Parcel("drop_live", drop_live),
        )
        ring = FrameRing(*layout, slots=self._slots, producers=[name])
        worker = _Worker(name, task, ring, report, stop)
        self._workers.append(worker)
        with self._ctrl_c, _ctrl_c_masked():
            worker.start()
        getattr(source, "close", lambda: None)()
        self._at_work.append(worker)
        return worker.future

    def get(self, timeout: float) -> Event:
        """Return the next event of any camera, in each camera's own order; queue.Empty if none comes."""
        deadline = time.monotonic() + timeout
        while (event := self._next_event()) is None:
            seconds = deadline - time.monotonic()
            if seconds <= 0 or not self._at_work:
                for worker in self._at_work:
                    worker.lose_patience(timeout)
                raise queue.Empty
            connection.wait([thing for worker in self._at_work for thing in worker.to_wait_for], seconds)
        return event

    def _next_event(self) -> Event | None:
        with self._ctrl_c:  # or half a message could be read
            for place, worker in enumerate(self._at_work):
                worker.pass_on_stop()
                event = worker.next_event()
                if event is not None:
                    del self._at_work[place]
                    if event[0] != "DONE":
                        self._at_work.append(worker)
                    return event
        return None

    def qsize(self) -> int:
        """Return how many live images wait."""
        with self._ctrl_c:
            return sum(worker.ring.qsize() for worker in self._at_work)

    def empty(self) -> bool:
        """Return whether nothing waits."""
        return not self._at_work

    def __enter__(self) -> Self:
        self._ctrl_c.watch()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Who is still at work hears by his closed lines that all is over.
        try:
            for worker in self._workers:
                worker.hang_up()
            for worker in self._workers:
                worker.join()
        finally:
            try:
                with self._ctrl_c:
                    for worker in self._workers:
                        worker.end()
            finally:
                self._ctrl_c.forget()


class _Worker:
    """The parent's side of one camera's process."""

    def __init__(
        self, name: str, task: Sequence[Parcel], ring: FrameRing, report: CameraReport, stop: threading.Event
    ) -> None:
        self.name, self.ring, self.future = name, ring, Future[CameraReport]()
        self._report, self._stop = report, stop
        context = get_context("spawn")
        self._line, self._its_line = context.Pipe()
        args = (name, task, ring.producer(name), self._its_line)
        self.process = context.Process(target=work, args=args, name=f"camera {name}", daemon=True)
        self._message: Part | Done | None = None  # received, and perhaps not due yet
        self._shown = 0  # live images that were handed on
        self._done: Done | None = None
        self._has_begun = self._knows_of_stop = self._was_killed = self._is_lost = False
        self._silent = 0.0  # seconds without a word from it since it was told to stop

    def start(self) -> None:
        with self.ring.producer(self.name), self._its_line:  # this process's copies close here
            self.process.start()

    def tell(self, what: bytes) -> None:
        with contextlib.suppress(OSError):  # it is gone, and that is noticed elsewhere
            self._line.send_bytes(what)

    def pass_on_stop(self) -> None:
        if self._stop.is_set() and not self._knows_of_stop:
            self._knows_of_stop = True
            if self._has_begun:
                self.tell(b"stop")
            else:  # it still imports its modules, has opened nothing, and waits for no one
                self._kill()

    @property
    def to_wait_for(self) -> "list[Any]":
        return [self._line, self.process.sentinel, *self.ring.connections]

    def next_event(self) -> Event | None:
        """Return what comes next of this camera, if it is here: after an image the part that it showed."""
        # In this order: what was sent on the line before an image is seen, and all of who is gone.
        is_gone = not self.process.is_alive()
        images = self.ring.qsize()
        try:
            while self._message is None and self._line.poll(0):
                message = self._line.recv()
                if message is True and not self._knows_of_stop:  # it is ready
                    self._has_begun = True
                    self.tell(b"go")
                elif message is not True:
                    self._message = message
        except (EOFError, OSError):
            is_gone = True
            images = self.ring.qsize()  # it may have sent some since
        message = self._message
        if message is not None and message.after <= self._shown:
            self._message = None
            event = self._take_part(message) if isinstance(message, Part) else self._finish(message)
        elif images:
            event = self._take_image()
        elif is_gone:
            event = self._finish(None)
        else:
            return None
        self._silent = 0.0
        return event

    def _take_image(self) -> Event:
        with self.ring.take(timeout=0) as frame:
            # A copy, since nobody knows how long a display keeps it.
            image = frame.image.copy()
            self._report.read = frame.index + 1
        self._shown += 1
        self._report.dropped = self._report.read - self._shown
        return f"VIDEO:{self.name} live", image

    def _take_part(self, part: Part) -> Event:
        self._report.detections.append(part.detection)
        return f"VIDEO:{self.name} detected", part.crop

    def _finish(self, done: Done | None) -> Event:
        self._done, self._is_lost = done, done is None
        if done is not None:
            theirs = done.report
            self._report.read, self._report.dropped = theirs.read, theirs.dropped
            self._report.seconds = theirs.seconds
        if done is None or done.error is not None:
            self._stop.set()  # as watch_camera does when it fails
        return "DONE", self.name

    def lose_patience(self, seconds: float) -> None:
        """Kill a process that was told to stop and has been silent for too long, these seconds included."""
        self._silent += seconds if self._knows_of_stop else 0.0
        if self._silent > PATIENCE:
            self._kill()

    def _kill(self) -> None:
        self._was_killed = True
        self.process.kill()

    def hang_up(self) -> None:
        self._line.close()
        self._its_line.close()
        self.ring.close()

    def join(self) -> None:
        if self.process.pid is not None:
            self.process.join(PATIENCE)

    def end(self) -> None:
        """Let the process not outlive this, and settle the future."""
        if self.process.is_alive():
            self._kill()
        self.join()
        error = self._done.error if self._done is not None else None
        code = self.process.exitcode or 0
        if error is None and (self._is_lost or (code and not self._was_killed)):
            error = self._death(code)
        if error is None:
            self.future.set_result(self._report)
        else:
            self.future.set_exception(error)

    def _death(self, code: int) -> FactoryError | None:
        if self._was_killed:
            if not self._has_begun:
                return None  # there was nothing to lose
            return FactoryError(
                f"{self.name}'s process did not end within {PATIENCE:g} s of being told to, and was killed.",
                "Look what its source or detector waits for.",
            )
        if code < 0:
            killer = next((one.name for one in signal.Signals if one == -code), f"signal {-code}")
            return FactoryError(
                f"{self.name}'s process was killed by {killer}.",
                "What it had seen until then is in the report; look for lack of memory or a faulty driver.",
            )
        return FactoryError(
            f"{self.name}'s process ended with exit code {code}.",
            "Its stderr says why; a program that starts processes does so below if __name__ == '__main__'.",
        )


def _look_at_first(source: Iterable[Frame]) -> tuple[tuple[tuple[int, ...], Any], Iterable[Frame]]:
    """Find the shape and dtype of a source's images; return them and the source as it can be sent."""
    if isinstance(source, VideoSource):
        width, height = source.size
        return ((height, width, 3), np.uint8), source
    frames = iter(source)
    first = next(frames, None)
    image = np.zeros(1) if first is None else np.asarray(first.image)
    if frames is source and first is not None:  # an iterator, which will not give it again
        source = _Again(first, source)
    return (image.shape, image.dtype), source


class _Again(Iterable[Frame]):
    """A frame that was taken, and then the source that it was taken from."""

    def __init__(self, first: Frame, source: Iterable[Frame]) -> None:
        self._first, self._source = first, source

    def __iter__(self) -> Iterator[Frame]:
        yield self._first
        yield from self._source

    def close(self) -> None:
        getattr(self._source, "close", lambda: None)()


class _CtrlC:
    """Holds Ctrl-C back for the length of a ``with`` block, so that nothing in it stays half done.

    From `watch` to `forget` it stands before the handler of the main thread, the only one that is
    interrupted: to put it there for each block would take as long as the block.
    """

    def __init__(self) -> None:
        self._before: Any = None
        self._held = self._heard = False

    def watch(self) -> None:
        if threading.current_thread() is threading.main_thread():
            before = signal.getsignal(signal.SIGINT)
            if callable(before):
                self._before = before
                signal.signal(signal.SIGINT, self._hear)

    def forget(self) -> None:
        if self._before is not None and signal.getsignal(signal.SIGINT) == self._hear:
            signal.signal(signal.SIGINT, self._before)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self._held:
            self._heard = True
        else:
            self._before(number, frame)

    def __enter__(self) -> None:
        self._held = True

    def __exit__(self, *_: object) -> None:
        self._held = False
        if self._heard:
            self._heard = False
            self._before(signal.SIGINT, None)


@contextlib.contextmanager
def _ctrl_c_masked() -> Iterator[None]:
    """Start processes that Ctrl-C does not reach: they inherit the mask.

    It would otherwise end them with a traceback while they still import. Windows has no mask.
    """
    if sys.platform == "win32":
        yield
        return
    resource_tracker.ensure_running()  # it lifts the mask when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
