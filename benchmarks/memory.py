"""What the factory takes of memory, each time measured in a process of its own."""

import itertools
import json
import queue
import threading
import time
from collections.abc import Iterator
from functools import cache
from statistics import median

import cv2
import psutil

from factory_lib import Camera, FactoryController, Frame, NoDisplay, open_video, resource_path, run_factory

from .apart import apart, output
from .clips import CLIPS, Clip, cameras, detector, in_threads
from .paired import Excess, Run, Work

MB = 1e6
FRAMES = 300
QUEUED = 100
WINDOW, WINDOWS = 10.0, 6
MINUTE = "import json; from benchmarks.memory import minute; print(json.dumps(minute()))"
BARE = "import cv2, psutil; print(psutil.Process().memory_info().rss)"


class Memory(Excess):
    """An excess in megabytes, which are the same on a busy machine."""

    is_time = False


class Watch(threading.Thread):
    """Looks again and again how many megabytes the process holds, as long as its ``with`` block runs."""

    def __init__(self) -> None:
        super().__init__()
        self._ended = threading.Event()
        self._begun = time.monotonic()
        self.seen: list[tuple[float, float]] = []

    def run(self) -> None:
        """Look until the block ends."""
        me = psutil.Process()
        while True:
            self.seen.append((time.monotonic() - self._begun, me.memory_info().rss / MB))
            if self._ended.wait(0.01):
                return

    def __enter__(self) -> "Watch":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.join()

    @property
    def most(self) -> float:
        """The most that was seen."""
        return max(megabytes for _, megabytes in self.seen)


def factory(count: int) -> Run:
    """Run a factory of so many cameras; return the most that it held."""
    with Watch() as watch, FactoryController() as controller:
        run_factory(cameras(FRAMES, count), controller, NoDisplay(), drop_live=False)
    return Run(1, watch.most)


def cv2_reading() -> Run:
    """Read both clips in two threads with OpenCV alone; return the most that it held."""

    def read(clip: str) -> int:
        capture = cv2.VideoCapture(str(resource_path(clip)), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
        return sum(capture.read()[0] for _ in range(FRAMES))

    with Watch() as watch:
        in_threads([lambda clip=clip: read(clip) for _, clip, _ in CLIPS])  # type: ignore[misc]
    return Run(1, watch.most)


def queued(count: int) -> Run:
    """Let so many frames wait in a queue; return what the process holds then."""
    waiting: queue.Queue[tuple[str, Frame]] = queue.Queue()
    for frame in Clip(CLIPS[0][1], QUEUED):
        if frame.index < count:
            waiting.put(("VIDEO:Cam1 live", frame))
    return Run(1, psutil.Process().memory_info().rss / MB)


def minute() -> list[float]:
    """Run the factory on endless clips; return what it held in each ten seconds, the median."""
    endless = [
        Camera(name, open_video(resource_path(clip), loop=True), detector(key)) for name, clip, key in CLIPS
    ]
    with Watch() as watch, FactoryController() as controller:
        run_factory(endless, controller, NoDisplay(), drop_live=False, seconds=WINDOW * WINDOWS)
    return [
        median([megabytes for at, megabytes in watch.seen if WINDOW * i <= at < WINDOW * (i + 1)])
        for i in range(WINDOWS)
    ]


def bare() -> Run:
    """Import OpenCV and nothing of ours; return what the process holds."""
    return Run(1, int(output(["-c", BARE])) / MB)


def shared(work: Work, count: int) -> Work:
    """Share a cost among so many: the difference of two such works is what one of them takes."""
    return lambda: Run(count, work().cost)


def cases() -> Iterator[Memory]:
    """Compare what a process holds at most with one that does less."""
    what, two = "factory, two cameras", apart("memory", "factory(2)")
    yield Memory(what, two, "import cv2 alone", bare, "MB", 40.0)
    yield Memory(what, two, "cv2 alone, reading both clips", apart("memory", "cv2_reading()"), "MB")
    eight = shared(apart("memory", "factory(8)"), 6)
    yield Memory("one of six more cameras", eight, "the same without it", shared(two, 6), "MB")
    full, empty = (shared(apart("memory", f"queued({count})"), QUEUED) for count in (QUEUED, 0))
    yield Memory("one of 100 queued frames", full, "the same without it", empty, "MB", 1.0)

    @cache
    def windows() -> list[float]:
        return list(json.loads(output(["-c", MINUTE])))

    later = itertools.cycle(range(1, WINDOWS))  # a window for each pair
    yield Memory(
        f"{what}, over a minute",
        lambda: Run(1, windows()[next(later)]),
        "its first ten seconds",
        lambda: Run(1, windows()[0]),
        "MB",
        5.0,
        pairs=WINDOWS - 1,
    )
