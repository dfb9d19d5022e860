"""Measure, print Markdown tables and write JSON: ``python -m benchmarks [NAMES] [--json FILE]``."""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from . import batch, capture, detector, factory, interleave, memory, scaling, startup, transport
from .paired import Ratio, Row, measure
from .report import TITLES, describe, line, machine, warning, write

SUITES: dict[str, Callable[[], Iterator[Ratio]]] = {
    "detector": detector.cases,
    "factory": factory.cases,
    "capture": capture.cases,
    "transport": transport.cases,
    "batch": batch.cases,
    "scaling": scaling.cases,
    "interleave": interleave.cases,
    "memory": memory.cases,
    "startup": startup.cases,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the suites of these names, or all; return 1 if something of ours failed, 2 if a name is wrong."""
    parser = argparse.ArgumentParser("python -m benchmarks", description="Measure ours against peers.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"which of {', '.join(SUITES)} (default: all)"
    )
    parser.add_argument(
        "--json", type=Path, default=Path("benchmarks.json"), metavar="FILE", help="default: %(default)s"
    )
    options = parser.parse_args(argv)
    unknown = [name for name in options.names if name not in SUITES]
    if unknown:
        print(f"There is no benchmark {unknown[0]}. Choose from {', '.join(SUITES)}.", file=sys.stderr)
        return 2
    if not options.json.absolute().parent.is_dir():
        print(f"There is no folder for {options.json}. Name a file in one that exists.", file=sys.stderr)
        return 2
    here, start = machine(), time.perf_counter()
    print(describe(here))
    done: dict[str, list[Row]] = {}
    for name in options.names or SUITES:
        done[name] = _run(name)
        write(options.json, here, done, time.perf_counter() - start)
    rows = [row for found in done.values() for row in found]
    print(f"\n{warning(rows)}\n" if warning(rows) else "")
    print(f"Written to {options.json}, after {time.perf_counter() - start:.0f} s.")
    return int(any(row.ours_failed for row in rows))


def _run(name: str) -> list[Row]:
    """Measure a suite and print it, row by row; a new table begins where the kind of figure changes."""
    rows: list[Row] = []
    print(f"\n## {name}")
    for case in SUITES[name]():
        if not rows or rows[-1].case.table != case.table:
            print(f"\n{TITLES.format(case.table)}")
        rows.append(measure(case))
        print(line(rows[-1]), flush=True)
    return rows


if __name__ == "__main__":
    sys.exit(main())
