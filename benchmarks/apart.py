"""Runs a measurement in a Python of its own: for memory, start-up, and what changes a whole process."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from .paired import Run, Work

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 300.0


def output(options: Sequence[str], env: dict[str, str] | None = None) -> str:
    """Run Python with these options from the project's folder and return what it printed.

    Raises
    ------
    RuntimeError
        If it fails, with the last line that it said.
    """
    done = subprocess.run(
        [sys.executable, *options],
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise RuntimeError(said[-1])
    return done.stdout


def apart(module: str, call: str, env: dict[str, str] | None = None) -> Work:
    """Make a work of a call, such as "reading_only()", that returns a `Run` in a process of its own."""
    code = f"import json; from benchmarks import {module}; print(json.dumps({module}.{call}))"

    def run() -> Run:
        amount, cost = json.loads(output(["-c", code], env).splitlines()[-1])
        return Run(amount, cost)

    return run
