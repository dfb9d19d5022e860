"""Print the table: ``python -m benchmarks [detector] [factory] [interleave]``."""

import sys

from . import detector, factory, interleave
from .paired import TITLES, machine

SUITES = {"detector": detector.rows, "factory": factory.rows, "interleave": interleave.rows}


def main(names: list[str]) -> int:
    """Run the suites of these names, or all."""
    unknown = [name for name in names if name not in SUITES]
    if unknown:
        print(f"There is no benchmark {unknown[0]}. Choose from {', '.join(SUITES)}.", file=sys.stderr)
        return 2
    print(f"{machine()}.\n\n{TITLES}")
    for name in names or SUITES:
        for row in SUITES[name]():
            print(row, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
