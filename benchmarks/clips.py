"""The shipped clips, their detectors, and threads that run and are waited for."""

import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice

from factory_lib import Camera, Frame, MotionDetector, MotionPreset, open_video, resource_path

CLIPS = (("Cam1", "conveyor.mp4", "default"), ("Cam2", "conveyor2.mp4", "cam2"))
PATIENCE = 120.0


def detector(key: str) -> MotionDetector:
    """Make a detector with a shipped preset."""
    return MotionDetector(MotionPreset.load(resource_path("motion.cfg"), key))


class Clip(Iterable[Frame]):
    """A shipped clip, or its first frames: opened when it is read, so that it can be sent to a process."""

    def __init__(self, name: str, most: int | None = None) -> None:
        self._name, self._most = name, most

    def __iter__(self) -> Iterator[Frame]:
        return islice(open_video(resource_path(self._name)), self._most)


def cameras(most: int | None = None, count: int = 2) -> list[Camera]:
    """Make so many cameras that look at the clips in turn."""
    chosen = [CLIPS[i % len(CLIPS)] for i in range(count)]
    return [Camera(f"Cam{i + 1}", Clip(clip, most), detector(key)) for i, (_, clip, key) in enumerate(chosen)]


def in_threads(bodies: list[Callable[[], int]]) -> int:
    """Run each in a thread of its own, wait for all and add up what they return.

    Raises
    ------
    RuntimeError
        If one fails, or has not ended in time.
    """
    counts: list[int | BaseException] = []

    def keep(body: Callable[[], int]) -> None:
        try:
            counts.append(body())
        except BaseException as error:
            counts.append(error)

    # Daemons: a peer's thread that hangs must not keep the benchmark from ending.
    threads = [threading.Thread(target=partial(keep, body), daemon=True) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    done = [count for count in counts if isinstance(count, int)]
    if len(done) < len(bodies):
        errors = [count for count in counts if not isinstance(count, int)]
        raise RuntimeError(f"{len(bodies) - len(done)} of {len(bodies)} threads did not end well") from (
            errors[0] if errors else None
        )
    return sum(done)
