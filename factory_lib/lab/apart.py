"""Runs code that may crash, hang or kill in an interpreter of its own, and tells in words how it went."""

import contextlib
import linecache
import os
import pickle
import re
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
import psutil

from ..errors import FactoryError
from .page import say

# What Python itself keeps running beside multiprocessing's shared memory; it ends by itself, cleaning up.
TRACKER = "multiprocessing.resource_tracker"


@dataclass(frozen=True)
class Outcome:
    """How a function did in an interpreter of its own.

    Attributes
    ----------
    ended : str
        "returned", "raised", "did not finish" or "died" (the whole interpreter, as by `os._exit`).
    value : object
        What it returned.
    error, line : str
        What it raised, and the line of its own code in which that happened.
    printed, complaints : str
        What it and its processes wrote to standard output and standard error.
    exit_code : int
        The interpreter's exit code; below 0 the number of the signal that ended it.
    left : int
        How many processes that it had started were still alive when it was over. They are not now.
    seconds : float
        How long it was given at most.
    """

    ended: str
    value: Any
    error: str
    line: str
    printed: str
    complaints: str
    exit_code: int
    left: int
    seconds: float

    @property
    def last_complaint(self) -> str:
        """The last error that one of its processes reported, such as "AttributeError: ..."; or empty."""
        found = re.findall(r"^[A-Za-z_][\w.]*(?:Error|Exception|Interrupt)\b.*$", self.complaints, re.M)
        return str(found[-1]).rstrip() if found else ""

    def __str__(self) -> str:
        where = f", in the line '{self.line}'" if self.line else ""
        text = {
            "returned": f"It returned {self.value!r}.",
            "raised": f"It stopped with {self.error}{where}.",
            "did not finish": f"It did not finish in {self.seconds:g} s: is something waiting for ever?",
            "died": f"Its whole Python ended at once, with exit code {self.exit_code}.",
        }[self.ended]
        if self.left:
            text += f" Still running, and now ended: {self.left} of its processes."
        if self.last_complaint:
            text += f" One of its processes said: {self.last_complaint}"
        return text

    def _ipython_display_(self) -> None:
        say("\n".join(filter(None, [str(self), self.printed and f"It printed: {self.printed.rstrip()}"])))


def apart(function: Callable[..., Any], *args: Any, seconds: float = 10.0) -> Outcome:
    """Run a function in a fresh interpreter; whatever it does there, this one lives on, and nothing is left.

    Parameters
    ----------
    function : callable
        It may stand in a cell: it is sent with the functions and values of the notebook that it uses.
    *args : object
        Its arguments.
    seconds : float
        After so long it is ended, with every process that it started.

    Returns
    -------
    Outcome
        How it went. It is also what the notebook shows.

    Raises
    ------
    FactoryError
        If the function uses something that cannot leave this process, such as a lock or an open camera.
    """
    return run_packed(pack(function, *args), seconds)


def run_packed(call: bytes, seconds: float) -> Outcome:
    """Run what `pack` made; see `apart`."""
    with tempfile.TemporaryDirectory(prefix="apart-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "call").write_bytes(call)
        with (folder / "printed").open("wb") as printed, (folder / "complaints").open("wb") as complaints:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "factory_lib.lab.child", str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=complaints,
                env={**os.environ, "PYTHONUTF8": "1"},
                start_new_session=True,  # so that its processes can be told from all others
            )
            try:
                deadline = time.monotonic() + seconds
                while process.poll() is None and time.monotonic() < deadline:
                    time.sleep(0.005)
                in_time = process.poll() is not None
            finally:
                left = _end(process)
        report = folder / "report"
        how: str = "died"
        what: Any = None
        if report.exists() and in_time:
            how, what = pickle.loads(report.read_bytes())
        error, file, number = what if how == "raised" else ("", "", 0)
        return Outcome(
            ended=how if in_time else "did not finish",
            value=what if how == "returned" else None,
            error=error,
            line=linecache.getline(file, number).strip(),
            printed=_read(folder / "printed"),
            complaints=_read(folder / "complaints"),
            exit_code=process.returncode,
            left=left,
            seconds=seconds,
        )


def pack(function: Callable[..., Any], *args: Any) -> bytes:
    """Pickle a call by value, with what the notebook defines and the function and its helpers use."""
    names = _from_cells(function, args)
    try:
        # As multiprocessing does it: what could be imported here can be imported there.
        return pickle.dumps((sys.path, cloudpickle.dumps((function, args, names))))
    except Exception as error:
        for user in (function, *args, *names.values()):
            for name in sorted(_names(user.__code__)) if hasattr(user, "__code__") else ():
                if not callable(user.__globals__.get(name)) and not _can_be_sent(user.__globals__.get(name)):
                    what = f"Your code uses '{name}' from the notebook, and that works only there."
                    raise FactoryError(what, "Open or make it inside the function.") from None
        what = f"This cannot be sent to another process ({error})."
        raise FactoryError(what, "Open or make what it uses inside the function.") from None


def _can_be_sent(value: Any) -> bool:
    try:
        cloudpickle.dumps(value)
    except Exception:
        return False
    return True


def _from_cells(*values: Any) -> dict[str, Any]:
    """Find the notebook's own functions and classes that these use: processes look them up by name."""
    found: dict[str, Any] = {}
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        if isinstance(value, tuple | list):
            waiting += value
        if getattr(value, "__module__", "") != "__main__" or value in found.values():
            continue
        if name := getattr(value, "__name__", ""):
            found[name] = value
        if code := getattr(value, "__code__", None):
            waiting += [value.__globals__.get(used) for used in _names(code)]
    return found


def _names(code: types.CodeType) -> set[str]:
    """Return the global names in a function's code, also in the functions and comprehensions within."""
    inner = (constant for constant in code.co_consts if isinstance(constant, types.CodeType))
    return set(code.co_names).union(*map(_names, inner))


def _end(process: "subprocess.Popen[bytes]") -> int:
    """End an interpreter and all that it has started; tell how many of those were still running."""
    family = _family(process.pid)
    trackers = [one for one in family if _is_tracker(one)]
    others = [one for one in family if one not in trackers and one.pid != process.pid]
    over = process.poll() is not None
    for one in others:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    if not over:
        process.kill()
    process.wait(timeout=10)
    psutil.wait_procs(others, timeout=5)
    _, stubborn = psutil.wait_procs(trackers, timeout=5)
    for one in stubborn:
        one.kill()
    return len(others)


def _family(pid: int) -> list[psutil.Process]:
    """Return the living processes of a session; on Windows, those whose parents lead up to it."""
    if sys.platform == "win32":
        try:
            return list(psutil.Process(pid).children(recursive=True))
        except psutil.NoSuchProcess:
            return []
    found = []
    for one in psutil.process_iter():
        try:
            if os.getsid(one.pid) == pid and one.status() != psutil.STATUS_ZOMBIE:
                found.append(one)
        except (ProcessLookupError, PermissionError, psutil.NoSuchProcess):
            continue
    return found


def _is_tracker(one: psutil.Process) -> bool:
    try:
        return TRACKER in " ".join(one.cmdline())
    except psutil.Error:
        return False


def _read(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read()
