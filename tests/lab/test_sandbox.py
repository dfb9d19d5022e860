"""`apart`: whatever a function does there, this process lives on and nothing is left."""

import contextlib
import ctypes
import linecache
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

import psutil
import pytest
from conftest import wait_until

from factory_lib import FactoryError
from factory_lib.lab import sandbox_server
from factory_lib.lab.sandbox import apart, pack


@pytest.fixture(autouse=True, params=["forked", "started"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """By a fork of a process that has imported everything, as on Linux; by a fresh start, as elsewhere."""
    if request.param == "started":
        monkeypatch.setattr(sandbox_server, "IS_SUPPORTED", False)
    elif not sandbox_server.IS_SUPPORTED:
        pytest.skip("only Linux has forked children")
    else:
        apart(int)  # now the server is there
    return str(request.param)


# For what takes seconds of waiting, and is seen in the same way in both.
mostly_forked = pytest.mark.parametrize(
    "way", ["forked", pytest.param("started", marks=pytest.mark.slow)], indirect=True
)


@pytest.fixture(autouse=True)
def no_process_left(way: str) -> None:
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    yield
    after = {process.pid for process in psutil.Process().children(recursive=True)}
    assert after <= before


def told_by(question: Callable[[psutil.Process], Any]) -> list[Any]:
    """Ask every process of this machine that lives and answers."""
    answers = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            answers.append(question(process))
    return answers


def in_cell(source: str, **names: object) -> dict:
    """Define what stands in a cell: functions of __main__, which no other process can import."""
    namespace = {"__name__": "__main__", **names}
    exec(source, namespace)
    return namespace


def test_a_value_comes_home_and_what_was_printed_is_kept() -> None:
    cell = in_cell("def greet(name):\n    print('hello', name)\n    return len(name)")

    outcome = apart(cell["greet"], "belt")

    assert (outcome.ended, outcome.value, outcome.printed) == ("returned", 4, f"hello belt{os.linesep}")
    assert str(outcome) == "It returned 4."


def test_helpers_and_values_of_the_notebook_come_along() -> None:
    cell = in_cell("STEP = 3\ndef helper(n):\n    return n * STEP\ndef run():\n    return helper(2)")

    assert apart(cell["run"]).value == 6


def test_an_error_is_told_with_the_line_of_the_learners_code(tmp_path: Path) -> None:
    file = tmp_path / "cell.py"
    file.write_text("def divide():\n    return 1 / 0\n", encoding="utf-8")
    namespace = {"__name__": "__main__"}
    exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), namespace)

    outcome = apart(namespace["divide"])

    assert outcome.ended == "raised"
    assert str(outcome) == "It stopped with ZeroDivisionError: division by zero, in the line 'return 1 / 0'."


def test_the_lines_of_a_cell_can_be_read_there_too() -> None:
    source = "def look():\n    import inspect\n    return inspect.getsource(look)\n"
    linecache.cache["<cell 7>"] = (len(source), None, source.splitlines(keepends=True), "<cell 7>")
    namespace: dict = {"__name__": "__main__"}
    exec(compile(source, "<cell 7>", "exec"), namespace)

    assert apart(namespace["look"]).value == source


@mostly_forked
def test_an_endless_loop_is_ended_after_its_time() -> None:
    outcome = apart(in_cell("def spin():\n    while True: pass")["spin"], seconds=1.5)

    assert outcome.ended == "did not finish"
    assert str(outcome).startswith("It did not finish in 1.5 s: is something waiting for ever?")


CRASHES = {"os._exit": (lambda: os._exit(7), 7)}
if sys.platform != "win32":  # where no signal ends a process
    CRASHES["segmentation fault"] = (lambda: ctypes.string_at(0), -11)


@pytest.mark.parametrize(("end", "code"), CRASHES.values(), ids=CRASHES)
def test_a_crash_of_the_whole_python_is_survived_and_told(end: object, code: int) -> None:
    outcome = apart(end)

    assert (outcome.ended, outcome.exit_code) == ("died", code)
    assert f"exit code {code}" in str(outcome)


def test_sys_exit_is_told_like_an_error() -> None:
    assert apart(in_cell("import sys\ndef leave():\n    sys.exit(3)")["leave"]).error == "SystemExit: 3"


@mostly_forked
def test_a_pool_whose_target_stands_in_a_cell_hangs_and_is_ended_with_its_workers() -> None:
    cell = in_cell(
        "def double(n):\n    return 2 * n\n"
        "def ask():\n    with get_context('spawn').Pool(2) as pool:\n        return pool.map(double, [1])",
        get_context=get_context,
    )

    outcome = apart(cell["ask"], seconds=4)

    assert outcome.ended == "did not finish"
    assert outcome.left >= 1
    assert "Can't get attribute 'double'" in outcome.last_complaint


def test_processes_that_outlive_it_are_ended() -> None:
    def orphan() -> int:
        import subprocess

        return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]).pid

    outcome = apart(orphan)

    if sys.platform != "win32":  # there nobody can tell whose it was
        assert outcome.left == 1
        assert not psutil.pid_exists(outcome.value) or psutil.Process(outcome.value).status() == "zombie"
    elif psutil.pid_exists(outcome.value):
        psutil.Process(outcome.value).kill()


@mostly_forked
def test_shared_memory_that_it_leaves_is_cleaned_up() -> None:
    def leak() -> str:
        from multiprocessing.shared_memory import SharedMemory

        name = SharedMemory(create=True, size=100).name
        print(name, flush=True)
        while True:
            time.sleep(0.1)

    name = apart(leak, seconds=2).printed.strip()

    with pytest.raises(FileNotFoundError):
        SharedMemory(name)


def test_what_cannot_be_sent_is_named() -> None:
    with Path(__file__).open("rb") as file:
        cell = in_cell("def run():\n    return file", file=file)

        with pytest.raises(FactoryError, match=r"uses 'file' from the notebook.*inside the function"):
            pack(cell["run"])


def test_locks_and_queues_of_the_notebook_are_made_anew_and_shared_there_as_here() -> None:
    source = """
def run():
    with again:
        events.put("it")
    return lock is again, lock.locked(), lock.acquire(timeout=0), events.get(timeout=5), type(deep).__name__
"""
    lock = threading.Lock()
    lock.acquire()
    cell = in_cell(source, lock=lock, again=lock, events=queue.Queue(), deep=threading.RLock())

    assert apart(cell["run"]).value == (True, False, True, "it", "RLock")


def test_a_value_that_cannot_come_home_is_told_in_its_own_words() -> None:
    assert apart(
        in_cell("import threading\ndef run():\n    return threading.Lock()")["run"]
    ).value.startswith("<unlocked _thread.lock")


if sys.platform != "win32":  # there nobody can tell whose a process is that has left its family

    @mostly_forked
    def test_processes_in_sessions_of_their_own_and_children_started_anew_are_ended_too() -> None:
        def flee() -> None:
            for _ in range(2):
                subprocess.Popen(["sleep", "41.5"], start_new_session=True)
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    os.execvp("sleep", ["sleep", "41.5"])
                os._exit(0)

            def again() -> None:
                while True:
                    subprocess.Popen(["sleep", "41.5"]).wait()

            for _ in range(4):
                threading.Thread(target=again).start()
            time.sleep(60)

        outcome = apart(flee, seconds=1.5)

        assert outcome.left >= 7
        assert [command for command in told_by(psutil.Process.cmdline) if "41.5" in command] == []

    def test_ctrl_c_twice_leaves_nothing(tmp_path: Path) -> None:
        program = tmp_path / "program.py"
        program.write_text(
            "import signal, tempfile, time\n"
            "from multiprocessing import get_context\n"
            "from factory_lib.lab import apart\n"
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "def hang():\n"
            "    tempfile.mkdtemp()\n"
            "    spawn = get_context('spawn')\n"
            "    children = [spawn.Process(target=time.sleep, args=(61.5,)) for _ in range(2)]\n"
            "    for child in children: child.start()\n"
            "    open(MARKER, 'w').close()\n"
            "    time.sleep(61.5)\n"
            f"MARKER = {str(tmp_path / 'marker')!r}\n"
            "apart(hang, seconds=50)\n",
            encoding="utf-8",
        )
        temporary = tmp_path / "temporary"
        temporary.mkdir()
        process = subprocess.Popen(
            [sys.executable, str(program)],
            env={**os.environ, "TMPDIR": str(temporary)},
            stderr=subprocess.DEVNULL,
            cwd=Path(__file__).parent.parent.parent,
        )
        assert wait_until((tmp_path / "marker").exists, 60)
        for _ in range(3):
            process.send_signal(signal.SIGINT)
            time.sleep(0.01)

        assert process.wait(timeout=30) != 0
        assert list(temporary.iterdir()) == []
        assert [env for env in told_by(psutil.Process.environ) if str(temporary) in str(env)] == []


def test_what_does_not_end_printing_is_ended_and_only_its_beginning_and_end_are_kept() -> None:
    outcome = apart(in_cell("def chatter():\n    while True: print('x' * 1000)")["chatter"], seconds=60)

    assert outcome.ended == "printed too much"
    assert len(outcome.printed) < 5000


def test_the_beginning_and_the_end_of_a_long_output_are_kept() -> None:
    outcome = apart(in_cell("def count():\n    for n in range(5000): print(n)")["count"])

    assert outcome.printed.startswith("0\n1\n2\n")
    assert "\n...\n" in outcome.printed
    assert outcome.printed.endswith("4998\n4999\n")


class Odd(Exception):
    """Can be pickled, but not put together again: pickle calls it with one argument."""

    def __init__(self, one: int, other: int) -> None:
        super().__init__(f"{one} {other}")


def test_a_value_that_cannot_be_put_together_here_is_told_in_words() -> None:
    outcome = apart(lambda: Odd(1, 2))

    assert outcome.ended == "returned"
    assert outcome.value.startswith("<TypeError")


def test_temporary_files_that_it_leaves_are_gone(tmp_path: Path) -> None:
    def leave() -> str:
        import tempfile

        name = tempfile.mkdtemp()
        print(name, flush=True)
        while True:
            time.sleep(0.1)

    name = apart(leave, seconds=1).printed.strip()

    assert name
    assert not Path(name).exists()


def test_the_time_counts_from_when_its_code_begins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    slow = tmp_path / "slow_to_import.py"
    slow.write_text("import time\ntime.sleep(1.5)\ndef work(): return 7\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    import slow_to_import  # type: ignore[import-not-found]

    assert apart(slow_to_import.work, seconds=1).value == 7
