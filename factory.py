#!/usr/bin/env python3
"""The slide's program: python3 factory.py [-d PORT]; the work is in factory_lib."""

import sys


def run() -> int:
    """Run the factory; without the course's packages, say how to get them."""
    try:
        from factory_lib.cli import main
    except ModuleNotFoundError as error:
        sys.stderr.write(
            f"This Python has no '{error.name}': activate the course's environment first "
            "(source .venv/bin/activate), or run 'python3 course.py factory', which also installs it.\n"
        )
        return 2
    except ImportError as error:
        sys.stderr.write(
            f"OpenCV cannot be loaded ({error}): on Debian and Ubuntu run "
            "'sudo apt install libgl1 libglib2.0-0', elsewhere install the library that is named here.\n"
        )
        return 2
    return main()


if __name__ == "__main__":
    sys.exit(run())
