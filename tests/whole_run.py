"""How a run of all tests goes: what is left out, how far it is, and that it leaves nothing behind."""

import os
import re
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import pytest
from tqdm import tqdm

ROOT = Path(__file__).resolve().parent.parent
NOT_OURS = (".git", ".venv", "__pycache__", ".ipynb_checkpoints", "build", "htmlcov")
# What libraries keep in the temporary folder for longer than a test: multiprocessing, pytest, Dask.
SHARED = ("pymp-", "pytest-of-", "dask-scratch-space")
RUN_AHEAD = "run-ahead-"  # the folder or thread of what begins before its test; see runs_ahead.py
SECONDS = "factory/seconds"  # in pytest's cache: how long each test took last time


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the slow tests too: soaks, sweeps, repetitions")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: a soak, a sweep or a repetition; only with --slow")
    worker = config.workerinput["workerid"] if hasattr(config, "workerinput") else None
    if worker is None:
        config.pluginmanager.register(WholeRun(config))
    if worker or not config.getoption("numprocesses", None):
        # Asked for by course.py, and heeded by this process; in a test's children it would only be noise.
        os.environ.pop("PYTHONWARNDEFAULTENCODING", None)
    if worker:
        use_temporary_folder(Path(os.environ["TMPDIR"], worker))


def use_temporary_folder(folder: Path) -> None:
    """Let everything that is temporary, here and in all children, be made in this folder."""
    folder.mkdir(exist_ok=True)
    os.environ |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))
    tempfile.tempdir = None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("slow"):
        slow = [item for item in items if item.get_closest_marker("slow")]
        items[:] = [item for item in items if item not in slow]
        config.hook.pytest_deselected(items=slow)
    # What may take long begins first, so that at the end nobody waits for one long test.
    items.sort(key=lambda item: -longest(item))


def longest(item: pytest.Item) -> float:
    """Return how long a test may take at most, if it says so itself: those that do take long."""
    marker = item.get_closest_marker("timeout")
    return float(marker.args[0]) if marker else 0.0


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Iterator[None]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("FACTORY_REQUIRE_ALL") == "1":
        report.outcome = "failed"
        report.longrepr = f"Skipped, but FACTORY_REQUIRE_ALL=1 asks for every test: {report.longrepr}"
    return report


def files() -> set[str]:
    """List the project's files, without what Python and the tools keep for themselves."""
    found = set()
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [n for n in folders if n not in NOT_OURS and not n.endswith((".egg-info", "_cache"))]
        found |= {os.path.join(folder, name) for name in names if not name.startswith(".coverage")}
    return found


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Fail a test that leaves a thread or a temporary file behind: another one could come to need it."""
    before, temporary = set(threading.enumerate()), Path(tempfile.gettempdir())
    there = set(temporary.iterdir())
    yield
    # tqdm keeps one monitor thread of its own for the process, Dask one that packs and one that profiles.
    left = [
        thread
        for thread in threading.enumerate()
        if thread not in before
        and type(thread).__name__ != "TMonitor"
        and thread.name not in ("Dask-Offload_0", "Profile")
    ]
    for thread in left:
        thread.join(timeout=2)  # it may be about to end
    assert [thread for thread in left if thread.is_alive()] == []
    new = set(temporary.iterdir()) - there
    others = ("apart-",) if any(thread.name == RUN_AHEAD for thread in threading.enumerate()) else ()
    assert [path for path in new if not path.name.startswith((*SHARED, RUN_AHEAD, *others))] == []


@pytest.fixture(scope="module", autouse=True)
def no_server_is_left() -> Iterator[None]:
    """End the process that forks what a check runs: other tests count their children."""
    yield
    if sandbox_server := sys.modules.get("factory_lib.lab.sandbox_server"):
        sandbox_server.end()


class Lines:
    """A log instead of a terminal: what would stand on one line, a line each."""

    def __init__(self, file: TextIO) -> None:
        self.file = file
        self.flush = file.flush

    def write(self, text: str) -> None:
        if text.strip():
            self.file.write(text.strip() + "\n")


class WholeRun:
    """What only the process that the person has started does, whoever runs the tests."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.folder = Path(tempfile.mkdtemp(prefix="factory-tests-"))
        use_temporary_folder(self.folder)
        self.before = files()
        self.left: list[str] = []
        self.expected: dict[str, float] = {}
        self.took: Counter[str] = Counter()
        self.count: Counter[str] = Counter()
        self.bar: tqdm[Any] | None = None

    # --- how far it is --------------------------------------------------------------------------

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if not self.config.getoption("numprocesses", None):
            self.begin([item.nodeid for item in session.items])

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        self.begin(ids)

    def begin(self, ids: list[str]) -> None:
        """Show a bar that counts seconds as each test took them last time; of a new one, the mean."""
        if self.bar is not None or self.config.option.verbose or self.config.option.collectonly:
            return
        seconds = self.remembered()
        known = [seconds[name] for name in ids if name in seconds]
        mean = sum(known) / len(known) if known else 1.0
        self.expected = {name: seconds.get(name, mean) for name in ids}
        file = self.config.get_terminal_writer()._file
        terminal = file.isatty()
        file.write("\n")
        self.bar = tqdm(
            total=sum(self.expected.values()),
            file=file if terminal else Lines(file),
            mininterval=0.5 if terminal else 20,
            miniters=0,
            bar_format="{percentage:3.0f} %, {elapsed} gone, about {remaining} left{postfix}",
            leave=False,
            smoothing=0.02,
        )
        self.count["all"] = len(ids)

    def remembered(self) -> dict[str, float]:
        """Return how long each test took last time, as far as pytest's cache knows."""
        return self.config.cache.get(SECONDS, {}) if hasattr(self.config, "cache") else {}

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.took[report.nodeid] += report.duration
        if self.bar is None:
            return
        if report.failed:
            self.count["failed"] += 1
            self.bar.write(f"{report.outcome.upper()} {report.nodeid} ({report.when})", file=self.bar.fp)
        if report.when == "teardown":
            self.count["done"] += 1
            told = f"{self.count['done']} of {self.count['all']} tests, {self.count['failed']} failed"
            self.bar.set_postfix_str(told, refresh=False)
            self.bar.update(self.expected.get(report.nodeid, 0))

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self) -> Iterator[None]:
        category, letter, word = yield
        return category, letter if self.bar is None else "", word

    # --- how it ends ----------------------------------------------------------------------------

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.bar is not None:
            self.bar.close()
        if self.took and hasattr(self.config, "cache"):
            seconds = self.remembered() | {name: round(took, 2) for name, took in self.took.items()}
            self.config.cache.set(SECONDS, seconds)
        temporary = [*self.folder.glob("*"), *self.folder.glob("gw*/*")]
        kept = [path for path in temporary if not path.name.startswith((*SHARED, "gw"))]
        self.left = sorted(map(str, kept)) + sorted(files() - self.before)
        if self.left and not session.exitstatus:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        reasons = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
        named = (re.search(r"\(Debian: ([\w-]+)\)", reason) for reason in reasons)
        lacking = Counter(found[1] for found in named if found)
        if lacking:
            counts = ", ".join(f"{package} {count}" for package, count in sorted(lacking.items()))
            packages = " ".join(sorted(lacking))
            terminalreporter.line(f"Skipped for want of: {counts}. On Debian: sudo apt install {packages}")
        if self.left:
            terminalreporter.line(f"The tests left files behind: {' '.join(self.left)}", red=True)

    def pytest_unconfigure(self) -> None:
        # Processes that have just ended may still be letting go of what they had there.
        for _ in range(20):
            shutil.rmtree(self.folder, ignore_errors=True)
            if not self.folder.exists():
                break
            time.sleep(0.1)
