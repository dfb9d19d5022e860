"""Answers to the exercises, a file each, named as in factory_lib/exercises.

WRONG lists at least three typical ones: what it gets wrong, the code that stands in a cell in the place of
the solution, and a part of what the check has to say. RIGHT has right ones that are not the solution.
"""

import importlib
import pkgutil
import re

_FILES = {
    name[1:].replace("_", "-"): importlib.import_module(f"{__name__}.{name}")
    for _, name, _ in pkgutil.iter_modules(__path__)
    if re.match(r"e\d\d_", name)
}
WRONG_ANSWERS: dict[str, list[tuple[str, str, str]]] = {name: file.WRONG for name, file in _FILES.items()}
RIGHT_ANSWERS: dict[str, dict[str, str]] = {name: file.RIGHT for name, file in _FILES.items()}
