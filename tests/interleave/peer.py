"""Ask frontrun about each program that it can express: ``python -m frontrun.cli python peer.py``.

It patches the locks of its whole process, which is why it gets one of its own.
"""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from programs import Program, collect


def comparable() -> list[Program]:
    return [
        program
        for program in collect()
        if program.peer and program.setup and not any(isinstance(end, str) for end in program.outcomes)
    ]


def ask(program: Program) -> set[Any]:
    import frontrun

    seen: set[Any] = set()

    def invariant(state: Any) -> bool:
        seen.add(program.see(state))
        return True

    frontrun.explore(
        setup=program.setup,
        workers=list(program.workers),
        invariant=invariant,
        preemption_bound=None,
        stop_on_first=False,
        detect_io=False,
        timeout_per_run=10.0,
        total_timeout=60.0,
    )
    return seen


def ask_all() -> dict[str, set[Any]]:
    """Start this file in a process of its own, and read what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "frontrun.cli", sys.executable, __file__],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=110,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent)},
    )
    found = json.loads(done.stdout.splitlines()[-1])
    return {name: set(map(ast.literal_eval, ends)) for name, ends in found.items()}


if __name__ == "__main__":
    answers = {}
    for program in comparable():
        try:
            answers[program.name] = sorted(map(repr, ask(program)))
        except Exception as error:
            answers[program.name] = [repr(f"{type(error).__name__}: {error}"[:200])]
    print(json.dumps(answers))
