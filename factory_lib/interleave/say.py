"""Values in words, without running any code of the learner's: no `__repr__` takes part in an order."""

import re
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from types import BuiltinFunctionType, CellType, FunctionType, MethodType, ModuleType, SimpleNamespace
from typing import Any

from .bytecode import is_followed

_NAMED = (type, FunctionType, BuiltinFunctionType, MethodType, ModuleType)


def is_learners(kind: type) -> bool:
    """Tell whether a class was written in Python by the learner, or is a plain bag of attributes."""
    if issubclass(kind, SimpleNamespace):
        return True
    functions = (value for value in vars(kind).values() if isinstance(value, FunctionType))
    known = next((is_followed(function.__code__.co_filename) for function in functions), None)
    if known is None:
        module = sys.modules.get(kind.__module__)
        known = module is not None and (
            module.__name__ == "__main__" or is_followed(getattr(module, "__file__", None) or "<frozen >")
        )
    return known or any(
        is_learners(base) for base in kind.__bases__ if base is not object and base is not type
    )


def attributes(value: Any) -> dict[str, Any]:
    """List an object's own attributes, in their dictionary or in slots."""
    found: dict[str, Any] = {}
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name.startswith("__") and not name.endswith("__"):
                name = f"_{kind.__name__.lstrip('_')}{name}"
            try:
                found[name] = object.__getattribute__(value, name)
            except AttributeError:
                continue
    found.pop("__dict__", None)
    found.pop("__weakref__", None)
    with suppress(AttributeError):
        found.update(object.__getattribute__(value, "__dict__"))
    return found


def pairs(value: Any) -> list[tuple[str, str]]:
    """Say an object's attributes; a lock or the like only if it is not idle."""
    return [(name, text) for name, inner in attributes(value).items() if (text := say(inner)) != ""]


def say(value: Any, inside: tuple[int, ...] = ()) -> str:
    """Write a value like its literal, an object with its attributes."""
    kind = type(value)
    if kind in (int, float, complex, bool, str, bytes, type(None), range, slice):
        return repr(value)
    if getattr(kind, "is_model", False):
        return str(value.text())
    if isinstance(value, _NAMED):
        return str(getattr(value, "__name__", kind.__name__))
    if id(value) in inside:
        return "..."
    inside = (*inside, id(value))
    if isinstance(value, dict):
        entries = [f"{say(key, inside)}: {say(item, inside)}" for key, item in dict.items(value)]
        return _named(kind, (dict,), "{" + ", ".join(entries) + "}")
    bases: tuple[Any, ...] = (list, deque, tuple, set, frozenset)
    for base in bases:
        if isinstance(value, base):
            items = [say(item, inside) for item in base.__iter__(value)]
            return _named(kind, (list, tuple, set), _enclose(base, items))
    if kind is CellType:
        return "" if not _full(value) else say(value.cell_contents, inside)
    if is_learners(kind):
        inner = ", ".join(
            f"{name}={text}" for name, inner in attributes(value).items() if (text := say(inner, inside))
        )
        return f"{kind.__name__}({inner})"
    own: Any = kind.__repr__
    if isinstance(own, FunctionType) or own is object.__repr__:
        return kind.__name__
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))


def _full(cell: CellType) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False


def _enclose(base: type, items: list[str]) -> str:
    if base in (set, frozenset):
        return "{" + ", ".join(sorted(items)) + "}" if items else "()"
    text = ", ".join(items)
    return f"({text}{',' if len(items) == 1 else ''})" if base is tuple else f"[{text}]"


def _named(kind: type, plain: tuple[type, ...], text: str) -> str:
    return (
        text if (kind in plain and text != "()") or kind is tuple else f"{kind.__name__}({text.strip('()')})"
    )


def lines(value: Any) -> Iterator[str]:
    """Say the state that a setup made: an object by its attributes alone."""
    if value is None:
        return
    if is_learners(type(value)) and not getattr(type(value), "is_model", False):
        yield ", ".join(f"{name}={text}" for name, text in pairs(value))
    else:
        yield say(value)
