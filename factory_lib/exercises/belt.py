"""Cameras, detectors and a display for the factory's exercises: quick, and with known contents."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from queue import Queue
from typing import Any

from ..factory import Camera
from ..video import Frame
from . import recorder

# Seconds that a thread of ours waits for room before it takes the main loop for gone.
GONE = 2.0 * recorder.PATIENCE
EVERY = 10  # each tenth frame has a part


@dataclass(eq=False)
class Picture:
    """Stands for an image: whose, the how manieth, and whether it is a crop; as careful as an array."""

    camera: str
    number: int
    crop: bool = False

    def __bool__(self) -> bool:
        raise ValueError("an image is neither true nor false: ask 'crop is not None'")

    def __eq__(self, other: object) -> bool:
        return bool(self)  # an array compares each of its pixels

    __hash__ = object.__hash__


class Source:
    """A camera's frames: so many, or without an end; it can fail at one of them."""

    def __init__(self, name: str, count: int | None, fails_at: int | None = None) -> None:
        self.name, self.count, self.fails_at = name, count, fails_at
        self.read, self.closed = 0, False

    def __iter__(self) -> Iterator[Frame]:
        while self.count is None or self.read < self.count:
            if self.read == self.fails_at:
                raise OSError(f"the cable of {self.name} is out")
            self.read += 1
            image: Any = Picture(self.name, self.read - 1)
            yield Frame(image, self.read - 1, (self.read - 1) / 30)
            if self.count is None:
                time.sleep(0.002)

    def close(self) -> None:
        """Note that it was closed."""
        self.closed = True

    def __enter__(self) -> "Source":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Detector:
    """Finds a part in each tenth frame."""

    def detect(self, image: Picture, time: float | None = None) -> Picture | None:
        """Return a crop, or None."""
        return Picture(image.camera, image.number, crop=True) if image.number % EVERY == 0 else None


class Recorder(Queue[Any]):
    """A queue that remembers what was put into it."""

    def __init__(self, maxsize: int) -> None:
        super().__init__(maxsize)
        self.names: list[str] = []

    def _put(self, item: Any) -> None:
        super()._put(item)
        self.names.append(" ".join(map(str, item)) if item and item[0] == "DONE" else str(item[0]))


class Display:
    """Shows nothing, remembers everything; after so many pictures somebody closes the window."""

    def __init__(self, closes_after: int | None = None, seconds: float = 0.0) -> None:
        self.closes_after, self.seconds = closes_after, seconds
        self.shown: list[tuple[str, Any]] = []

    def show(self, title: str, picture: Any) -> None:
        """Take a picture."""
        time.sleep(self.seconds)
        self.shown.append((title, picture))

    def poll(self) -> bool:
        """Tell whether the window is still open."""
        return self.closes_after is None or len(self.shown) < self.closes_after


def camera(name: str, count: int | None, fails_at: int | None = None) -> Any:
    """Make a camera as factory_lib has it."""
    source: Any = Source(name, count, fails_at)
    detector: Any = Detector()
    return Camera(name, source, detector)


def run(
    watch: Any, main_loop: Any, cameras: list[Any], display: Display, room: int, seconds: float
) -> dict[str, Any]:
    """Run threads and main loop as the lesson does; return what came of it, and leave no thread running."""
    events, stop, errors = Recorder(room), threading.Event(), list[Any]()
    before = threading.active_count()
    threading.excepthook = lambda args: None  # told by what is missing
    threads = [
        threading.Thread(target=watch, args=(one, events, stop, errors), daemon=True) for one in cameras
    ]
    for thread in threads:
        thread.start()
    _, said, _ = recorder.attempt(main_loop, events, threads, stop, display, seconds=seconds)
    alive = sum(thread.is_alive() for thread in threads)
    seen = {
        "said": said,
        "alive": alive,
        "others": max(0, threading.active_count() - before - alive - ("did not finish" in said)),
        "stopped": stop.is_set(),
        "put": list(events.names),
        "left": events.qsize(),
        "shown": list(display.shown),
        "counts": {one.name: {"read": one.report.read, "dropped": one.report.dropped} for one in cameras},
        "errors": list(map(repr, errors)),
        "read": {one.name: one.source.read for one in cameras},
    }
    stop.set()
    deadline = time.monotonic() + GONE
    while any(thread.is_alive() for thread in threads) and time.monotonic() < deadline:
        with events.mutex:
            events.queue.clear()
            events.not_full.notify_all()
        time.sleep(0.01)
    return seen
