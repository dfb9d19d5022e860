"""Sixteen recordings on one worker and on two, by each kind of executor."""

import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from factory_lib import Detection, inspect_all, inspect_recording, open_video, resource_path
from factory_lib.conveyor.belt import write_clip

from .paired import Ratio, Run, Work, timed
from .peers import peer

RECORDINGS, FRAMES = 16, 150
GOAL = 1.8
PATIENCE = 120.0
KINDS = ("threads", "processes", "Dask workers")


def record(folder: Path, count: int, frames: int) -> list[Path]:
    """Write so many recordings: the beginning of the shipped clip, each a file of its own."""
    first = folder / "recording-0000.mp4"
    with open_video(resource_path("conveyor.mp4")) as video:
        write_clip([frame.image for frame, _ in zip(video, range(frames), strict=False)], first)
    paths = [folder / f"recording-{i:04}.mp4" for i in range(count)]
    for path in paths[1:]:
        path.write_bytes(first.read_bytes())
    return paths


def inspect(recordings: list[Path], executor: Executor) -> int:
    """Inspect them all, and see that the same was found in each; return how many they were."""
    stop = threading.Event()
    giving_up = threading.Timer(PATIENCE, stop.set)  # workers that are broken may never answer
    giving_up.start()
    try:
        results = list(inspect_all(recordings, executor, progress=False, stop=stop))
    finally:
        giving_up.cancel()
    for result in results:
        if result.error is not None:
            raise result.error
    if len(results) < len(recordings):
        raise TimeoutError(f"{len(recordings) - len(results)} recordings had no answer after {PATIENCE:g} s")
    return same([result.detections for result in results])


def plainly(recordings: list[Path]) -> int:
    """Inspect one after the other."""
    return same([inspect_recording(path) for path in recordings])


def same(found: list[list[Detection]]) -> int:
    """Count the recordings, all of them copies of one, in which some parts must have been found."""
    if any(parts != found[0] for parts in found) or not found[0]:
        raise RuntimeError("not every recording gave the same parts")
    return len(found)


class Workers:
    """Executors of so many workers, made when first asked for and kept until the ``with`` block ends.

    So no worker's start is in what is measured: a batch of a thousand recordings pays for it once.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._made: dict[tuple[str, int], Executor] = {}

    def of(self, kind: str, count: int) -> Executor:
        """Return `count` workers of a kind: "threads", "processes" or "Dask workers"."""
        if (kind, count) not in self._made:
            self._made[kind, count] = self._make(kind, count)
        return self._made[kind, count]

    def _make(self, kind: str, count: int) -> Executor:
        if kind == "threads":
            return self._stack.enter_context(ThreadPoolExecutor(count))
        if kind == "processes":
            return self._stack.enter_context(ProcessPoolExecutor(count, get_context("spawn")))
        distributed = peer("distributed")
        cluster = distributed.LocalCluster(
            n_workers=count, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0"
        )
        self._stack.enter_context(cluster)
        client = self._stack.enter_context(distributed.Client(cluster))
        executor: Executor = client.get_executor()
        return executor

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def cases() -> Iterator[Ratio]:
    """Compare two workers with one of the same kind, and one of each kind with a plain loop."""
    with TemporaryDirectory(prefix="benchmarks-") as folder, Workers() as workers:
        recordings = cache(partial(record, Path(folder), RECORDINGS, FRAMES))

        def on(kind: str, count: int) -> Work:
            def run() -> Run:
                executor, paths = workers.of(kind, count), recordings()
                return timed(lambda: inspect(paths, executor))()

            return run

        def plain() -> Run:
            paths = recordings()
            return timed(lambda: plainly(paths))()

        what = f"{RECORDINGS} recordings"
        for kind in KINDS:
            yield Ratio(f"{what}, 2 {kind}", on(kind, 2), f"1 {one(kind)}", on(kind, 1), "recording", GOAL)
            yield Ratio(f"{what}, 1 {one(kind)}", on(kind, 1), "a plain loop", plain, "recording")


def one(kind: str) -> str:
    """Return the singular of a kind of workers."""
    return {"threads": "thread", "processes": "process", "Dask workers": "Dask worker"}[kind]
