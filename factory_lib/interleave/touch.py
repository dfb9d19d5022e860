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
from collections.abc import Callable, Iterator
from types import (
    BuiltinFunctionType,
    FrameType,
    FunctionType,
    GeneratorType,
    MappingProxyType,
    MethodType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any

from .bytecode import Site, is_followed
from .parts import is_learners, is_model

Access = tuple[Any, Any, bool]  # an object, the part of it (None: all of it), and whether that is written
WHOLE = None
_WORD = ctypes.sizeof(ctypes.c_void_p)
_read = ctypes.c_size_t.from_address
_LOCALS = 8 * _WORD + 8  # eight pointers, then stacktop, two small fields and padding; see the module's top
NULL = object()


@functools.lru_cache(maxsize=64)
def _array(count: int) -> Any:
    return (ctypes.py_object * count).from_address


def slots(frame: FrameType, first: int, count: int) -> list[Any]:
    """Return values of a frame: its locals and cells come first, then its stack."""
    base = _read(id(frame) + 3 * _WORD).value + _LOCALS + first * _WORD
    try:
        return _array(count)(base)[:]  # type: ignore[no-any-return]
    except ValueError:  # one of them is empty
        return [
            _array(1)(base + _WORD * at)[0] if _read(base + _WORD * at).value else NULL for at in range(count)
        ]


@functools.lru_cache(maxsize=1024)
def width(code: Any) -> int:
    """Count the locals and cells of a code object; an argument that is also a cell has one place."""
    return len({*code.co_varnames, *code.co_cellvars}) + len(code.co_freevars)


def top(frame: FrameType, site: Site, count: int) -> list[Any]:
    """Return the uppermost values on the stack, the top last."""
    count = min(count, site.depth)
    return slots(frame, width(frame.f_code) + site.depth - count, count)


def is_readable() -> bool:
    """Tell whether this Python's frames are laid out as they are expected here."""
    if sys.implementation.name != "cpython" or not (3, 11) <= sys.version_info < (3, 14):
        return False
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return False
    frame = sys._getframe()
    return slots(frame, 0, 1)[0] is frame


_PLAIN = {int, float, complex, bool, str, bytes, type(None), tuple, range, frozenset, slice, type, ModuleType}
_PLAIN |= {FunctionType, BuiltinFunctionType, MethodType, MappingProxyType, type(len), type(list.append)}
_VIEWS: tuple[type, ...] = (type({}.keys()), type({}.values()), type({}.items()))
_NAMES = """
    get keys values items copy count index union intersection difference symmetric_difference issubset
    issuperset isdisjoint decode startswith endswith find rfind hex tolist tobytes most_common elements
    __len__ __getitem__ __contains__ __iter__ __eq__ __ne__ __bool__ __repr__ __str__
"""
_READERS = frozenset(_NAMES.split())
_PART = {"get", "setdefault", "__getitem__", "__setitem__", "__delitem__", "__contains__"}
_SLOTS = ("__getattribute__", "__setattr__", "__delattr__")
_BLIND = (isinstance, issubclass, callable, id, type)
_PURE = {"builtins", "math", "itertools", "collections"}


@functools.cache
def is_box(kind: Any) -> bool:
    """Tell whether values of this type keep changeable contents in C, where no instruction shows them."""
    if kind in _PLAIN or issubclass(kind, type):
        return False
    if issubclass(kind, list | dict | set | bytearray | collections.deque | array.array):
        return True
    names = ("__next__", "__len__", "__getitem__")
    return any(isinstance(getattr(kind, name, None), WrapperDescriptorType) for name in names)


def look_into(value: Any, writes: bool = False, depth: int = 0) -> Iterator[Access]:
    """List what is touched where C code uses a value: a container, or what an iterator goes over."""
    kind: Any = type(value)
    if not is_box(kind):
        return
    advances = hasattr(kind, "__next__")
    yield value, WHOLE, writes or advances
    if (advances or kind in _VIEWS) and kind is not GeneratorType and depth < 3:
        for inner in gc.get_referents(value):
            if type(inner) is not dict or kind.__module__ == "builtins":
                yield from look_into(inner, False, depth + 1)


def part_of(box: Any, key: Any) -> Any:
    """Name the part of a container that a key stands for."""
    if isinstance(box, dict):
        return key if type(key) in _PLAIN and key is not None and not isinstance(key, tuple) else WHOLE
    if type(key) is int and isinstance(box, list | bytearray | array.array | collections.deque):
        return key if key >= 0 else key + len(box)
    return WHOLE


def touch_item(box: Any, key: Any, writes: bool) -> Iterator[Access]:
    """List what ``box[key]`` touches."""
    kind: Any = type(box)
    if is_box(kind):
        fills = type(box) is collections.defaultdict and key not in box
        yield box, part_of(box, key), writes or fills


def touch_attribute(owner: Any, name: str, writes: bool) -> list[Access]:
    """List what ``owner.name`` touches: its own attribute, and that of its class if it falls back to it."""
    if isinstance(owner, ModuleType):
        return [(owner.__dict__, name, writes)]
    if not isinstance(name, str) or owner is NULL:
        return []
    for kind in owner.__mro__ if isinstance(owner, type) else type(owner).__mro__:
        if name in kind.__dict__:
            found = kind.__dict__[name]
            if isinstance(found, property | functools.cached_property):
                return []  # its function is followed
            if kind is not owner and not writes and not hasattr(type(found), "__get__"):
                return [(owner, name, False), (kind, name, False)]
            break
    return [(owner, name, writes)]


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

    def see(self, site: Site, frame: FrameType) -> list[Access]:
        """List the accesses of the instruction that a frame is about to execute."""
        kind = site.kind
        if kind == "global":
            return [(frame.f_globals, site.name, site.writes)]
        if kind == "cell":
            return [(slots(frame, site.count, 1)[0], "", site.writes)]
        if kind == "attr":
            if site.name == "__dict__":
                self.note("__dict__, another way to attributes")
            return touch_attribute(top(frame, site, 1)[0], site.name, site.writes)
        return list(self._look(site, frame, kind))

    def _look(self, site: Site, frame: FrameType, kind: str) -> Iterator[Access]:
        if kind in ("item", "in"):
            box, key = top(frame, site, 2)
            if kind == "in":
                box, key = key, box
                key = key if isinstance(box, dict) else slice(None)
            yield from touch_item(box, key, site.writes)
        elif kind == "slice":
            yield from look_into(top(frame, site, 3)[0], site.writes)
        elif kind in ("next", "iter"):
            value = top(frame, site, 1)[0]
            self.iterates |= kind == "iter" and hasattr(type(value), "__next__")
            yield from look_into(value)
        elif kind in ("use", "turn"):
            for place, value in enumerate(top(frame, site, site.count)):
                yield from look_into(value, site.writes and place == 0)
        elif kind == "with":
            manager = top(frame, site, 1)[0]
            if type(manager).__module__ in ("_thread", "threading"):
                self.note(f"{type(manager).__name__} that was made out of explore's sight")
        elif kind == "awaitable":
            self.note("await")
        elif kind.startswith("call"):
            yield from self._call(*self.callee(site, frame))

    def callee(self, site: Site, frame: FrameType) -> tuple[Any, list[Any]]:
        """Find what is called, and with what; an unbound method's object is its first argument."""
        kind = site.kind
        if kind == "call ex":
            extra = site.count & 1
            first, second, *rest = top(frame, site, 3 + extra)
            arguments = [*rest[0], *(rest[1].values() if extra else ())]
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
        if type(callee) is FunctionType:
            if not is_followed(callee.__code__.co_filename):
                yield from self._stranger(callee, arguments)
        elif isinstance(callee, type):
            if not self._refuse(callee, None):
                for argument in arguments:
                    yield from look_into(argument)
        elif hasattr(callee, "__name__"):
            yield from self._builtin(callee, arguments)

    def _builtin(self, callee: Any, arguments: list[Any]) -> Iterator[Access]:
        name = callee.__name__
        owner = getattr(callee, "__self__", None)
        if owner is None or isinstance(owner, ModuleType | type):
            module = getattr(callee, "__module__", None)
            if module is None and arguments:  # a method of a type, called with its object
                owner, *arguments = arguments
        if owner is not None and not isinstance(owner, ModuleType | type):
            if self._refuse(callee, owner):
                return
            if name in _SLOTS and arguments:
                yield from touch_attribute(owner, arguments[0], name != "__getattribute__")
            kind: Any = type(owner)
            if is_box(kind):
                part = part_of(owner, arguments[0]) if name in _PART and arguments else WHOLE
                yield owner, part, name not in _READERS
            elif type(owner) not in _PLAIN:
                self.impure = True
            for argument in arguments:
                yield from look_into(argument)
        elif callee in (getattr, setattr, delattr, hasattr) and len(arguments) > 1:
            if callee in (setattr, delattr):
                self.store(arguments[1])
            yield from touch_attribute(arguments[0], arguments[1], callee in (setattr, delattr))
        elif not self._refuse(callee, None):
            pure = (getattr(callee, "__module__", None) or "builtins") in _PURE
            self.impure |= not pure
            for argument in arguments:
                yield from look_into(argument, not pure)

    def _stranger(self, callee: Any, arguments: list[Any]) -> Iterator[Access]:
        """Look at a function of a library: it runs as one step here, and may change what it is given."""
        self.impure = True
        if self._refuse(callee, arguments[0] if arguments else None):
            return
        for argument in arguments:
            yield from look_into(argument, True)
            kind: Any = type(argument)
            if is_learners(kind):
                yield argument, WHOLE, True

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
