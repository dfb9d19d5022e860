"""What an instruction is about to touch: its operands, read off the interpreter's stack, as accesses.

A trace function is told the place of an instruction, never its operands. They lie on the frame's value
stack, whose address is found as the structs ``PyFrameObject`` and ``_PyInterpreterFrame`` of CPython 3.11 to
3.13 say (Include/internal/pycore_frame.h); their depth is known from the code. Nothing is ever written there.
"""

import array
import collections
import ctypes
import functools
import gc
import sys
import sysconfig
import threading
from collections.abc import Callable, Collection, Iterator
from types import (
    BuiltinFunctionType,
    FrameType,
    FunctionType,
    GeneratorType,
    MappingProxyType,
    MethodType,
    ModuleType,
    SimpleNamespace,
    WrapperDescriptorType,
)
from typing import Any

from .bytecode import INSIDE, Site, is_followed
from .parts import attributes, is_learners, is_model

Access = tuple[Any, Any, bool]  # an object, the part of it (None: all of it), and whether that is written
WHOLE = None
_WORD = ctypes.sizeof(ctypes.c_void_p)
_read = ctypes.c_size_t.from_address
_object = ctypes.py_object.from_address
_LOCALS = 8 * _WORD + 8  # eight pointers, then stacktop, two small fields and padding; see the module's top
NULL = object()


@functools.lru_cache(maxsize=64)
def _array(count: int) -> Any:
    return (ctypes.py_object * count).from_address


def _address(frame: FrameType, place: int) -> int:
    """Find where a value of a frame lies: its locals and cells come first, then its stack."""
    return _read(id(frame) + 3 * _WORD).value + _LOCALS + place * _WORD


def slot(frame: FrameType, place: int) -> Any:
    """Return one value of a frame."""
    try:
        return _object(_address(frame, place)).value
    except ValueError:  # it is empty
        return NULL


def slots(frame: FrameType, first: int, count: int) -> list[Any]:
    """Return some values of a frame."""
    try:
        return _array(count)(_address(frame, first))[:]  # type: ignore[no-any-return]
    except ValueError:
        return [slot(frame, first + at) for at in range(count)]


def top(frame: FrameType, site: Site, count: int) -> list[Any]:
    """Return the uppermost values on the stack, the top last."""
    count = min(count, site.depth)
    return slots(frame, site.height - count, count)


def is_readable() -> bool:
    """Tell whether this Python's frames are laid out as they are expected here."""
    if sys.implementation.name != "cpython" or not (3, 11) <= sys.version_info < (3, 14):
        return False
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return False
    frame = sys._getframe()
    return slot(frame, 0) is frame


_PLAIN = {int, float, complex, bool, str, bytes, type(None), range, slice, type, ModuleType, FunctionType}
_PLAIN |= {type(list.append), type(Ellipsis), type(NotImplemented)}
_BOUND: tuple[type, ...] = (BuiltinFunctionType, type([].__len__))  # methods of C, with their object
_VIEWS: tuple[type, ...] = (type({}.keys()), type({}.values()), type({}.items()), MappingProxyType)
_NAMES = """
    get keys values items copy count index union intersection difference symmetric_difference issubset
    issuperset isdisjoint decode startswith endswith find rfind hex tolist tobytes most_common elements
    __len__ __getitem__ __contains__ __iter__ __eq__ __ne__ __bool__ __repr__ __str__
"""
_READERS = frozenset(_NAMES.split())
_PART = {"get", "setdefault", "__getitem__", "__setitem__", "__delitem__", "__contains__"}
_SLOTS = ("__getattribute__", "__setattr__", "__delattr__")
_BLIND = (isinstance, issubclass, callable, type)
_PURE = {"builtins", "math", "itertools", "collections"}
# C code that looks into what it is given, but not into what lies in there.
_FLAT: tuple[Any, ...] = (len, iter, next, any, all, enumerate, zip, map, filter, reversed, bool, int, float)
_FLAT += (list, tuple, set, frozenset, dict, collections.deque, collections.defaultdict, SimpleNamespace)
_COMPARES = {"index", "count", "remove", "sort", "__contains__", "__eq__", "__ne__", "__repr__", "__str__"}
MANY = 10_000  # objects that one instruction may look into


@functools.cache
def is_box(kind: Any) -> bool:
    """Tell whether values of this type keep changeable contents where no instruction shows them."""
    if kind in _PLAIN or kind in (tuple, frozenset) or issubclass(kind, type):
        return False
    if issubclass(kind, list | dict | set | bytearray | collections.deque | array.array):
        return True
    found = [getattr(kind, name, None) for name in ("__next__", "__len__", "__getitem__", "__contains__")]
    in_c = any(isinstance(method, WrapperDescriptorType) for method in found)
    return in_c or (any(found) and not is_learners(kind) and not is_model(kind))


def holds(value: Any) -> bool:
    """Tell the same of a value."""
    kind: Any = type(value)
    return is_box(kind)


@functools.lru_cache(maxsize=1024)
def library_name(kind: Any) -> str:
    """Name a container that a library wrote in Python: others may come into the middle of its methods."""
    method = getattr(kind, "__getitem__", None) or getattr(kind, "__len__", None)
    if isinstance(method, FunctionType) and not is_learners(kind) and not is_model(kind):
        return f"{kind.__module__}.{kind.__qualname__}"
    return ""


def _root(value: Any) -> Any:
    """Find whose memory a view of it shows: that of an array or a bytearray."""
    while type(value) is memoryview or type(value).__module__ == "numpy":
        inner = value.obj if type(value) is memoryview else getattr(value, "base", None)
        if inner is None:
            break
        value = inner
    return value


def look_into(value: Any, writes: bool = False, depth: int = 0) -> Iterator[Access]:
    """List what is touched where C code uses a value: a container, or what an iterator goes over."""
    kind: Any = type(value)
    if kind in _BOUND:
        if not isinstance(value.__self__, ModuleType | type):
            yield from look_into(value.__self__, value.__name__ not in _READERS, depth + 1)
        return
    if not is_box(kind):
        return
    advances = hasattr(kind, "__next__")
    yield _root(value), WHOLE, writes or advances
    if (advances or kind in _VIEWS) and kind is not GeneratorType and depth < 3:
        for inner in gc.get_referents(value):
            if type(inner) is not dict or kind.__module__ == "builtins":
                yield from look_into(inner, False, depth + 1)


def look_deep(value: Any, writes: bool = False, objects: bool = False) -> Iterator[Access]:
    """List also what is touched in what lies in there, by C code that compares or shows it.

    Parameters
    ----------
    objects : bool
        Whether the attributes of all objects are touched too, not just those of which C code does it.
    """
    todo, seen = [value], {id(None)}
    while todo:
        value = todo.pop()
        kind: Any = type(value)
        if kind in _PLAIN or id(value) in seen:
            continue
        if len(seen) > MANY:
            return
        seen.add(id(value))
        yield from look_into(value, writes)
        if isinstance(value, list | tuple | set | frozenset | collections.deque):
            todo.extend(value)
        elif isinstance(value, dict):
            todo.extend(dict.values(value))
        elif kind in _VIEWS:
            todo.extend(gc.get_referents(value))
        elif isinstance(value, SimpleNamespace) or (objects and _has_attributes(value)):
            yield value, WHOLE, writes
            todo.extend(attributes(value).values())


def _has_attributes(value: Any) -> bool:
    kind: Any = type(value)
    return (
        hasattr(kind, "__dict__")
        and not isinstance(value, type)
        and not is_model(kind)
        and kind not in _BOUND
    )


def speaks(value: Any) -> bool:
    """Tell whether a method of the learner's compares or shows this value."""
    kind: Any = type(value)
    if kind in _PLAIN or not is_learners(kind):
        return False
    names = ("__eq__", "__lt__", "__hash__", "__repr__", "__str__")
    return any(isinstance(getattr(kind, name), FunctionType) for name in names)


def part_of(box: Any, key: Any) -> Any:
    """Name the part of a container that a key stands for."""
    if isinstance(box, dict):
        return key if type(key) in _PLAIN and key is not None else WHOLE
    if type(key) is int and isinstance(box, list | bytearray | array.array | collections.deque):
        return key if key >= 0 else key + len(box)
    return WHOLE


def touch_item(box: Any, key: Any, writes: bool) -> Iterator[Access]:
    """List what ``box[key]`` touches."""
    kind: Any = type(box)
    if kind in _VIEWS:
        yield from look_into(box, writes)
    elif is_box(kind):
        part = part_of(box, key)
        fills = kind is collections.defaultdict and (part is WHOLE or part not in box)
        yield _root(box), part, writes or fills


def touch_attribute(owner: Any, name: str, writes: bool) -> list[Access]:
    """List what ``owner.name`` touches: its own attribute, and that of its class if it falls back to it."""
    if isinstance(owner, ModuleType):
        return [(owner.__dict__, name, writes)]
    if not isinstance(name, str) or owner is NULL:
        return []
    if type(owner) is super:
        parent: Any = owner
        return touch_parent(parent.__thisclass__, parent.__self__, name)
    for kind in owner.__mro__ if isinstance(owner, type) else type(owner).__mro__:
        if name in kind.__dict__:
            found = kind.__dict__[name]
            if isinstance(found, property | functools.cached_property):
                return []  # its function is followed
            if kind is not owner and not writes and not hasattr(type(found), "__set__"):
                return [(owner, name, False), (kind, name, False)]
            break
    return [(owner, name, writes)]


def touch_parent(start: type, owner: Any, name: str) -> list[Access]:
    """List what ``super().name`` touches: the attribute of the next class that has it."""
    kinds = owner.__mro__ if isinstance(owner, type) else type(owner).__mro__
    found = (kind for kind in kinds[kinds.index(start) + 1 :] if name in kind.__dict__)
    return [(kind, name, False) for kind in found][:1]


class Eye:
    """Sees what a site touches.

    Parameters
    ----------
    note : callable
        Is told the name of what is not modelled.
    store : callable
        Is told the names that ``setattr`` writes.
    """

    def __init__(self, note: Callable[[str], None], store: Callable[[str], None]) -> None:
        self.note = note
        self.store = store
        self.iterates = False  # set when a loop began over what is an iterator already
        self.impure = False  # set when something was called that may change what no access shows
        # What was given in this order to a library's function, or to C code that calls one of the learner's.
        self.strange: dict[int, str] = {}
        self.between: dict[int, str] = {}

    def see(self, site: Site, frame: FrameType) -> list[Access]:
        """List the accesses of the instruction that a frame is about to execute."""
        kind = site.kind
        if kind == "global":
            return [(frame.f_globals, site.name, site.writes)]
        if kind == "cell":
            return [(slot(frame, site.count), "", site.writes)]
        if kind == "attr":
            owner = slot(frame, site.height - 1)
            if site.name == "__dict__":
                self.note("__dict__, another way to attributes")
            elif site.name in INSIDE and is_model(type(owner)):
                self.note(f"{type(owner).__name__}.{site.name}, its inside")
            return [] if site.faint else touch_attribute(owner, site.name, site.writes)
        if kind == "super":
            _, start, owner = top(frame, site, 3)
            return touch_parent(start, owner, site.name)
        return list(self._look(site, frame, kind))

    def _look(self, site: Site, frame: FrameType, kind: str) -> Iterator[Access]:
        if kind in ("item", "in"):
            box, key = top(frame, site, 2)
            if kind == "item" or isinstance(key, dict):
                yield from touch_item(*((box, key) if kind == "item" else (key, box)), site.writes)
            else:
                yield from self._deep(key)
        elif kind == "slice":
            yield from look_into(top(frame, site, 3)[0], site.writes)
        elif kind in ("next", "iter"):
            value = slot(frame, site.height - 1)
            self.iterates |= kind == "iter" and hasattr(type(value), "__next__")
            yield from look_into(value)
        elif kind in ("use", "turn"):
            for place, value in enumerate(top(frame, site, site.count)):
                yield from look_into(value, site.writes and place == 0)
        elif kind == "deep":
            for value in top(frame, site, site.count):
                yield from self._deep(value)
        elif kind == "match":
            owner, wanted, names = top(frame, site, 3)
            for name in (*getattr(wanted, "__match_args__", ())[: site.count], *names):
                yield from touch_attribute(owner, name, False)
        elif kind == "with":
            manager = slot(frame, site.height - 1)
            if type(manager).__module__ in ("_thread", "threading"):
                self.note(f"{type(manager).__name__} that was made out of explore's sight")
        elif kind == "awaitable":
            self.note("await")
        elif kind.startswith("call"):
            if kind == "call ex":  # f(*parts) goes through the parts
                yield from look_into(top(frame, site, 1 + (site.count & 1))[0])
            yield from self._call(*self.callee(site, frame))

    def _deep(self, value: Any, writes: bool = False) -> Iterator[Access]:
        """Look deep, as C code does that may call methods of the learner's: then it is not one step."""
        yield from look_deep(value, writes)
        if holds(value) and isinstance(value, Collection) and any(map(speaks, value)):
            self.between[id(value)] = "to compare or show"

    def callee(self, site: Site, frame: FrameType) -> tuple[Any, list[Any]]:
        """Find what is called, and with what; an unbound method's object is its first argument."""
        kind = site.kind
        if kind == "call ex":
            extra = site.count & 1
            first, second, *rest = top(frame, site, 3 + extra)
            given = rest[0] if isinstance(rest[0], list | tuple) else ()  # to go through others changes them
            arguments = [*given, *(rest[1].values() if extra else ())]
        else:
            names = int(kind == "call kw")
            first, second, *arguments = top(frame, site, site.count + 2 + names)
            if names:
                arguments.pop()
        if first is NULL:
            return second, arguments
        return first, arguments if second is NULL else [second, *arguments]

    def _call(self, callee: Any, arguments: list[Any]) -> Iterator[Access]:
        while type(callee) in (MethodType, functools.partial):
            if type(callee) is MethodType:
                callee, arguments = callee.__func__, [callee.__self__, *arguments]
            else:
                callee, arguments = callee.func, [*callee.args, *arguments, *callee.keywords.values()]
        if any(type(value).__module__ == "operator" for value in (callee, *arguments)):
            self.note("operator's getters and callers, which read in C")
        # The models speak for themselves, also in the methods that they have from the library.
        home = str(getattr(callee, "__module__", ""))
        ours = home in ("threading", "queue") and bool(arguments) and is_model(type(arguments[0]))
        if ours or home.startswith(__package__) or any(callee is f for f in _BLIND):
            return
        if any(value is id or value is hash for value in (callee, *arguments)):
            self.note("id and hash, which chance decides")
        if type(callee) is FunctionType:
            if not is_followed(callee.__code__.co_filename):
                yield from self._stranger(callee, arguments)
        elif isinstance(callee, type):
            if not self._refuse(callee, None):
                yield from self._look_at(arguments, callee, False)
        elif type(callee).__name__ in ("_lru_cache_wrapper", "ReferenceType"):
            self.note(
                f"{type(callee).__module__}.{type(callee).__name__.strip('_').removesuffix('_wrapper')}"
            )
        elif hasattr(callee, "__name__"):
            yield from self._builtin(callee, arguments)

    def _look_at(
        self, arguments: list[Any], callee: Any, writes: bool, flat: bool = False
    ) -> Iterator[Access]:
        """Look at what C code is given: as deep as it does, and at the methods that it may call."""
        flat |= any(callee is known for known in _FLAT)
        flat |= isinstance(callee, type) and (is_learners(callee) or issubclass(callee, BaseException))
        calls = [value for value in arguments if type(value) in (BuiltinFunctionType, type(list.append))]
        for value in calls:
            home = getattr(value, "__objclass__", str)
            if value in (setattr, delattr, getattr, next) or (
                is_box(home) and value.__name__ not in _READERS
            ):
                self.note(f"{value.__qualname__}, called by C code")
        for argument in arguments:
            yield from look_into(argument, writes) if flat and not calls else self._deep(argument, writes)

    def _builtin(self, callee: Any, arguments: list[Any]) -> Iterator[Access]:
        name = callee.__name__
        owner = getattr(callee, "__self__", None)
        if any(type(value) in (FunctionType, MethodType) for value in arguments):
            self.between |= {id(value): name for value in (owner, *arguments) if holds(value)}
        if owner is None or isinstance(owner, ModuleType | type):
            module = getattr(callee, "__module__", None)
            if module is None and arguments:  # a method of a type, called with its object
                owner, *arguments = arguments
        if owner is not None and not isinstance(owner, ModuleType | type):
            if self._refuse(callee, owner):
                return
            if name in _SLOTS and arguments:
                if name != "__getattribute__":
                    self.store(arguments[0])
                yield from touch_attribute(owner, arguments[0], name != "__getattribute__")
            kind: Any = type(owner)
            if is_box(kind):
                part = part_of(owner, arguments[0]) if name in _PART and arguments else WHOLE
                if kind in _VIEWS or name in _COMPARES:
                    yield from self._deep(owner)
                yield _root(owner), part, name not in _READERS
            elif kind not in _PLAIN:
                self.impure = True
            yield from self._look_at(arguments, callee, False, flat=kind not in _PLAIN)
        elif callee in (getattr, setattr, delattr, hasattr) and len(arguments) > 1:
            if callee in (setattr, delattr):
                self.store(arguments[1])
            yield from touch_attribute(arguments[0], arguments[1], callee in (setattr, delattr))
        elif not self._refuse(callee, None):
            pure = (getattr(callee, "__module__", None) or "builtins") in _PURE
            self.impure |= not pure
            yield from self._look_at(arguments, callee, not pure)

    def _stranger(self, callee: Any, arguments: list[Any]) -> Iterator[Access]:
        """Look at a function of a library: it runs as one step here, and may change what it is given."""
        self.impure = True
        if self._refuse(callee, arguments[0] if arguments else None):
            return
        home = str(callee.__globals__.get("__name__"))  # __module__ may be that of what it wraps
        head = home.partition(".")[0]
        if head in _HANDS_ON:
            return
        for argument in arguments:
            for owner, part, writes in look_deep(argument, head not in _ONLY_READS, objects=True):
                self.strange[id(owner)] = f"{home}.{callee.__qualname__}"
                kind: Any = type(owner)
                for name in attributes(owner) if writes and is_learners(kind) else ():
                    self.store(name)
                yield owner, part, writes

    def _refuse(self, callee: Any, owner: Any) -> bool:
        """Note what is not modelled; tell whether this is."""
        module = getattr(callee, "__module__", None) or type(owner).__module__
        name = getattr(callee, "__qualname__", "") or getattr(callee, "__name__", "")
        if any(callee is allowed for allowed in _ALLOWED) or name.startswith("Thread."):
            return False
        head = module.partition(".")[0]
        if (
            head in _OUTSIDE
            or (head, name) in _OUTSIDE_NAMES
            or (name.endswith("acquire") and head != "builtins")
        ):
            self.note(f"{module.lstrip('_')}.{name}")
            return True
        return False


# Libraries whose functions only call those that they are given, and those that change nothing of it.
_HANDS_ON = {"contextlib", "functools", "abc", "typing", "enum", "warnings", "threading"}
_READING = """
    copy dataclasses datetime decimal fractions inspect json pprint re reprlib statistics string textwrap
"""
_ONLY_READS = frozenset(_READING.split())
_ALLOWED = (threading.Thread, threading.current_thread, threading.get_ident, threading.main_thread, print)
# Their effects are outside this process, or depend on the clock or on chance, or wait unseen.
_MODULES = """
    io _io os posix nt socket _socket ssl _ssl select selectors subprocess _posixsubprocess multiprocessing
    _multiprocessing asyncio _asyncio concurrent threading _thread queue _queue signal http urllib requests
    ftplib smtplib sqlite3 _sqlite3 mmap _winapi shutil tempfile pathlib time random _random secrets uuid
    datetime contextvars _contextvars serial cv2
"""
_OUTSIDE = frozenset(_MODULES.split())
_OUTSIDE_NAMES = frozenset({("builtins", "input"), ("builtins", "breakpoint"), ("builtins", "open")})
_OUTSIDE_NAMES |= {("builtins", name) for name in ("vars", "globals", "locals", "exec", "eval")}
