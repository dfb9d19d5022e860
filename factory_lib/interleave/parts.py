"""What an object holds, and how that is put back, without running any code of the learner's."""

import functools
import sys
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import CellType, FunctionType, MethodType, ModuleType, SimpleNamespace
from typing import Any

from .bytecode import is_followed

MISSING = object()
Part = tuple[str, Any, Any, Callable[[Any], None] | None]


def is_own_module(module: Any) -> bool:
    """Tell whether a module is the learner's."""
    return isinstance(module, ModuleType) and (
        module.__name__ == "__main__" or is_followed(getattr(module, "__file__", None) or "<frozen >")
    )


@functools.lru_cache(maxsize=1024)
def is_learners(kind: Any) -> bool:
    """Tell whether a class was written in Python by the learner, or is a plain bag of attributes."""
    if is_model(kind):
        return False
    if issubclass(kind, SimpleNamespace):
        return True
    functions = (value for value in vars(kind).values() if isinstance(value, FunctionType))
    known = next((is_followed(function.__code__.co_filename) for function in functions), None)
    if known is None:
        known = is_own_module(sys.modules.get(kind.__module__))
    return known or any(is_learners(base) for base in kind.__bases__ if base not in (object, type))


def is_model(kind: type) -> bool:
    """Tell whether a class is one of explore's own, for a lock or the like."""
    return getattr(kind, "is_model", False)


def attributes(value: Any) -> dict[str, Any]:
    """List an object's own attributes, in their dictionary or in slots; a class's but for its own names."""
    if isinstance(value, type):
        return {name: item for name, item in vars(value).items() if name[:2] != "__"}
    kind: Any = type(value)
    names, has_dict = _slots(kind)
    found = dict(object.__getattribute__(value, "__dict__")) if has_dict else {}
    for name in names:
        with suppress(AttributeError):
            found[name] = object.__getattribute__(value, name)
    return found


@functools.lru_cache(maxsize=1024)
def _slots(kind: Any) -> tuple[list[str], bool]:
    names = []
    for base in kind.__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__"):
                private = name.startswith("__") and not name.endswith("__")
                names.append(f"_{base.__name__.lstrip('_')}{name}" if private else name)
    return names, kind.__dictoffset__ != 0


def content(cell: CellType) -> Any:
    """Return what a cell holds, or `MISSING`."""
    try:
        return cell.cell_contents
    except ValueError:
        return MISSING


def parts(value: Any) -> Iterator[Part]:
    """List what an object holds.

    Yields
    ------
    sign, key, item, put
        "." and an attribute's name, or "[" and a key, or "" where it has no name; what is there; and what
        puts something else in its place, if that is possible.
    """
    kind: Any = type(value)
    if is_model(kind):
        yield from (("", None, item, None) for item in value.contents())
    elif isinstance(value, dict):
        for key, item in list(dict.items(value)):
            yield "[", key, item, functools.partial(dict.__setitem__, value, key)
    elif isinstance(value, list | deque):
        for place, item in enumerate(list(value)):
            yield "[", place, item, functools.partial(value.__setitem__, place)
    elif isinstance(value, tuple):
        yield from (("[", place, item, None) for place, item in enumerate(value))
    elif kind is CellType:
        if content(value) is not MISSING:
            yield "", None, value.cell_contents, functools.partial(setattr, value, "cell_contents")
    elif kind is FunctionType:
        held = (
            *(value.__closure__ or ()),
            *(value.__defaults__ or ()),
            *(value.__kwdefaults__ or {}).values(),
        )
        yield from (("", None, item, None) for item in (*held, value.__dict__.get("__wrapped__")))
    elif kind is MethodType:
        yield from (("", None, item, None) for item in (value.__func__, value.__self__))
    elif kind is functools.partial:
        yield from (("", None, item, None) for item in (value.func, *value.args, *value.keywords.values()))
    elif isinstance(value, set | frozenset):
        yield from (("", None, item, None) for item in value)
    elif isinstance(value, property | staticmethod | classmethod | functools.cached_property):
        for name in ("fget", "fset", "fdel", "__func__", "func"):
            yield "", None, getattr(value, name, None), None
    elif isinstance(value, type) and is_learners(value):
        yield from (("", None, base, None) for base in value.__bases__ if base is not object)
        for name, item in list(vars(value).items()):
            if not name.startswith("__") or isinstance(item, FunctionType):
                yield ".", name, item, functools.partial(setattr, value, name)
    if not isinstance(value, type | ModuleType) and is_learners(kind):
        yield "", None, kind, None
        for name, item in attributes(value).items():
            yield ".", name, item, functools.partial(object.__setattr__, value, name)


def keep(value: Any) -> Callable[[], None] | None:
    """Make what puts the present contents of an object back; None if it has none or we cannot."""
    if isinstance(value, dict) and type(value).__module__ in ("builtins", "collections"):
        entries, base = dict(value), OrderedDict if isinstance(value, OrderedDict) else dict
        return lambda: (base.clear(value), base.update(value, entries))[0]
    if isinstance(value, list | bytearray):
        items = value[:]
        return lambda: value.__setitem__(slice(None), items)
    if isinstance(value, set | deque):
        found = list(value)
        fill = value.extend if isinstance(value, deque) else value.update
        return lambda: (value.clear(), fill(found))[0]
    if type(value) is CellType:
        return functools.partial(_put_content, value, content(value))
    if isinstance(value, ModuleType | FunctionType):
        return None
    kind: Any = value if isinstance(value, type) else type(value)
    if kind is value and is_learners(kind):
        return functools.partial(_put_class, kind, attributes(kind), set(vars(kind)))
    if is_learners(kind) or is_model(type(value)):
        return functools.partial(_put_attributes, value, attributes(value))
    return None


def _put_content(cell: CellType, held: Any) -> None:
    if held is not MISSING:
        cell.cell_contents = held
    elif content(cell) is not MISSING:
        del cell.cell_contents


def _put_class(kind: type, before: dict[str, Any], names: set[str]) -> None:
    """Put a class back; few orders change one, and its names tell that sooner than each of its own."""
    now = vars(kind)
    if now.keys() != names or any(now[name] is not item for name, item in before.items()):
        _put_attributes(kind, before)


def _put_attributes(owner: Any, before: dict[str, Any]) -> None:
    put, delete = (setattr, delattr) if isinstance(owner, type) else (object.__setattr__, object.__delattr__)
    now = attributes(owner)
    for name in now.keys() - before.keys():
        delete(owner, name)
    for name, item in before.items():
        if now.get(name, MISSING) is not item:
            put(owner, name, item)
