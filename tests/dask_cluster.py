"""A Dask cluster as people start it by hand: a scheduler and workers, each a command of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

from conftest import wait_until

TESTS = Path(__file__).resolve().parent


class Cluster:
    """Where the scheduler listens, and workers that inspect one recording at a time each."""

    def __init__(self, folder: Path, log: IO[bytes]) -> None:
        self._folder, self._log = folder, log
        self._file = folder / "scheduler.json"
        self._processes = [self._start("scheduler", "--host", "127.0.0.1", "--port", "0")]
        assert wait_until(lambda: self._file.exists() and self._file.read_bytes().endswith(b"}"), 60)
        self.address = str(json.loads(self._file.read_text(encoding="utf-8"))["address"])

    def start_worker(self) -> None:
        options = ("--no-nanny", "--nthreads", "1", "--local-directory", str(self._folder))
        self._processes.append(self._start("worker", *options))

    def alive(self) -> "list[subprocess.Popen[bytes]]":
        """List the workers that live."""
        return [process for process in self._processes[1:] if process.poll() is None]

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait(timeout=60)

    def _start(self, program: str, *options: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", f"distributed.cli.dask_{program}", "--no-dashboard"]
        return subprocess.Popen(
            [*command, "--scheduler-file", str(self._file), *options],
            env=os.environ | {"PYTHONPATH": str(TESTS)},
            cwd=self._folder,
            stdout=self._log,
            stderr=self._log,
        )


@contextmanager
def dask_cluster(folder: Path) -> Iterator[Cluster]:
    """Start a scheduler on this machine, on a port that is free, and end it and its workers."""
    with (folder / "cluster.log").open("wb") as log, closing(Cluster(folder, log)) as cluster:
        yield cluster
