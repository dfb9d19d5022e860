"""What a test is about may begin while the test before it runs, since much of it is waiting."""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil
import pytest
from whole_run import RUN_AHEAD, SHARED

SECONDS = 400  # for a whole notebook
MARK = "FACTORY_RUN_AHEAD"  # a variable by which everything that a run starts can be told
OURS = uuid.uuid4().hex


@dataclass
class Run:
    """A run of Python, without these tests' own settings, and without IPython's of whoever works here."""

    folder: Path
    process: "subprocess.Popen[bytes]"

    @classmethod
    def begin(cls, command: Callable[[Path], list[str]], is_slow: bool) -> "Run":
        """Start it in a folder of its own. Work that is only measured is shortened, but not with --slow."""
        folder = Path(tempfile.mkdtemp(prefix=RUN_AHEAD))
        ours = ("COV", "PYTEST", "PYTHON", "IPYTHON")
        env = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
        env |= {"IPYTHONDIR": str(folder / "ipython"), "PYTHONIOENCODING": "utf-8"}
        env[MARK] = f"{OURS} {folder}"
        (folder / "temporary").mkdir()
        env |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder / "temporary"))
        env["FACTORY_WORK"] = "1" if is_slow else "0.15"
        with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
            process = subprocess.Popen(
                [sys.executable, *command(folder)],
                cwd=folder,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        return cls(folder, process)

    def end(self) -> "subprocess.CompletedProcess[str]":
        """Wait for its end; it has to have left no temporary file."""
        code = self.process.wait(timeout=SECONDS)
        said = [(self.folder / name).read_text("utf-8", errors="replace") for name in ("stdout", "stderr")]
        left = [path.name for path in (self.folder / "temporary").iterdir()]
        assert [name for name in left if not name.startswith(SHARED)] == []
        return subprocess.CompletedProcess(self.process.args, code, *said)

    def clear(self) -> None:
        """End it if it still runs, and take its folder away."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=20)
        shutil.rmtree(self.folder, ignore_errors=True)


class Begun(Protocol):
    """What has begun for a test."""

    def clear(self) -> None:
        """End it if it still runs, and take away what is left."""


_begun: dict[str, Begun | Exception] = {}


def begin(item: pytest.Item) -> Begun | Exception:
    """Begin what a marked test is about, unless that has begun; what this raises, the test raises."""
    marker = item.get_closest_marker("runs_ahead")
    assert marker is not None
    if item.nodeid not in _begun:
        try:
            _begun[item.nodeid] = marker.args[0](item)
        except Exception as error:
            _begun[item.nodeid] = error
    return _begun[item.nodeid]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "runs_ahead(begin): begins while the test before it runs")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Begin this test's run, and the next one's: that one, no other worker will be given."""
    for one in (item, nextitem):
        if one is not None and one.path == item.path and one.get_closest_marker("runs_ahead"):
            begin(one)


def left_alive() -> list[psutil.Process]:
    """Find what runs that are over have left, also a process whose parent is gone."""
    now = [f"{OURS} {run.folder}" for run in _begun.values() if isinstance(run, Run)]
    found = []
    for process in psutil.process_iter():
        try:
            mark = process.environ().get(MARK, "")
        except (psutil.Error, OSError):  # of somebody else, or just gone
            continue
        if mark.startswith(OURS) and mark not in now:
            found.append(process)
    return found


@pytest.fixture
def the_run(request: pytest.FixtureRequest) -> Iterator[Begun]:
    """Give what has begun for this test, and clear it away."""
    begun = begin(request.node)
    if not isinstance(begun, Exception):
        yield begun
        begun.clear()
    del _begun[request.node.nodeid]
    if isinstance(begun, Exception):
        raise begun


@atexit.register
def clear() -> None:
    """End what has begun for a test that did not come any more."""
    while _begun:
        _, begun = _begun.popitem()
        if not isinstance(begun, Exception):
            begun.clear()
