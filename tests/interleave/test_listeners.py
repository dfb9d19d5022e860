"""Others listen to the same events: coverage, debuggers, profilers. No verdict may change by it.

Each listens to another third of the corpus, taken across all of its files: they differ in what is shared or
waited for, and the programs of one file hardly differ in which events they need.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
MONITORING = sys.version_info >= (3, 12)
MODES = ["debugger", *(["breakpoint", "instruction"] if MONITORING else [])]
CORES = ["ctrace", *(["sysmon"] if MONITORING else [])]


def verdicts(*command: str, **more: str) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=115,
        check=False,
        cwd=HERE,
        env={**os.environ, "PYTHONPATH": f"{HERE}{os.pathsep}{HERE.parent.parent}", **more},
    )
    return (done.stdout + done.stderr).strip()


@pytest.mark.parametrize("mode", MODES)
def test_no_verdict_is_wrong_while_another_tool_listens(mode: str) -> None:
    assert verdicts("under.py", mode, str(MODES.index(mode))).endswith("programs, no wrong verdict")


@pytest.mark.parametrize("core", CORES)
def test_no_verdict_is_wrong_under_coverage(core: str, tmp_path: Path) -> None:
    file = f"--data-file={tmp_path / 'coverage'}"
    third = str(1 + CORES.index(core))
    said = verdicts("-m", "coverage", "run", "--rcfile=", file, "under.py", "none", third, COVERAGE_CORE=core)

    assert said.endswith("programs, no wrong verdict")
