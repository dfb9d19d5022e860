import multiprocessing
import os
import pickle
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from batch_workers import allow_no_failures, held, number
from conftest import wait_until
from dask_cluster import Cluster, dask_cluster
from distributed import Client, KilledWorker, LocalCluster
from recordings import beginning, small_recordings
from small_belt import SMALL

from factory_lib import Detection, FactoryError, MotionPreset, inspect_all, inspect_recording, resource_path
from factory_lib.ground_truth import GroundTruth, Score

KILL = getattr(signal, "SIGKILL", signal.SIGTERM)
NAMES = [str(index) for index in range(40)]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return small_recordings(tmp_path_factory.mktemp("recordings"))


@pytest.fixture(scope="module")
def batches(
    recordings: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> list[tuple[list[Path], MotionPreset]]:
    folder = tmp_path_factory.mktemp("shipped")
    clips = [resource_path(name) for name in ("conveyor.mp4", "conveyor2.mp4")]
    shipped = [beginning(clip, folder, frames=300) for clip in clips]
    return [(shipped, MotionPreset()), (recordings, SMALL)]


@pytest.fixture(scope="module")
def one_by_one(batches: list[tuple[list[Path], MotionPreset]]) -> dict[Path, list[Detection]]:
    found = {path: inspect_recording(path, preset) for paths, preset in batches for path in paths}
    (shipped, *_), _ = batches[0]
    truth = GroundTruth.beside(shipped)
    assert truth is not None
    assert truth.score([detection.frame for detection in found[shipped]]) == Score(4, missed=0, false=0)
    assert all(found.values())
    return found


def copies(recordings: list[Path], folder: Path) -> list[Path]:
    """Copy recordings to where their test can leave files beside them."""
    return [Path(shutil.copy(path, folder)) for path in recordings]


class Plain(Executor):
    """Nothing but what the interface of executors asks for, and all at once."""

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        try:
            future.set_result(call(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def processes(count: int = 2, **settings: Any) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), **settings)


@contextmanager
def local_cluster(**settings: Any) -> Iterator[Executor]:
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster, set_as_default=False) as client,
        client.get_executor() as executor,
    ):
        yield executor
    # It leaves the last word to threads that are about to end.
    assert wait_until(lambda: not any("AsyncProcess" in thread.name for thread in threading.enumerate()))


ENGINES: dict[str, Callable[[], AbstractContextManager[Executor]]] = {
    "threads": lambda: ThreadPoolExecutor(2),
    "processes": processes,
    "cluster": local_cluster,
}


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES.keys())
def test_every_engine_detects_the_same_frame_for_frame(
    engine: Callable[[], AbstractContextManager[Executor]],
    batches: list[tuple[list[Path], MotionPreset]],
    one_by_one: dict[Path, list[Detection]],
) -> None:
    with engine() as executor:
        results = [result for paths, preset in batches for result in inspect_all(paths, executor, preset)]

    assert len(results) == len(one_by_one) == 52
    assert [result.error for result in results] == [None] * 52
    assert {result.recording: result.detections for result in results} == one_by_one


def test_any_executor_will_do(recordings: list[Path], one_by_one: dict[Path, list[Detection]]) -> None:
    results = list(inspect_all(recordings, Plain(), SMALL))

    assert [result.recording for result in results] == recordings
    assert all(result.detections == one_by_one[Path(result.recording)] for result in results)


@pytest.mark.parametrize("engine", [lambda: ThreadPoolExecutor(2), processes], ids=["threads", "processes"])
def test_a_recording_that_fails_is_a_result_with_its_error(
    engine: Callable[[], AbstractContextManager[Executor]], recordings: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "empty.mp4").touch()
    bad = [tmp_path / "nowhere.mp4", tmp_path / "empty.mp4"]
    with engine() as executor:
        results = {r.recording: r for r in inspect_all([*bad, *recordings[:3]], executor, SMALL)}

    assert set(results) == {*bad, *recordings[:3]}
    assert [type(results[path].error).__name__ for path in bad] == ["VideoError"] * 2
    assert f"There is no clip {bad[0]}." in str(results[bad[0]].error)
    assert [results[path].detections for path in bad] == [[], []]
    assert [results[path].error for path in recordings[:3]] == [None] * 3


def test_an_error_that_nobody_foresaw_brings_its_traceback_along() -> None:
    with processes(1) as pool:
        (result,) = inspect_all(["seven"], pool, inspect=number)

    assert isinstance(result.error, ValueError)
    assert "in number" in result.error.__notes__[0]


@pytest.mark.parametrize("progress", [True, False, None])
def test_progress_is_shown_as_asked_and_by_default_on_a_terminal(
    progress: bool | None, capsys: pytest.CaptureFixture[str]
) -> None:
    results = list(inspect_all(NAMES, Plain(), inspect=number, progress=progress))

    assert len(results) == 40
    assert ("40/40" in capsys.readouterr().err) == (progress is True)


def test_a_preset_that_does_not_fit_is_each_recordings_error(recordings: list[Path]) -> None:
    with ThreadPoolExecutor(2) as pool:
        results = list(inspect_all(recordings[:2], pool))

    assert all("reaches to (212, 90) but the frame is 160x120" in str(r.error) for r in results)


def test_ten_thousand_recordings_are_read_only_as_they_are_needed() -> None:
    read: list[None] = []
    ahead = []
    with ThreadPoolExecutor(2) as pool:
        names = (str(index) for index in range(10_000) if read.append(None) is None)
        for done, _ in enumerate(inspect_all(names, pool, inspect=number), start=1):
            ahead.append(len(read) - done)

    assert len(ahead) == 10_000
    assert max(ahead) <= 8


class Watched(ThreadPoolExecutor):
    """Threads that count what they were given and what waits for one of them."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.given: list[Future[Any]] = []
        self.most = 0

    def submit(self, *args: Any, **kwargs: Any) -> "Future[Any]":  # type: ignore[override]
        self.most = max(self.most, 1 + sum(not future.done() for future in self.given))
        self.given.append(super().submit(*args, **kwargs))
        return self.given[-1]

    @property
    def waiting(self) -> int:
        return sum(not (future.done() or future.running()) for future in self.given)


@pytest.mark.parametrize("limit", [1, 3])
def test_no_more_are_in_flight_than_is_asked_for(limit: int) -> None:
    with Watched(8) as pool:
        results = list(inspect_all(NAMES, pool, inspect=number, in_flight=limit))
        assert len(results) == len(pool.given) == len(NAMES)
        assert 1 <= pool.most <= limit

        with pytest.raises(FactoryError, match="in_flight=0. Use 1 or more"):
            next(inspect_all(NAMES, pool, in_flight=0))


class Gate:
    """An inspection that says what it has begun, and holds all but "first" until it is opened or left."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self._opened = threading.Event()
        self.open = self._opened.set

    def __call__(self, recording: str, preset: MotionPreset) -> list[Detection]:
        self.begun.append(recording)
        assert recording == "first" or self._opened.wait(60)
        return []

    def __enter__(self) -> "Gate":
        return self

    def __exit__(self, *_: object) -> None:
        self.open()


@pytest.mark.parametrize("error", [GeneratorExit, KeyboardInterrupt])
def test_leaving_early_cancels_what_has_not_begun_and_does_not_wait(error: type[BaseException]) -> None:
    names = ["first", *NAMES]
    with Watched(1) as pool, Gate() as gate:
        results = inspect_all(names, pool, inspect=gate, in_flight=10)
        assert next(results).recording == "first"
        assert wait_until(lambda: len(gate.begun) == 2 and pool.waiting == 9)
        with pytest.raises(error):
            results.throw(error)  # as closing or Ctrl-C do; the worker is still held
        assert pool.waiting == 0

    assert gate.begun == ["first", "0"]


def test_after_stop_nothing_begins_and_what_has_begun_is_still_yielded() -> None:
    stop = threading.Event()
    with Watched(2) as pool, ThreadPoolExecutor(1) as taker, Gate() as gate:
        taken = taker.submit(list, inspect_all(NAMES, pool, inspect=gate, stop=stop))
        assert wait_until(lambda: len(gate.begun) == 2 and pool.waiting == 6)
        stop.set()
        assert wait_until(lambda: pool.waiting == 0)
        gate.open()
        yielded = [result.recording for result in taken.result(timeout=60)]

    assert sorted(yielded) == sorted(gate.begun) == ["0", "1"]


def test_after_stop_a_pool_of_processes_still_yields_all_that_it_has_begun(
    recordings: list[Path], tmp_path: Path
) -> None:
    paths, stop = copies(recordings[:20], tmp_path), threading.Event()
    with processes() as pool, ThreadPoolExecutor(1) as taker:
        taken = taker.submit(list, inspect_all(paths, pool, SMALL, inspect=held, stop=stop))
        assert wait_until(lambda: len(workers_at(tmp_path)) == 2, 60)
        stop.set()
        (tmp_path / "go").touch()
        yielded = {Path(result.recording) for result in taken.result(timeout=60)}

    begun = {path.with_suffix(".mp4") for path in tmp_path.iterdir() if path.suffix[1:].isdecimal()}
    assert yielded == begun
    assert 2 <= len(begun) <= 8


def test_a_recording_that_kills_its_process_is_found_and_the_others_are_inspected() -> None:
    names = [*NAMES, "not a number"]
    names[20], names[21] = "poison A", "poison B"
    with processes() as pool:
        inspections = list(inspect_all(names, pool, inspect=number))

    assert Counter(result.recording for result in inspections) == Counter(names)
    results = {result.recording: result for result in inspections}
    failed = {name: str(result.error) for name, result in results.items() if result.error}
    assert failed.pop("not a number").startswith("invalid literal")
    assert failed == {
        name: f"{name} was tried twice, and each time its worker's process died. "
        "Look whether it ran out of memory, or open the recording by itself."
        for name in ("poison A", "poison B")
    }
    assert isinstance(results["poison A"].error.__cause__, BrokenExecutor)  # type: ignore[union-attr]
    assert all(result.detections for name, result in results.items() if name in NAMES)
    assert multiprocessing.active_children() == []


def test_stop_also_ends_the_second_attempts() -> None:
    stop = threading.Event()
    results = []
    with processes() as pool:
        for result in inspect_all(["poison", *NAMES], pool, inspect=number, stop=stop):
            results.append(result)
            if result.error:
                stop.set()

    assert [result.recording for result in results if result.error] == ["poison"]
    assert results[-1].error is not None
    assert multiprocessing.active_children() == []


def workers_at(folder: Path) -> set[int]:
    """Tell which processes hold a recording."""
    return {int(path.suffix[1:]) for path in folder.iterdir() if path.suffix[1:].isdecimal()}


def kill_one_in_mid_run(folder: Path) -> None:
    assert wait_until(lambda: len(workers_at(folder)) == 2, 60)
    os.kill(workers_at(folder).pop(), KILL)
    (folder / "go").touch()


def test_a_killed_process_of_a_pool_loses_nothing(recordings: list[Path], tmp_path: Path) -> None:
    paths = copies(recordings[:20], tmp_path)
    killer = threading.Thread(target=kill_one_in_mid_run, args=[tmp_path])
    killer.start()
    with processes() as pool:
        results = list(inspect_all(paths, pool, SMALL, inspect=held))
    killer.join(timeout=60)

    assert {result.recording for result in results} == set(paths)
    assert [(r.error, r.detections) for r in results] == [
        (None, inspect_recording(r.recording, SMALL)) for r in results
    ]
    assert multiprocessing.active_children() == []


def test_a_pool_that_is_broken_from_the_start_is_replaced() -> None:
    with processes(1) as pool:
        with pytest.raises(BrokenExecutor):
            pool.submit(os._exit, 3).result(timeout=60)

        results = list(inspect_all(NAMES, pool, inspect=number))

    assert [result.error for result in results] == [None] * len(NAMES)
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    "pool",
    [
        lambda: processes(initializer=os._exit, initargs=(3,)),
        lambda: ThreadPoolExecutor(1, initializer=int, initargs=("x",)),
    ],
    ids=["processes", "threads"],
)
def test_workers_that_do_not_start_are_no_recordings_fault(pool: Callable[[], Executor]) -> None:
    with (
        pool() as executor,
        pytest.raises(FactoryError, match=r"workers do not start: .* See to its initializer"),
    ):
        list(inspect_all(NAMES, executor, inspect=number))


def test_a_script_without_its_guard_is_told_so(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import multiprocessing as mp\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "from factory_lib import inspect_all\n"
        "with ProcessPoolExecutor(1, mp.get_context('spawn')) as pool:\n"
        "    print(list(inspect_all(['x'], pool)))\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, encoding="utf-8", timeout=100
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert "begins its work below if __name__ == '__main__'." in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(("cancel", "count"), [(False, 4), (True, 1)])
def test_an_executor_that_is_shut_down_ends_the_batch_once_what_it_still_did_is_yielded(
    cancel: bool, count: int
) -> None:
    yielded = []

    def take() -> None:
        for result in inspect_all(NAMES, pool, inspect=gate):
            yielded.append(result.recording)

    with Watched(1) as pool, ThreadPoolExecutor(1) as taker, Gate() as gate:
        taken = taker.submit(take)
        assert wait_until(lambda: len(gate.begun) == 1 and pool.waiting == 3)
        pool.shutdown(wait=False, cancel_futures=cancel)
        gate.open()
        with pytest.raises(FactoryError, match="The executor takes no more recordings: .* Keep it open"):
            taken.result(timeout=60)

    assert yielded == NAMES[:count]


def test_what_cannot_be_sent_to_a_process_is_each_recordings_error() -> None:
    with processes(1) as pool:
        results = list(inspect_all(NAMES[:3], pool, inspect=lambda *_: []))

    assert len(results) == 3
    assert all(isinstance(result.error, (pickle.PicklingError, AttributeError)) for result in results)


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with dask_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@contextmanager
def client_with(cluster: Cluster, workers: int) -> Iterator[Client]:
    while len(cluster.alive()) < workers:
        cluster.start_worker()
    with Client(cluster.address, set_as_default=False, timeout=60) as client:
        client.wait_for_workers(workers, timeout=60)
        yield client


def test_a_killed_worker_of_a_cluster_loses_nothing(
    commands: Cluster, recordings: list[Path], tmp_path: Path
) -> None:
    paths = copies(recordings, tmp_path)
    with client_with(commands, workers=2) as client, client.get_executor() as executor:
        killer = threading.Thread(target=kill_one_in_mid_run, args=[tmp_path])
        killer.start()
        results = list(inspect_all(paths, executor, SMALL, inspect=held))
        killer.join(timeout=60)

    assert Counter(result.recording for result in results) == Counter(paths)
    assert all(r.error is None and r.detections == inspect_recording(r.recording, SMALL) for r in results)


def test_a_recording_that_kills_a_clusters_workers_is_reported_and_the_others_are_inspected(
    commands: Cluster,
) -> None:
    names = [*NAMES[:5], "poison", *NAMES[5:20]]
    with client_with(commands, workers=3) as client, client.get_executor() as executor:
        client.run_on_scheduler(allow_no_failures)
        results = list(inspect_all(names, executor, inspect=number))
        assert wait_until(lambda: len(commands.alive()) == 1)  # it was tried twice

    assert Counter(result.recording for result in results) == Counter(names)
    (poison,) = [result for result in results if result.error]
    assert poison.recording == "poison"
    assert isinstance(poison.error.__cause__, KilledWorker)  # type: ignore[union-attr]


def test_the_package_brings_neither_dask_nor_pools_of_processes_with_it() -> None:
    heavy = {"distributed", "dask", "concurrent.futures.process"}
    code = f"import factory_lib, sys; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", timeout=60
    )

    assert done.stdout == "[]\n"
