"""What one more camera, and one more recording, costs: a frame's share as their number grows."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

from .batch import inspect, record
from .factory import factory
from .paired import Ratio, Run, Work, timed

CAMERA_FRAMES, RECORDING_FRAMES = 300, 120
CAMERAS, RECORDINGS = (2, 4, 8), (16, 64)
FEWEST = 4


def cases() -> Iterator[Ratio]:
    """Compare a frame's cost with several cameras to that with one, and so with recordings."""
    one = timed(partial(factory, CAMERA_FRAMES, 1))
    for count in CAMERAS:
        many = timed(partial(factory, CAMERA_FRAMES, count))
        yield Ratio(f"factory of {count} cameras", many, "of one camera", one, "frame", same=False)
    with TemporaryDirectory(prefix="benchmarks-") as folder, ThreadPoolExecutor(2) as pool:
        recordings = cache(partial(record, Path(folder), max(RECORDINGS), RECORDING_FRAMES))

        def batch(count: int) -> Work:
            def run() -> Run:
                paths = recordings()[:count]
                return timed(lambda: inspect(paths, pool))()

            return run

        few = batch(FEWEST)
        for count in RECORDINGS:
            what = f"batch of {count} recordings, 2 threads"
            yield Ratio(what, batch(count), f"of {FEWEST}", few, "recording", same=False)
