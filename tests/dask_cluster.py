"""A Dask cluster as people start it by hand: a scheduler and workers, each a command of its own."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from conftest import wait_until

TESTS = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Cluster:
    """Where the scheduler listens, and the processes: each worker inspects one recording at a time."""

    address: str
    scheduler: "subprocess.Popen[bytes]"
    workers: "list[subprocess.Popen[bytes]]"
    start_worker: "Callable[[], subprocess.Popen[bytes]]"


@contextlib.contextmanager
def dask_cluster(folder: Path, workers: int = 2) -> Iterator[Cluster]:
    """Start it on this machine, on ports that are free, and end all of it."""
    file = folder / "scheduler.json"
    alone = ["--no-dashboard", "--scheduler-file", str(file)]
    with contextlib.ExitStack() as stack:
        log = stack.enter_context((folder / "cluster.log").open("wb"))

        def start(program: str, *options: str) -> "subprocess.Popen[bytes]":
            process = subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.dask_{program}", *alone, *options],
                env=os.environ | {"PYTHONPATH": str(TESTS)},
                cwd=folder,
                stdout=log,
                stderr=log,
            )
            stack.callback(process.wait, timeout=60)
            stack.callback(process.kill)
            return process

        scheduler = start("scheduler", "--host", "127.0.0.1", "--port", "0")
        assert wait_until(lambda: file.exists() and file.read_bytes().endswith(b"}"), 60)
        address = json.loads(file.read_text(encoding="utf-8"))["address"]

        def start_worker() -> "subprocess.Popen[bytes]":
            return start("worker", "--no-nanny", "--nthreads", "1", "--local-directory", str(folder))

        yield Cluster(address, scheduler, [start_worker() for _ in range(workers)], start_worker)
