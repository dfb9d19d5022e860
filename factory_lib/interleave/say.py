"""Values in words, without running any code of the learner's: no `__repr__` takes part in an order."""

import re
from collections import deque
from types import BuiltinFunctionType, CellType, FunctionType, MethodType, ModuleType
from typing import Any

from .parts import MISSING, attributes, content, is_learners, is_model

_LITERALS = frozenset({int, float, complex, bool, str, bytes, type(None), range, slice})
IDLE = "free"  # a lock or the like that nobody holds, where its place must be seen
_NAMED = (type, FunctionType, BuiltinFunctionType, MethodType, ModuleType)


def say(value: Any, inside: tuple[int, ...] = ()) -> str:
    """Write a value like its literal, an object with its attributes."""
    kind: Any = type(value)
    if kind in _LITERALS:
        return repr(value)
    if is_model(kind):
        return str(value.text())
    if isinstance(value, _NAMED):
        return str(getattr(value, "__name__", kind.__name__))
    if id(value) in inside:
        return "..."
    inside = (*inside, id(value))
    if isinstance(value, dict):
        entries = [f"{say(key, inside)}: {say(item, inside) or IDLE}" for key, item in dict.items(value)]
        return _named(kind, (dict,), "{" + ", ".join(entries) + "}")
    bases: tuple[Any, ...] = (list, deque, tuple, set, frozenset)
    for base in bases:
        if isinstance(value, base):
            items = [say(item, inside) or IDLE for item in base.__iter__(value)]
            return _named(kind, (list, tuple, set), _enclose(base, items))
    if kind is CellType:
        return "" if content(value) is MISSING else say(value.cell_contents, inside)
    if is_learners(kind):
        return f"{kind.__name__}({_pairs(value, inside)})"
    own: Any = kind.__repr__
    if isinstance(own, FunctionType) or own is object.__repr__:
        return str(kind.__name__)
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))


def _pairs(value: Any, inside: tuple[int, ...]) -> str:
    """Say an object's attributes; a lock or the like only if it is not idle."""
    said = attributes(value).items()
    return ", ".join([f"{name}={text}" for name, inner in said if (text := say(inner, inside))])


def say_state(value: Any) -> str:
    """Say the state that a setup made: an object by its attributes alone."""
    kind: Any = type(value)
    return _pairs(value, (id(value),)) if is_learners(kind) else say(value)


def _enclose(base: type, items: list[str]) -> str:
    if base in (set, frozenset):
        return "{" + ", ".join(sorted(items)) + "}" if items else "()"
    text = ", ".join(items)
    return f"({text}{',' if len(items) == 1 else ''})" if base is tuple else f"[{text}]"


def _named(kind: type, plain: tuple[type, ...], text: str) -> str:
    return (
        text if (kind in plain and text != "()") or kind is tuple else f"{kind.__name__}({text.strip('()')})"
    )
