"""Many recordings on many workers: the executor is the caller's, from a thread pool to a cluster."""

import itertools
import operator
import os
import threading
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import closing

from ..errors import FactoryError
from ..preset import MotionPreset
from .executors import count_workers, successor_of, worker_died
from .inspection import Found, Inspect, Inspection, Recording, attempt, inspect_recording, outcome

# So many recordings are under way for each worker: none runs dry while the caller looks at a result.
FLIGHT = 4
# How often whoever waits looks whether it is time to stop.
TICK = 0.1


def inspect_all(
    recordings: Iterable[Recording],
    executor: Executor,
    preset: MotionPreset | None = None,
    *,
    in_flight: int | None = None,
    progress: bool | None = None,
    stop: threading.Event | None = None,
    inspect: Inspect = inspect_recording,
) -> Generator[Inspection, None, None]:
    """Inspect recordings on an executor's workers, and yield each one's result as it comes.

    A recording that fails is a result with its error. Recordings whose worker process died are tried once
    more, one by one and apart from the others, so that only the one that kills is reported. A process pool
    is of no use any more then: the rest goes on in another with the same settings. Closing the generator,
    or Ctrl-C, cancels what has not begun; who made the executor closes it.

    Parameters
    ----------
    recordings : iterable of str or path-like
        Read only as far as it is needed: ten thousand do not make ten thousand futures.
    executor : concurrent.futures.Executor
        A pool of threads, of processes or of interpreters, or ``distributed.Client(...).get_executor()``.
    preset : MotionPreset, optional
        The detector's settings for all recordings; without one, the slide's.
    in_flight : int, optional
        How many recordings are under way at most; by default four for each worker.
    progress : bool, optional
        Whether to show a tqdm bar; by default in a notebook, and where stderr is a terminal.
    stop : threading.Event, optional
        Set it, from anywhere, for a clean stop: nothing more begins, and what has begun is still yielded.
    inspect : callable
        What is done with each recording and the preset; for processes it has to be importable there.

    Raises
    ------
    FactoryError
        If the executor takes no more recordings, or its workers cannot be started.
    """
    from tqdm.auto import tqdm  # in a notebook, a widget

    workers = count_workers(executor)
    limit = FLIGHT * workers if in_flight is None else in_flight
    if limit < 1:
        raise FactoryError(f"No recording can be inspected with in_flight={limit}.", "Use 1 or more.")
    preset = MotionPreset() if preset is None else preset
    batch = _Batch(recordings, executor, workers, limit, stop or threading.Event(), (inspect, preset))
    total = operator.length_hint(recordings) or None
    bar = tqdm(total=total, unit=" recordings", disable=None if progress is None else not progress)
    with bar, closing(batch.results()) as results:
        for result in results:
            bar.update()
            yield result


class _Batch:
    """The recordings to do and under way, and the executor that they are under way on."""

    def __init__(
        self,
        recordings: Iterable[Recording],
        executor: Executor,
        workers: int,
        limit: int,
        stop: threading.Event,
        task: tuple[Inspect, MotionPreset],
    ) -> None:
        self._todo: Iterator[Recording] = iter(recordings)
        self._executor, self._workers, self._limit = executor, workers, limit
        self._stop, self._task = stop, task
        self._own: Executor | None = None  # the successor of a broken pool
        self._under_way: dict[Future[Found], Recording] = {}
        self._suspects: list[Recording] = []  # one of them may have killed its worker
        self._broken: BaseException | None = None
        self._refused: FactoryError | None = None

    def results(self) -> Generator[Inspection, None, None]:
        try:
            while True:
                self._submit()
                if self._under_way:
                    yield from self._next_results()
                elif self._refused is not None:
                    raise self._refused
                elif self._stop.is_set():
                    return
                else:  # all is done, or the pool is broken: only now nothing else can be hit
                    yield from self._try_suspects_again()
                    if self._refused is not None or self._stop.is_set():
                        continue
                    left = list(itertools.islice(self._todo, 1))
                    if self._broken is None or not left:
                        return
                    self._todo = itertools.chain(left, self._todo)
                    self._change_to(successor_of(self._executor, self._workers, self._broken))
        finally:
            for future in self._under_way:
                future.cancel()
            self._change_to(self._executor)

    def _submit(self) -> None:
        """Put as many recordings under way as may be."""
        while len(self._under_way) < self._limit:
            if self._broken or self._refused or self._stop.is_set():
                return
            try:
                recording = next(self._todo)
            except StopIteration:
                return
            try:
                future = self._executor.submit(attempt, *self._task, recording, 1)
            except BrokenExecutor as error:
                self._broken, self._todo = error, itertools.chain([recording], self._todo)
            except RuntimeError as error:
                self._refuse(error)
            else:
                self._under_way[future] = recording

    def _next_results(self) -> Iterator[Inspection]:
        wait(self._under_way, timeout=TICK, return_when=FIRST_COMPLETED)
        # Not what wait returns: it overlooks futures that a pool's shutdown has cancelled.
        done = [future for future in self._under_way if future.done()]
        if self._stop.is_set():
            for future in self._under_way.keys() - done:
                if future.cancel():
                    del self._under_way[future]
        for future in done:
            recording = self._under_way.pop(future)
            if future.cancelled():
                self._refuse(None)
                continue
            error = future.exception()
            if isinstance(error, BrokenExecutor):
                self._broken = error
            if worker_died(error):
                self._suspects.append(recording)
                continue
            self._submit()  # before the caller takes its time over this result
            yield outcome(recording, future)

    def _try_suspects_again(self) -> Iterator[Inspection]:
        """Try each alone: in a pool of one process, or with nothing else on the cluster."""
        alone: Executor | None = None
        suspects, self._suspects = self._suspects, []
        try:
            for recording in suspects:
                if self._broken is not None and alone is None:
                    alone = successor_of(self._executor, 1, self._broken)
                if self._stop.is_set():
                    return
                future = (alone or self._executor).submit(attempt, *self._task, recording, 2)
                while not future.done():
                    wait([future], timeout=TICK)
                    if self._stop.is_set() and future.cancel():
                        return
                if future.cancelled():
                    self._refuse(None)
                    return
                error = future.exception()
                if worker_died(error):
                    if alone is not None:
                        alone.shutdown()
                        alone = None
                    died = FactoryError(
                        f"{os.fspath(recording)} was tried twice, and each time its worker's process died.",
                        "Look whether it ran out of memory, or open the recording by itself.",
                    )
                    died.__cause__ = error
                    yield Inspection(recording, [], died)
                else:
                    yield outcome(recording, future)
        finally:
            if alone is not None:
                alone.shutdown(cancel_futures=True)

    def _change_to(self, executor: Executor) -> None:
        """Go on with another executor; who made the one before closes it."""
        if self._own is not None:
            self._own.shutdown(cancel_futures=True)
        self._own = None if executor is self._executor else executor
        self._executor, self._broken = executor, None

    def _refuse(self, error: BaseException | None) -> None:
        if self._refused is None:
            self._refused = FactoryError(
                f"The executor takes no more recordings: {error or 'it has cancelled those under way'}.",
                "Keep it open, and its scheduler running, until the last result has come.",
            )
            self._refused.__cause__ = error
