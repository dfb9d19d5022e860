"""Writes frozen.json, what the engine answers for each program: run it only for a change that is meant."""

import json
import sys
from pathlib import Path
from typing import Any

from factory_lib.interleave import Result

FROZEN = Path(__file__).parent / "frozen.json"


def frozen(result: Result) -> dict[str, Any]:
    """Take what must not change: verdict, orders, outcomes, and the counterexample step by step."""
    wrong = result.counterexample
    return {
        "verdict": result.verdict,
        "orders": result.schedules,
        "exhausted": result.exhausted,
        "outcomes": dict(sorted(result.outcomes.items())),
        "ending": wrong.ending if wrong else None,
        "counterexample": [
            " ".join(filter(None, (step.thread, step.operation, step.mark))) for step in wrong.steps
        ]
        if wrong
        else None,
    }


def main() -> None:
    """Run every program and write what came out."""
    sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]
    from programs import collect
    from test_programs import run

    answers = {program.name: frozen(run(program)[0]) for program in collect()}
    text = json.dumps(answers, indent=1, sort_keys=True, ensure_ascii=False)
    FROZEN.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
