"""What it takes to start: the package and its command, beyond OpenCV's own import."""

import time
from collections.abc import Iterator

from .apart import output
from .paired import Excess, Run, Work


def python(*options: str) -> Work:
    """Start Python with these options and wait for its end; the cost is in milliseconds."""

    def run() -> Run:
        start = time.perf_counter()
        output(options)
        return Run(1, 1000 * (time.perf_counter() - start))

    return run


def cases() -> Iterator[Excess]:
    """Compare with a Python that imports cv2 and ends."""
    cv2 = python("-c", "import cv2")
    for what, options in (
        ("import factory_lib", ("-c", "import factory_lib")),
        ("factory --help", ("-m", "factory_lib", "--help")),
    ):
        yield Excess(what, python(*options), "import cv2", cv2, "ms", 150.0, pairs=11)
