"""Children that begin at once: a process that has imported everything, and forks one for each answer.

An interpreter of its own imports OpenCV first; a fork of this one has it. Only on Linux: macOS's own
libraries do not stand a fork, and Windows has none.
"""

import atexit
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping

IS_SUPPORTED = sys.platform == "linux"


class Forked:
    """A child of the server, with what `sandbox` uses of `subprocess.Popen`."""

    def __init__(self, server: "Server", pid: int) -> None:
        self.pid, self.returncode = pid, -9
        self._server, self._is_over = server, False

    def poll(self) -> int | None:
        """Return its exit code, or None while it runs."""
        if not self._is_over and select.select([self._server.socket], [], [], 0)[0]:
            self._is_over = True
            answer = self._server.answers.readline()
            if answer:
                self.returncode = int(answer)
            else:  # somebody has killed the server: what it has forked is nobody's child any more
                self.kill()
                self._server.end()
            self._server.has_child = False
        return self.returncode if self._is_over else None

    def kill(self) -> None:
        """End it at once."""
        if sys.platform != "win32":
            with contextlib.suppress(ProcessLookupError):  # it has just ended
                os.kill(self.pid, signal.SIGKILL)

    def wait(self, timeout: float) -> int:
        """Wait for its end and return its exit code."""
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("a forked child", timeout)
            time.sleep(0.002)
        return code


class Server:
    """The process that forks, and the way to it. It has one child at a time, and ends when this one does."""

    def __init__(self) -> None:
        self.socket, theirs = socket.socketpair()
        self.answers = self.socket.makefile("r", encoding="ascii")
        self.has_child = False
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "factory_lib.lab.sandbox_child", "--serve"],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONUTF8": "1"},
                start_new_session=True,  # so that Ctrl-C comes to the notebook alone
            )

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked for a child."""
        return self._process.poll() is None

    def fork(self, folder: str, env: Mapping[str, str], seconds: float) -> Forked:
        """Let a child run what is in this folder; raise OSError if the server does not answer."""
        self.has_child = True
        task = {"folder": folder, "env": dict(env), "cwd": os.getcwd()}
        self.socket.sendall(json.dumps(task).encode() + b"\n")
        pid = self.answers.readline() if select.select([self.socket], [], [], seconds)[0] else ""
        if not pid:
            raise ConnectionError("The server does not answer.")
        return Forked(self, int(pid))

    def end(self) -> None:
        """Close the way to it, at which it ends."""
        self.answers.close()
        self.socket.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(timeout=5)


MOST = 2  # servers of one process; each has one child at a time
_servers: dict[int, list[Server]] = {}  # of this process; one that has been forked from it has none
_starting = threading.Lock()


def fork(folder: str, env: Mapping[str, str], seconds: float) -> Forked | None:
    """Run what is in this folder in a child that begins at once; None where there can be none now.

    Parameters
    ----------
    folder : str
        Holds the task, and the files for what is printed; see `sandbox_child`.
    env : mapping of str to str
        The child's environment.
    seconds : float
        How long the server may take to import everything, the first time.
    """
    if not IS_SUPPORTED:
        return None
    with _starting:
        servers = _servers.setdefault(os.getpid(), [])
        for dead in [server for server in servers if not server.is_alive]:
            servers.remove(dead)
            dead.end()
        server = next((server for server in servers if not server.has_child), None)
        if server is None and len(servers) == MOST:
            return None  # their children may themselves be waiting for this one
        try:
            if server is None:
                server = Server()
                servers.append(server)
            return server.fork(folder, env, seconds)
        except OSError:
            if server is not None:
                servers.remove(server)
                server.end()
            return None


@atexit.register
def end() -> None:
    """End this process's servers; the next child starts another."""
    for server in _servers.pop(os.getpid(), []):
        server.end()
