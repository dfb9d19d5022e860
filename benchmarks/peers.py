"""The peers: other people's packages that ours are compared with, if they are here and work."""

import importlib
from importlib.metadata import PackageNotFoundError, version
from typing import Any

# Their packages, as in requirements-benchmarks.txt.
PACKAGES = {
    "distributed": "distributed",
    "faster_fifo": "faster-fifo",
    "frontrun": "frontrun",
    "imutils": "imutils",
    "vidgear": "vidgear",
}


class PeerMissing(Exception):
    """A peer cannot be measured here; the text says why and what to do."""


def peer(module: str) -> Any:
    """Import a peer's module, such as "vidgear.gears".

    Raises
    ------
    PeerMissing
        If it is not installed, or does not work with the Python and OpenCV that are here.
    """
    package = PACKAGES[module.partition(".")[0]]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        what = "is not installed" if PACKAGES.get(missing) == package else f"needs {error.name}"
    except Exception as error:
        what = f"cannot be imported ({error!r})"
    raise PeerMissing(f"{package} {what}: run 'pip install -r requirements-benchmarks.txt'.")


def versions() -> dict[str, str | None]:
    """Tell which version of each peer is installed."""
    found: dict[str, str | None] = {}
    for package in PACKAGES.values():
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found
