"""Who inspects many recordings: threads or processes of this machine, or a Dask cluster."""

import functools
import logging
import multiprocessing.context
import os
import re
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager

from ..errors import FactoryError

# A scheduler that has not answered after so many seconds is not there, nor are its workers.
CONNECT_PATIENCE = WORKERS_PATIENCE = 15.0
MOST_PROCESSES = 61 if sys.platform == "win32" else 10_000  # Windows waits for no more at once

Engine = Callable[[], AbstractContextManager[Executor]]


def engine(text: str) -> Engine:
    """Understand ``threads:N``, ``processes:N`` (without N as many as there are cores) or ``dask://HOST:PORT``.

    Returns
    -------
    callable
        Starts it: a context manager that gives an executor, and ends all that it started.

    Raises
    ------
    FactoryError
        If it is none of these. The engine itself raises one if it cannot be started.
    """
    if match := re.fullmatch(r"(threads|processes)(?::([1-9]\d{0,3}))?", text):
        count = int(match[2] or min(os.cpu_count() or 1, MOST_PROCESSES))
        if match[1] == "threads":
            return functools.partial(ThreadPoolExecutor, count)
        if count <= MOST_PROCESSES:
            return functools.partial(_processes, count)
    elif match := re.fullmatch(r"dask://([^/:]+|\[[^/\]]+\]):(\d{1,5})", text):
        return functools.partial(_dask, match[1], int(match[2]))
    raise FactoryError(
        f"{text!r} are no workers.",
        "Write threads:4, processes:4 or dask://HOST:PORT, with numbers that fit.",
    )


class _Process(multiprocessing.context.SpawnProcess):
    """A process that never hears Ctrl-C, not even as it starts (on Windows: once it has started).

    A terminal sends it to all processes; what is to be done is the parent's to say.
    """

    def start(self) -> None:
        if sys.platform == "win32":
            super().start()
            return
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            super().start()  # a child inherits what is blocked
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Context(multiprocessing.context.SpawnContext):
    Process = _Process


def _prepare_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Wait until the parent is gone, also when it was killed: nobody else would end this process then."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    while parent.is_alive():
        parent.join(timeout=60)
    os._exit(1)


@contextmanager
def _processes(count: int) -> Iterator[Executor]:
    with ProcessPoolExecutor(count, mp_context=_Context(), initializer=_prepare_worker) as pool:
        yield pool


@contextmanager
def _dask(host: str, port: int) -> Iterator[Executor]:
    address = f"{host}:{port}"
    remedy = f"Start one with 'dask scheduler', workers with 'dask worker {address}', then try again."
    _greeting(host, port, remedy)
    try:
        from distributed import Client
    except ImportError as error:
        raise FactoryError("Dask is not installed.", "Run 'pip install distributed'.") from error
    for name in ("distributed", "distributed.client"):  # our errors say it in one sentence
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = Client(f"tcp://{address}", timeout=CONNECT_PATIENCE, set_as_default=False)
    except OSError as error:
        raise FactoryError(f"No Dask scheduler answers at {address}: {error}.", remedy) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=WORKERS_PATIENCE)
        except TimeoutError:
            raise FactoryError(
                f"The Dask scheduler at {address} has no workers.",
                f"Start some with 'dask worker {address}'.",
            ) from None
        with client.get_executor() as executor:
            yield executor


def _greeting(host: str, port: int, remedy: str) -> None:
    """See that a scheduler is there, which speaks first: of anybody else Dask would ask again and again."""
    try:
        with socket.create_connection((host.strip("[]"), port), timeout=CONNECT_PATIENCE) as connection:
            # A message begins with its length in eight bytes; what others say first would be a huge one.
            length = connection.makefile("rb").read(8)
        if len(length) == 8 and int.from_bytes(length, "little") < 1_000_000:
            return
        reason = "something else does"
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
    raise FactoryError(f"No Dask scheduler answers at {host}:{port}: {reason}.", remedy)
