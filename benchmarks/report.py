"""What was measured, as Markdown tables and as JSON."""

import json
import platform
import statistics
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil

from .paired import MOST_OTHERS, Row
from .peers import versions

TITLES = "| what | against | {} (medians) | spread | goal | ours | the other |\n|---|---|---|---|---|---|---|"


def machine() -> dict[str, Any]:
    """Describe where the figures come from."""
    return {
        "cores": psutil.cpu_count(),
        "processor": _processor(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "opencv": cv2.__version__,
        "numpy": np.__version__,
        "peers": versions(),
        "date": datetime.now(UTC).date().isoformat(),
    }


def describe(here: dict[str, Any]) -> str:
    """Say in one line what `machine` found."""
    peers = ", ".join(f"{name} {number}" for name, number in here["peers"].items() if number)
    return (
        f"{here['cores']} cores ({here['processor']}), {here['memory_gb']} GB, {here['system']}, "
        f"Python {here['python']}, OpenCV {here['opencv']}, numpy {here['numpy']}; "
        f"peers: {peers or 'none'}; {here['date']}."
    )


def _processor() -> str:
    """Find the processor's name: Linux keeps it where Python does not look."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def line(row: Row) -> str:
    """Write a row of the table."""
    case = row.case
    if row.problem:
        cells = [case.what, case.peer, "not measured", "-", case.said_goal(), row.problem.replace("|", "/")]
        return f"| {' | '.join(cells)} | - |"
    goal = case.said_goal()
    if case.goal is not None:
        goal += " reached" if case.reached(row.value) else " missed"
    if row.busy:
        goal += f" (machine busy: others used {100 * row.others:.0f} %)"
    spread = " to ".join(case.said(value) for value in row.spread)
    sides = [_cost(row, times) for times in (row.ours, row.theirs)]
    return f"| {' | '.join([case.what, case.peer, case.said(row.value), spread, goal, *sides])} |"


def _cost(row: Row, times: Sequence[float]) -> str:
    amount = row.case.scale * statistics.median(times)
    if row.case.suffix and amount >= 10_000:
        return f"{amount / 1000:.{1 if amount < 100_000 else 0}f} ms/{row.case.unit}"
    return f"{amount:.{1 if amount < 1000 else 0}f} {row.case.suffix}{row.case.unit}"


def warning(rows: Iterable[Row]) -> str:
    """Say which rows cannot be trusted; empty if all can."""
    busy = [row for row in rows if row.busy and not row.problem]
    if not busy:
        return ""
    worst = max(row.others for row in busy)
    return (
        f"Careful: in {len(busy)} rows others used more than {100 * MOST_OTHERS:.0f} % of the machine "
        f"(up to {100 * worst:.0f} %). Let it rest and measure again before you trust them."
    )


def write(path: Path, here: dict[str, Any], suites: dict[str, list[Row]], seconds: float) -> None:
    """Write everything, with every round's figure, as JSON."""
    rows = {name: [row.as_dict() for row in found] for name, found in suites.items()}
    values = {"machine": here, "seconds": round(seconds, 1), "suites": rows}
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
