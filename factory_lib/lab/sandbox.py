"""Runs code that may crash, hang or kill in an interpreter of its own, and tells in words how it went."""

import contextlib
import io
import linecache
import os
import pickle
import re
import subprocess
import sys
import tempfile
import threading
import time
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
import psutil

from ..errors import FactoryError
from . import sandbox_server
from .page import say

# What Python itself keeps running beside a process's children, and the interpreter that a .venv of Windows
# starts in its turn.
HELPERS: tuple[str, ...] = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")
if sys.platform == "win32":
    HELPERS += ("factory_lib.lab.sandbox_child",)
MARK = "FACTORY_APART"  # a variable by which everything that one call starts can be told
START = 60.0  # seconds that a cold, busy machine may take to start Python and to import what is used
MOST_PRINTED, MOST_RETURNED, PAGE = 10_000_000, 100_000_000, 2_000  # bytes


@dataclass(frozen=True)
class Outcome:
    """How a function did in an interpreter of its own.

    Attributes
    ----------
    ended : str
        "returned", "raised", "did not finish", "printed too much" or "died" (the whole interpreter, as by
        `os._exit`).
    value : object
        What it returned.
    error, line : str
        What it raised, and the line of its own code in which that happened.
    printed, complaints : str
        What it and its processes wrote to standard output and standard error: the beginning and the end.
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
            "printed too much": "It printed more than 10 MB, and was ended: is there a loop without an end?",
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
        After so long it is ended, with every process that it started. Starting Python is not counted.

    Returns
    -------
    Outcome
        How it went. It is also what the notebook shows.

    Raises
    ------
    FactoryError
        If the function uses something that cannot leave this process, such as an open camera. A lock of the
        notebook is a fresh one there.
    """
    return run_packed(pack(function, *args), seconds)


def run_packed(call: bytes, seconds: float, variables: Mapping[str, str] = os.environ) -> Outcome:
    """Run what `pack` made, with these environment variables; see `apart`."""
    with tempfile.TemporaryDirectory(prefix="apart-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "call").write_bytes(call)
        outputs = folder / "printed", folder / "complaints"
        # What it makes in the usual place for temporary files goes with the folder; MARK tells its processes.
        env = {**variables, "PYTHONUTF8": "1", MARK: name, "TMPDIR": name, "TEMP": name, "TMP": name}
        with outputs[0].open("wb") as printed, outputs[1].open("wb") as complaints:
            process = sandbox_server.fork(name, env, START) or subprocess.Popen(
                [sys.executable, "-P", "-m", "factory_lib.lab.sandbox_child", name],
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=complaints,
                env=env,
                start_new_session=True,  # so that Ctrl-C comes to us alone
            )
            ended = "did not finish"
            try:
                deadline, begun = time.monotonic() + START, False
                while time.monotonic() < deadline:
                    if process.poll() is not None:
                        ended = "died"
                        break
                    if not begun and (folder / "begun").exists():
                        deadline, begun = time.monotonic() + seconds, True
                    if sum(path.stat().st_size for path in outputs) > MOST_PRINTED:
                        ended = "printed too much"
                        break
                    time.sleep(0.005)
            finally:
                left = _end_for_sure(process, name)
        value, error, line = None, "", ""
        if ended == "died" and (folder / "report").exists():
            ended, what = _load(folder / "report")
            if ended == "raised":
                error, file, number = what
                line = linecache.getline(file, number).strip()
            else:
                value = what
        return Outcome(
            ended=ended,
            value=value,
            error=error,
            line=line,
            printed=_read(outputs[0]),
            complaints=_read(outputs[1]),
            exit_code=process.returncode,
            left=left,
            seconds=seconds,
        )


def pack(function: Callable[..., Any], *args: Any) -> bytes:
    """Pickle a call by value, with what the notebook defines and the function and its helpers use."""
    names = _from_cells(function, args)
    try:
        # As multiprocessing does it: what could be imported here can be imported there.
        sources = {file: linecache.getlines(file) for file in _files(function, *args, *names.values())}
        return pickle.dumps((sys.path, sources, _dumps((function, args, names))))
    except Exception as error:
        for user in (function, *args, *names.values()):
            for name in sorted(_names(user.__code__)) if hasattr(user, "__code__") else ():
                if not callable(user.__globals__.get(name)) and not _can_be_sent(user.__globals__.get(name)):
                    what = f"Your code uses '{name}' from the notebook, and that works only there."
                    raise FactoryError(what, "Open or make it inside the function.") from None
        what = f"This cannot be sent to another process ({error})."
        raise FactoryError(what, "Open or make what it uses inside the function.") from None


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Sends also locks, and with them queues, events and conditions: as new ones that nobody holds."""

    def reducer_override(self, value: Any) -> Any:
        for kind in (threading.Lock, threading.RLock):
            if type(value) is type(kind()):
                return kind, ()
        if isinstance(value, types.CodeType):
            # cloudpickle 3.1.3 and newer forget the file, and with it the line in which an error came.
            _, parts = self.dispatch_table[types.CodeType](value)
            return _code_in, (value.co_filename, *parts)
        return super().reducer_override(value)


def _code_in(file: str, *parts: Any) -> types.CodeType:
    return types.CodeType(*parts).replace(co_filename=file)


def _dumps(value: Any) -> bytes:
    buffer = io.BytesIO()
    _Pickler(buffer).dump(value)
    return buffer.getvalue()


def _can_be_sent(value: Any) -> bool:
    try:
        _dumps(value)
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


def _files(*values: Any) -> set[str]:
    """Find the cells that functions stand in: their text is not in a file that another process could read."""
    functions = [value for value in _flat(values) if isinstance(value, types.FunctionType)]
    return {value.__code__.co_filename for value in functions if value.__module__ == "__main__"}


def _flat(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        yield from _flat(value) if isinstance(value, tuple | list) else (value,)


def _names(code: types.CodeType) -> set[str]:
    """Return the global names in a function's code, also in the functions and comprehensions within."""
    inner = (constant for constant in code.co_consts if isinstance(constant, types.CodeType))
    return set(code.co_names).union(*map(_names, inner))


def _end_for_sure(process: "subprocess.Popen[bytes] | sandbox_server.Forked", mark: str) -> int:
    """End an interpreter and all that it has started, also while somebody presses Ctrl-C again and again."""
    interrupted: KeyboardInterrupt | None = None
    while True:
        try:
            left = _end(process, mark)
        except KeyboardInterrupt as error:
            interrupted = error
            continue
        if interrupted:
            raise interrupted
        return left


def _end(process: "subprocess.Popen[bytes] | sandbox_server.Forked", mark: str) -> int:
    """End an interpreter and all that it has started; tell how many of those were still running."""
    family = _family(process.pid, mark)
    left = sum(not _is_helper(one) for one in family)
    if process.poll() is None:
        process.kill()  # first of all: it could start another one for each that is ended
    process.wait(timeout=10)
    deadline = time.monotonic() + 10
    while family and time.monotonic() < deadline:
        # The helpers end by themselves when all others have, and clean up: they get a while for that.
        for one in family:
            if not _is_helper(one) or time.monotonic() > deadline - 5:
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()
        psutil.wait_procs(family, timeout=0.2)
        family = [one for one in {*family, *_family(process.pid, mark)} if _is_alive(one)]
    return left


def _family(pid: int, mark: str) -> list[psutil.Process]:
    """Return the living processes that an interpreter has started, without itself.

    They are told by their session or, if they have left that, by the mark in their environment; on Windows
    by their parents.
    """
    if sys.platform == "win32":
        try:
            return list(psutil.Process(pid).children(recursive=True))
        except psutil.NoSuchProcess:
            return []
    found = []
    for one in psutil.process_iter():
        try:
            ours = os.getsid(one.pid) == pid or one.environ().get(MARK) == mark
        except (OSError, psutil.Error):  # of somebody else, or just gone
            continue
        if ours and one.pid != pid and _is_alive(one):
            found.append(one)
    return found


def _is_alive(one: psutil.Process) -> bool:
    try:
        return one.is_running() and one.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _is_helper(one: psutil.Process) -> bool:
    """Tell whether Python itself keeps this process; or, on Windows, whether it is what a .venv starts."""
    try:
        command = " ".join(one.cmdline())
    except psutil.Error:
        return False
    return any(word in command for word in HELPERS)


def _load(report: Path) -> tuple[str, Any]:
    """Read what came home; what cannot be shown here is told in words."""
    if report.stat().st_size > MOST_RETURNED:
        return "returned", f"<{report.stat().st_size:,} bytes>"
    try:
        how, what = pickle.loads(report.read_bytes())
    except Exception as error:  # an object that can be taken apart, but not put together again
        return "returned", f"<{type(error).__name__}: {error}>"
    return str(how), what


def _read(path: Path) -> str:
    """Read the beginning and the end of what was printed."""
    with path.open("rb") as file:
        data = file.read(PAGE + 1)
        if len(data) > PAGE:
            file.seek(max(PAGE, path.stat().st_size - PAGE))
            data = data[:PAGE] + b"\n...\n" + file.read()
    return data.decode("utf-8", errors="replace").replace("\r\n", "\n")
