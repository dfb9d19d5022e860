"""The two-camera factory in threads against what else one could do with two clips."""

import queue
import sys
import time
from collections.abc import Iterator
from functools import partial
from multiprocessing import get_context
from typing import Any

from factory_lib import FactoryController, FactoryReport, NoDisplay, run_factory

from . import senders
from .apart import apart
from .clips import CLIPS, Clip, cameras, detector, in_threads
from .paired import Ratio, Run, Work, timed
from .peers import PeerMissing

SKELETON_FRAMES, PROCESS_FRAMES = 150, 600
PATIENCE = 60.0
# glibc gives a freed frame back to the system and fetches it again, page by page. These keep it.
KEEPS_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(512 << 20)}


def factory(most: int | None = None, count: int = 2) -> int:
    """Run the factory as it is, delivering every frame; return how many it delivered."""
    return sum(camera.delivered for camera in run(most, count).cameras.values())


def run(most: int | None, count: int = 2, **options: Any) -> FactoryReport:
    """Run a factory that waits for every frame to be shown."""
    with FactoryController() as controller:
        return run_factory(cameras(most, count), controller, NoDisplay(), drop_live=False, **options)


def running(**options: Any) -> Run:
    """Run the factory by its cameras' own clocks, so that what it takes to start workers does not count."""
    reports = run(PROCESS_FRAMES, **options).cameras.values()
    return Run(sum(report.delivered for report in reports), max(report.seconds for report in reports))


def processes_over_queue() -> Run:
    """Watch each camera in a process that puts its events, frames and all, on one multiprocessing.Queue.

    Both begin at once, and the clock with their first event.
    """
    spawn = get_context("spawn")
    events, stop, start = spawn.Queue(8), spawn.Event(), spawn.Barrier(len(CLIPS))
    workers = [
        spawn.Process(target=senders.watch, args=(*clip, PROCESS_FRAMES, events, stop, start))
        for clip in CLIPS
    ]
    try:
        for worker in workers:
            worker.start()
        done = live = 0
        begun = 0.0
        while done < len(workers):
            name, _ = events.get(timeout=PATIENCE)
            begun = begun or time.perf_counter()
            done += name == "DONE"
            live += name.endswith("live")
        seconds = time.perf_counter() - begun
        for worker in workers:
            worker.join(PATIENCE)
        if any(worker.exitcode for worker in workers):
            raise RuntimeError(f"the processes ended with {[worker.exitcode for worker in workers]}")
        return Run(live, seconds)
    finally:
        for worker in workers:
            worker.kill()
            worker.join(PATIENCE)


def reading_only(most: int | None = None) -> int:
    """Read both clips in two threads and do nothing with them."""
    return in_threads([partial(lambda clip: sum(1 for _ in Clip(clip, most)), clip) for _, clip, _ in CLIPS])


def sequential(most: int | None = None) -> int:
    """Read and inspect one clip after the other."""
    count = 0
    for _, clip, key in CLIPS:
        eye = detector(key)
        for frame in Clip(clip, most):
            eye.detect(frame.image, frame.time)
            count += 1
    return count


def skeleton() -> int:
    """Run the structure of the skeleton that the course hands out: it sleeps a lot."""
    events: queue.Queue[tuple[str, object]] = queue.Queue()

    def watch(name: str, clip: str, key: str) -> int:
        eye = detector(key)
        for frame in Clip(clip, SKELETON_FRAMES):
            time.sleep(0.03)  # as handed out
            events.put((f"VIDEO:{name} live", frame.image))
            crop = eye.detect(frame.image, frame.time)
            if crop is not None:
                events.put((f"VIDEO:{name} detected", crop))
        events.put(("DONE", name))
        return 0

    def show() -> int:
        done = live = 0
        while done < len(CLIPS):
            name, _ = events.get(timeout=10)
            done += name == "DONE"
            live += name.endswith("live")
            time.sleep(0.01)  # its cv2.waitKey(10)
        return live

    return in_threads([*(partial(watch, *clip) for clip in CLIPS), show])


def kept(which: str) -> Run:
    """Run a structure twice, so that memory is fetched once, and measure the second time."""
    structure = timed({"factory": factory, "reading_only": reading_only}[which])
    structure()
    return structure()


def keeping_memory(which: str) -> Work:
    """Make a work of a structure in a process whose allocator keeps what is freed."""
    run_apart = apart("factory", f"kept({which!r})", KEEPS_MEMORY)

    def work() -> Run:
        if sys.platform != "linux":
            raise PeerMissing("Only glibc, on Linux, can be told to keep memory.")
        return run_apart()

    return work


def cases() -> Iterator[Ratio]:
    """Compare on the two shipped clips."""
    what = "factory, two threads"
    ours = timed(factory)
    yield Ratio(what, ours, "reading only, two threads", timed(reading_only), "frame", 0.92, pairs=11)
    mine, other = keeping_memory("factory"), keeping_memory("reading_only")
    peer = "reading only, memory kept too"
    yield Ratio(f"{what}, memory kept", mine, peer, other, "frame", 0.92, pairs=7)
    yield Ratio(what, ours, "sequential, one thread", timed(sequential), "frame", 1.7)
    short = timed(lambda: factory(SKELETON_FRAMES))
    name = f"{what}, {SKELETON_FRAMES} frames a camera"
    yield Ratio(name, short, "the skeleton's structure", timed(skeleton), "frame", 20.0)
    name = f"{what}, {PROCESS_FRAMES} frames a camera, once begun"
    yield Ratio(name, running, "processes, mp.Queue", processes_over_queue, "frame")
    ring = partial(running, workers="processes")
    yield Ratio(name, running, "processes, FrameRing", ring, "frame")
    yield Ratio(
        "factory, processes over FrameRing", ring, "processes, mp.Queue", processes_over_queue, "frame"
    )
