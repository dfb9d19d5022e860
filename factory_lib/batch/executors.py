"""What no executor's interface tells: how many workers it has, which errors mean that one died."""

import os
from concurrent.futures import BrokenExecutor, Executor

from ..errors import FactoryError

# A process that has not started after so many seconds will not.
START_PATIENCE = 60.0


def count_workers(executor: Executor) -> int:
    """Tell how many calls an executor runs at once; of one that is neither Python's nor Dask's, guess."""
    workers = getattr(executor, "_max_workers", None)
    if hasattr(executor, "_client"):
        workers = sum(executor._client.nthreads().values())
    return workers or os.cpu_count() or 1


def worker_died(error: BaseException | None) -> bool:
    """Tell whether a call failed because its worker did, so that another may succeed."""
    # Dask's error by its name: who uses no Dask need not have it.
    return isinstance(error, BrokenExecutor) or type(error).__name__ == "KilledWorker"


def successor_of(pool: Executor, workers: int, broken: BaseException) -> Executor:
    """Make a pool of processes with a broken one's settings, and see that its processes start at all.

    Raises
    ------
    FactoryError
        If they don't, or it is no pool of processes.
    """
    from concurrent.futures import ProcessPoolExecutor  # only now: it brings multiprocessing with it

    error = broken
    if isinstance(pool, ProcessPoolExecutor):
        new = ProcessPoolExecutor(
            workers,
            mp_context=pool._mp_context,
            initializer=pool._initializer,
            initargs=pool._initargs,
            max_tasks_per_child=getattr(pool, "_max_tasks_per_child", None),
        )
        try:
            new.submit(os.getpid).result(timeout=START_PATIENCE)
            return new
        except (BrokenExecutor, TimeoutError) as problem:
            # One that is broken ends at once; one that hangs is not waited for.
            new.shutdown(wait=isinstance(problem, BrokenExecutor), cancel_futures=True)
            error = problem
    raise FactoryError(
        f"The executor's workers do not start: {error or type(error).__name__}",
        "See to its initializer, and that the script begins its work below if __name__ == '__main__'.",
    ) from error
