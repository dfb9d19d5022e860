"""`apart`: whatever a function does there, this process lives on and nothing is left."""

import ctypes
import os
import sys
import threading
import time
from multiprocessing import get_context
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import psutil
import pytest

from factory_lib import FactoryError
from factory_lib.lab.apart import apart, pack


@pytest.fixture(autouse=True)
def no_process_left() -> None:
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    yield
    after = {process.pid for process in psutil.Process().children(recursive=True)}
    assert after <= before


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
    cell = in_cell("def run():\n    return lock", lock=threading.Lock())

    with pytest.raises(FactoryError, match=r"uses 'lock' from the notebook.*inside the function"):
        pack(cell["run"])


def test_a_value_that_cannot_come_home_is_told_in_its_own_words() -> None:
    assert apart(
        in_cell("import threading\ndef run():\n    return threading.Lock()")["run"]
    ).value.startswith("<unlocked _thread.lock")
