"""The two-thread factory against what else one could do with two clips."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice

from factory_lib import (
    Camera,
    FactoryController,
    MotionDetector,
    MotionPreset,
    NoDisplay,
    open_video,
    resource_path,
    run_factory,
)

from .paired import Row, compare

SKELETON_FRAMES = 150
CLIPS = (("Cam1", "conveyor.mp4", "default"), ("Cam2", "conveyor2.mp4", "cam2"))


def detector(key: str) -> MotionDetector:
    """Make a detector with a shipped preset."""
    return MotionDetector(MotionPreset.load(resource_path("motion.cfg"), key))


def factory(most: int | None = None) -> None:
    """Run the factory as it is, delivering every frame."""
    cameras = [
        Camera(name, islice(open_video(resource_path(clip)), most), detector(key))
        for name, clip, key in CLIPS
    ]
    with FactoryController() as controller:
        run_factory(cameras, controller, NoDisplay(), drop_live=False)


def reading_only() -> None:
    """Read both clips in two threads and do nothing with them."""

    def read(clip: str) -> None:
        for _ in open_video(resource_path(clip)):
            pass

    in_threads([partial(read, clip) for _, clip, _ in CLIPS])


def sequential() -> None:
    """Read and inspect one clip after the other."""
    for _, clip, key in CLIPS:
        eye = detector(key)
        for frame in open_video(resource_path(clip)):
            eye.detect(frame.image, frame.time)


def skeleton() -> None:
    """Run the structure of the skeleton that the course hands out: it sleeps a lot."""
    events: queue.Queue[tuple[str, object]] = queue.Queue()

    def watch(name: str, clip: str, key: str) -> None:
        eye = detector(key)
        for frame in islice(open_video(resource_path(clip)), SKELETON_FRAMES):
            time.sleep(0.03)  # as handed out
            events.put((f"VIDEO:{name} live", frame.image))
            crop = eye.detect(frame.image, frame.time)
            if crop is not None:
                events.put((f"VIDEO:{name} detected", crop))
        events.put(("DONE", name))

    def show() -> None:
        done = 0
        while done < len(CLIPS):
            name, _ = events.get(timeout=10)
            done += name == "DONE"
            time.sleep(0.01)  # its cv2.waitKey(10)

    in_threads([*(partial(watch, *clip) for clip in CLIPS), show])


def in_threads(bodies: list[Callable[[], None]]) -> None:
    """Run each in a thread of its own and wait for all."""
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def rows() -> Iterator[Row]:
    """Compare on the two shipped clips."""
    frames = 0
    for _, clip, _ in CLIPS:
        with open_video(resource_path(clip)) as source:
            frames += source.frame_count or 0
    what, units = "factory, two threads", (frames, "frame")
    yield compare(what, factory, "reading only, two threads", reading_only, goal=0.9, units=units)
    yield compare(what, factory, "sequential, one thread", sequential, goal=1.7, units=units)
    some = (2 * SKELETON_FRAMES, "frame")
    short = f"{what}, {SKELETON_FRAMES} frames a camera"
    yield compare(
        short,
        lambda: factory(SKELETON_FRAMES),
        "the skeleton's structure",
        skeleton,
        units=some,
        pairs=5,
    )
