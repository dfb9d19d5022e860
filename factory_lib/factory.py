"""The factory: a thread for each camera, one queue, and the main loop that shows what comes out of it."""

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Protocol

from .controller import FactoryController
from .display import Display
from .errors import FactoryError
from .motion import Detection, Image, MotionDetector
from .report import CameraReport, FactoryReport
from .video import Frame

# A frame is shown or dropped while it is fresh: eight of them are a quarter of a second at 30 a second.
QUEUE_SIZE = 8
# How often whoever waits looks whether it is time to stop.
TICK = 0.1
# Once stop is set, somebody who has taken nothing off a full queue for this long is taken to be gone.
STOP_PATIENCE = 5.0

Event = tuple[str, Any]
OnDetection = Callable[[str, Detection, Image], None]


class Events(Protocol):
    """What the main loop needs of the one queue: a `queue.Queue`, or what processes have in its place."""

    def get(self, *, timeout: float) -> Event:
        """Wait for an event; raise queue.Empty if none comes for `timeout` seconds."""

    def empty(self) -> bool:
        """Tell whether nothing waits."""

    def qsize(self) -> int:
        """Tell how many events wait."""


class Workers(Protocol):
    """What threads and processes both are: each watches one camera, and leaving the block joins them all."""

    def submit(
        self,
        watch: Callable[..., CameraReport],
        /,
        name: str,
        source: Iterable[Frame],
        detector: MotionDetector,
        events: Any,
        stop: threading.Event,
        *,
        report: CameraReport,
        drop_live: bool,
    ) -> Future[CameraReport]:
        """Start to watch a camera; the future gets its report, or its error."""

    def __enter__(self) -> object: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> object: ...


@dataclass(slots=True)
class Camera:
    """One camera of a factory.

    Parameters
    ----------
    name : str
        Such as "Cam1": its events are "VIDEO:Cam1 live" and "VIDEO:Cam1 detected".
    source : iterable of Frame
        Usually what `open_video` returned. Its thread closes it.
    detector : MotionDetector
        Its own: a detector remembers the frames before.
    """

    name: str
    source: Iterable[Frame]
    detector: MotionDetector
    report: CameraReport = field(init=False)

    def __post_init__(self) -> None:
        self.report = CameraReport(self.name, getattr(self.source, "name", type(self.source).__name__))


def watch_camera(
    name: str,
    source: Iterable[Frame],
    detector: MotionDetector,
    events: "queue.Queue[Event]",
    stop: threading.Event,
    *,
    report: CameraReport | None = None,
    drop_live: bool = True,
) -> CameraReport:
    """Watch one camera until its source ends or `stop` is set: the body of a camera's thread.

    Puts ``("VIDEO:NAME live", image)`` for each frame and ``("VIDEO:NAME detected", crop)`` for each part;
    whatever happens, its last event is ``("DONE", NAME)``, and the source is closed.

    Parameters
    ----------
    name, source, detector
        As in `Camera`.
    events : queue.Queue
        The one queue of all cameras. Give it a maxsize: without one a slow main loop fills the memory.
    stop : threading.Event
        Set by anybody, it ends the work at the next frame. An error here sets it for all the others.
    report : CameraReport, optional
        The counts, if somebody wants to read them as it runs.
    drop_live : bool
        When the queue is full: drop the live frame and count it (True), or wait for room (False).
        Detections always wait: they are never dropped.

    Raises
    ------
    Exception
        Whatever source or detector raise; a future carries it home, as in `run_factory`.
    """
    report = CameraReport(name) if report is None else report
    started = time.perf_counter()
    try:
        try:
            for frame in source:
                if stop.is_set():
                    break
                report.read += 1
                crop = detector.detect(frame.image, frame.time)
                if not _put_live(events, (f"VIDEO:{name} live", frame.image), stop, drop_live):
                    report.dropped += 1
                if crop is not None:
                    report.detections.append(Detection(frame.index, frame.time))
                    if not _put(events, (f"VIDEO:{name} detected", crop), stop, STOP_PATIENCE):
                        raise FactoryError(
                            f"{name}'s detection in frame {frame.index} was not taken off the queue.",
                            "After setting stop, go on taking events until every camera has sent DONE.",
                        )
        finally:
            report.seconds = time.perf_counter() - started
            _close(source)
    except BaseException:
        stop.set()
        raise
    finally:
        _put(events, ("DONE", name), stop, STOP_PATIENCE)
    return report


def camera_and_kind(title: str) -> tuple[str, str]:
    """Take the title of an event's window apart: "Cam1 live" is Cam1's, and "live"; else "detected"."""
    camera, _, kind = title.rpartition(" ")
    return camera, kind


def _close(source: Iterable[Frame]) -> None:
    """Close what can be closed: a VideoSource or a generator, but not a list."""
    close = getattr(source, "close", None)
    if close is not None:
        close()


def _put_live(events: "queue.Queue[Event]", event: Event, stop: threading.Event, drop: bool) -> bool:
    if not drop:
        return _put(events, event, stop, patience=0.0)
    try:
        events.put_nowait(event)
    except queue.Full:
        return False
    return True


def _put(events: "queue.Queue[Event]", event: Event, stop: threading.Event, patience: float) -> bool:
    """Wait for room; once `stop` is set, no longer than `patience` seconds more. Tell whether it was put."""
    waited = 0.0
    while True:
        try:
            events.put(event, timeout=TICK)
            return True
        except queue.Full:
            if stop.is_set():
                waited += TICK
                if waited > patience:
                    return False


def run_factory(
    cameras: Sequence[Camera],
    controller: FactoryController,
    display: Display,
    *,
    drop_live: bool = True,
    events: "queue.Queue[Event] | None" = None,
    seconds: float | None = None,
    stop: threading.Event | None = None,
    on_detection: OnDetection | None = None,
    workers: Literal["threads", "processes"] = "threads",
) -> FactoryReport:
    """Run the factory: watch each camera in a worker of its own, show what happens, stop cleanly.

    It ends when every camera has, after `seconds`, when `stop` is set, when the display is closed, and
    after any error or Ctrl-C. However it ends: the belt stands, the workers are joined, the sources are
    closed, and no detection is lost. The counts are also in each ``camera.report``, as it runs and after
    an error.

    Parameters
    ----------
    cameras : sequence of Camera
        With names that differ.
    controller : FactoryController
        Started here and stopped here; who made it closes it.
    display : Display
        Shows each event in the window ``name[6:]``.
    drop_live : bool
        When the display is slower than the cameras: drop live frames and count them, or let them wait.
    events : queue.Queue, optional
        The one queue, for who wants another size than 8, or to see how full it is as the factory runs.
    seconds : float, optional
        Stop after this long.
    stop : threading.Event, optional
        Set it, from a signal handler or another thread, to stop the factory.
    on_detection : callable, optional
        Called in the main loop for each part with the camera's name, the `Detection` and its crop.
    workers : {"threads", "processes"}
        Threads for work that OpenCV does: it lets the others run meanwhile, and nothing is sent (1.3 times as
        fast as processes on 2 cores; begun in 0.2 ms, not 0.7 s). Processes for a detector in Python (twice
        as fast, once begun), and where one may crash without the others: each opens its source anew.

    Raises
    ------
    FactoryError
        If two cameras have one name, or there is none; if a source or detector cannot go to a process.
    Exception
        The first error of a camera's worker, of the display or of `on_detection`, once all is stopped.
    """
    names = [camera.name for camera in cameras]
    if not names or len(set(names)) < len(names):
        raise FactoryError(
            f"A factory needs cameras with names that differ, and these are {names}.",
            "Name each differently.",
        )
    if workers not in ("threads", "processes"):
        raise FactoryError(
            f"workers={workers!r} is neither 'threads' nor 'processes'.", "Choose one of them."
        )
    stop = threading.Event() if stop is None else stop
    if workers == "processes":
        from .processes import pool  # only here: not everybody needs all that it imports

        processes = pool.ProcessPool(len(cameras), QUEUE_SIZE, events)
        pool_of_workers: Workers = processes
        one_queue: Events = processes
    else:
        one_queue = queue.Queue(QUEUE_SIZE) if events is None else events
        pool_of_workers = ThreadPoolExecutor(len(cameras), thread_name_prefix="camera")
    loop = _MainLoop(cameras, one_queue, display, on_detection)
    started = time.perf_counter()
    try:
        with pool_of_workers:
            try:
                controller.system_start()
                for camera in cameras:
                    loop.workers.append(
                        pool_of_workers.submit(
                            watch_camera,
                            camera.name,
                            camera.source,
                            camera.detector,
                            one_queue,
                            stop,
                            report=camera.report,
                            drop_live=drop_live,
                        )
                    )
                for event in loop.take():
                    if seconds is not None and time.perf_counter() - started >= seconds:
                        stop.set()
                    if event is not None:
                        loop.handle(event, show=not stop.is_set())
                    if not display.poll():
                        stop.set()
            finally:
                # The one way out, whoever leaves and why. Who waits for room in the queue gets it, so
                # that leaving the block joins every worker; none is ever left to itself.
                stop.set()
                for event in loop.take():
                    if event is not None:
                        loop.discard(event)
                controller.system_stop()
    finally:
        loop.close_accounts()
        for camera in cameras:
            _close(camera.source)  # again, for those whose thread was never started
    for worker in loop.workers:
        worker.result()
    return FactoryReport(loop.reports, time.perf_counter() - started, loop.deepest)


class _MainLoop:
    """What the main thread does with the queue: it takes, shows and keeps its part of the accounts."""

    def __init__(
        self,
        cameras: Sequence[Camera],
        events: Events,
        display: Display,
        on_detection: OnDetection | None,
    ) -> None:
        self.events = events
        self.workers: list[Future[CameraReport]] = []
        self.reports = {camera.name: camera.report for camera in cameras}
        self.deepest = 0
        self._display = display
        self._on_detection = on_detection
        self._done = 0
        self._parts: Counter[str] = Counter()
        self._unseen: Counter[str] = Counter()

    def take(self) -> Iterator[Event | None]:
        """Yield events until every camera is done, and None when nothing came for a TICK."""
        while self._done < len(self.workers):
            self.deepest = max(self.deepest, self.events.qsize())
            try:
                event = self.events.get(timeout=TICK)
            except queue.Empty:
                # A DONE can be missing if the main loop was away too long; the futures still tell.
                if all(worker.done() for worker in self.workers) and self.events.empty():
                    return
                yield None
                continue
            if event[0] == "DONE":
                self._done += 1
            else:
                yield event

    def handle(self, event: Event, show: bool) -> None:
        title, image = event[0][6:], event[1]
        camera, kind = camera_and_kind(title)
        report = self.reports[camera]
        if kind == "detected" and self._on_detection is not None:
            # One queue keeps a camera's order, so its n-th crop belongs to its n-th detection.
            self._on_detection(camera, report.detections[self._parts[camera]], image)
            self._parts[camera] += 1
        if not show:
            self.discard(event)
            return
        report.delivered += kind == "live"
        self._display.show(title, image)

    def discard(self, event: Event) -> None:
        camera, kind = camera_and_kind(event[0][6:])
        self._unseen[camera] += kind == "live"

    def close_accounts(self) -> None:
        # Only now, with the threads joined: until then a report's `dropped` is theirs to write.
        for camera, count in self._unseen.items():
            self.reports[camera].dropped += count
