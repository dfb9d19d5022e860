"""What the workers share: found from their functions, put back before each order, said in words."""

import dis
import functools
from collections import deque
from collections.abc import Callable, Iterator
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from . import patches
from .bytecode import is_followed
from .say import attributes, is_learners, lines, say

MISSING = object()
LIMIT = 100_000  # objects: more would make each order slow


class World:
    """The functions that can run, the variables that they name, and all that can be reached from those.

    Parameters
    ----------
    on_code : callable
        Is told of each code object that can run.
    note : callable
        Is told what cannot be put back.
    """

    def __init__(self, on_code: Callable[[CodeType], None], note: Callable[[str], None]) -> None:
        self._on_code = on_code
        self._note = note
        self._codes: set[int] = set()
        self._twins: dict[int, Any] = {}
        self._keep: list[Any] = []
        self._seen: dict[int, Any] = {}
        self._back: list[Callable[[], None]] = []
        self._undo: list[Callable[[], None]] = []
        # Each variable's name, with whose it is, which part of that it is, and how to read it.
        self._roots: dict[str, list[tuple[Any, str, Callable[[], Any]]]] = {}
        self._shown: dict[str, Callable[[], Any]] = {}
        self._saved: set[int] = set()
        self._accounted: set[int] = set()
        self._spaces: set[int] = set()

    # Finding.

    def add(self, value: Any) -> Any:
        """Take in a worker, or anything else that is there before the orders; return what stands for it."""
        replaced = self._twin(value)
        self._walk(replaced, self._seen, True)
        return replaced

    def add_code(self, code: CodeType, space: dict[str, Any]) -> None:
        """Take in the code of a function, and the global variables that it and its inner functions name."""
        if id(code) in self._codes:
            return
        self._codes.add(id(code))
        self._keep.append(code)
        self._on_code(code)
        stored = {found.argval for found in dis.get_instructions(code) if found.opname == "STORE_GLOBAL"}
        for name in code.co_names:
            if (name in space or name in stored) and not (name.startswith("__") and name.endswith("__")):
                self._global(space, name)
        for name in code.co_names:
            module = space.get(name)
            if isinstance(module, ModuleType) and is_followed(
                getattr(module, "__file__", None) or "<frozen >"
            ):
                for attribute in code.co_names:
                    if attribute in vars(module):
                        self._global(vars(module), attribute)
        for inner in code.co_consts:
            if isinstance(inner, CodeType):
                self.add_code(inner, space)

    def _global(self, space: dict[str, Any], name: str) -> None:
        root = self._roots.setdefault(name, [])
        self._spaces.add(id(space))
        if any(owner is space for owner, _, _ in root):
            return
        value = space.get(name, MISSING)
        root.append((space, name, lambda: space.get(name, MISSING)))

        def put(content: Any) -> None:
            if content is MISSING:
                space.pop(name, None)
            else:
                space[name] = content

        if value is MISSING:
            self._back.append(lambda: put(MISSING))
            return
        twin = self._twin(value)
        if twin is not value:
            self._undo.append(lambda: put(value))
            put(twin)
        self._back.append(lambda: put(twin))
        self._walk(twin, self._seen, True)

    def walk_state(self, state: Any) -> tuple[Any, dict[int, Any]]:
        """Replace real locks in a state that a setup made; return it, and all that it holds, by id."""
        state = self._twin(state)
        seen: dict[int, Any] = {}
        self._walk(state, seen, False)
        return state, seen

    def known(self) -> dict[int, Any]:
        """Return what was there before the orders, by id."""
        return self._seen

    def _twin(self, value: Any) -> Any:
        """Return what stands in for a value: a model for a real lock, a tuple of models for one of locks."""
        kind = type(value)
        if id(value) in patches.FACTORIES:
            return patches.FACTORIES[id(value)]
        if id(value) in self._twins:
            return self._twins[id(value)]
        if kind is tuple:
            replaced = tuple(self._twin(item) for item in value)
            return replaced if any(a is not b for a, b in zip(replaced, value, strict=True)) else value
        if kind is functools.partial:
            arguments = self._twin(value.args)
            names = {name: self._twin(item) for name, item in value.keywords.items()}
            return functools.partial(value.func, *arguments, **names)
        twin = patches.twin_of(value, self._twin)
        if twin is None:
            return value
        self._keep.append(value)
        self._twins[id(value)] = twin
        return twin

    def _walk(self, start: Any, seen: dict[int, Any], lasting: bool) -> None:
        todo = [start]
        while todo:
            value = todo.pop()
            if id(value) in seen or id(value) in self._seen or type(value) in (int, str, float, bool):
                continue
            seen[id(value)] = value
            if len(seen) > LIMIT:
                self._note(f"more than {LIMIT} objects to put back")
                return
            for inner, put in self._inner(value):
                twin = self._twin(inner)
                if twin is not inner and put is not None:
                    put(twin)
                    if lasting:
                        self._undo.append(functools.partial(put, inner))
                todo.append(twin)
            if lasting:
                self._save(value)

    def _inner(self, value: Any) -> Iterator[tuple[Any, Callable[[Any], None] | None]]:
        """List what an object holds, each with what puts something else in its place."""
        kind = type(value)
        if isinstance(value, dict):
            for key, item in list(dict.items(value)):
                yield item, functools.partial(dict.__setitem__, value, key)
        elif isinstance(value, list | deque):
            for place, item in enumerate(list(value)):
                yield item, functools.partial(value.__setitem__, place)
        elif isinstance(value, tuple | set | frozenset):
            yield from ((item, None) for item in value)
        elif kind is CellType:
            if _content(value) is not MISSING:
                yield value.cell_contents, functools.partial(setattr, value, "cell_contents")
        elif kind is FunctionType:
            if is_followed(value.__code__.co_filename):
                self.add_code(value.__code__, value.__globals__)
                for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
                    owners = self._roots.setdefault(name, [])
                    owners.append((cell, "", functools.partial(_content, cell)))
                    yield cell, None
                yield from ((item, None) for item in value.__defaults__ or ())
                yield from ((item, None) for item in (value.__kwdefaults__ or {}).values())
            wrapped = value.__dict__.get("__wrapped__")
            if wrapped is not None:
                yield wrapped, None
        elif kind is MethodType:
            yield from ((value.__func__, None), (value.__self__, None))
        elif kind is functools.partial:
            yield from ((item, None) for item in (value.func, *value.args, *value.keywords.values()))
        elif isinstance(value, type):
            if is_learners(value) and not getattr(value, "is_model", False):
                yield from ((base, None) for base in value.__bases__ if base is not object)
                for name, item in list(vars(value).items()):
                    if not (name.startswith("__") and name.endswith("__")) or isinstance(item, FunctionType):
                        yield item, functools.partial(setattr, value, name)
        elif isinstance(value, property | staticmethod | classmethod | functools.cached_property):
            for name in ("fget", "fset", "fdel", "__func__", "func"):
                yield getattr(value, name, None), None
        elif getattr(kind, "is_model", False) and not isinstance(value, type):
            yield from ((item, None) for item in value.contents())
        if not isinstance(value, type | ModuleType) and is_learners(kind):
            yield kind, None
            for name, item in attributes(value).items():
                yield item, functools.partial(object.__setattr__, value, name)

    # Putting back.

    def _save(self, value: Any) -> None:
        back = _restorer(value)
        if back is not None:
            self._back.append(back)
            self._saved.add(id(value))

    def restore(self) -> None:
        """Put everything back to where it was before the first order."""
        for back in self._back:
            back()

    def close(self) -> None:
        """Put everything back, and the real locks too."""
        self.restore()
        for undo in reversed(self._undo):
            undo()

    # Saying.

    def show(self, written: dict[int, set[Any]]) -> bool:
        """Show from now on the variables that are written, or hold what is; tell whether any are new."""
        new = {key for key in written if key in self._seen or key in self._spaces} - self._accounted
        if not new:
            return False
        self._accounted |= new
        for key in new & self._seen.keys() - self._saved:
            kind = type(self._seen[key])
            if kind is not CellType:
                self._note(f"{kind.__module__}.{kind.__qualname__} from before, which cannot be put back")
        before = len(self._shown)
        for name, owners in self._roots.items():
            for owner, part, get in owners:
                if part in written.get(id(owner), ()) or self._reaches(get(), written):
                    self._shown[name] = get
        return len(self._shown) > before

    def shown(self) -> frozenset[str]:
        """Name the variables that are shown."""
        return frozenset(self._shown)

    def show_names(self, names: frozenset[str]) -> None:
        """Show the variables of these names."""
        for name in names & self._roots.keys():
            self._shown[name] = self._roots[name][-1][2]

    def names(self, state: Any, word: str) -> dict[int, str]:
        """Name the objects that can be reached: "account", "account.balance", "parts[0]"."""
        todo: deque[tuple[Any, str]] = deque([(state, word)] if state is not None else [])
        todo += [(owners[-1][2](), name) for name, owners in self._roots.items()]
        found: dict[int, str] = {}
        while todo and len(found) < 1000:
            value, name = todo.popleft()
            if (
                id(value) in found
                or value is MISSING
                or isinstance(value, int | str | ModuleType | FunctionType)
            ):
                continue
            found[id(value)] = name
            if isinstance(value, dict):
                todo += [(item, f"{name}[{say(key)}]") for key, item in dict.items(value)]
            elif isinstance(value, list | tuple | deque):
                todo += [(item, f"{name}[{place}]") for place, item in enumerate(value)]
            elif is_learners(type(value)):
                todo += [(item, f"{name}.{key}") for key, item in attributes(value).items()]
        return found

    def _reaches(self, value: Any, written: dict[int, set[Any]]) -> bool:
        if isinstance(value, type | FunctionType | ModuleType):
            return False
        seen: dict[int, Any] = {}
        World(lambda code: None, lambda text: None)._walk(value, seen, False)
        return any(key in written for key in seen)

    def text(self, state: Any) -> str:
        """Say the state, then the variables."""
        parts = list(lines(state))
        for name, get in sorted(self._shown.items()):
            value = get()
            parts.append(f"{name}={say(value) or 'idle'}" if value is not MISSING else f"no {name}")
        return ", ".join(parts)


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return MISSING


def _restorer(value: Any) -> Callable[[], None] | None:
    """Make what puts the present contents of an object back."""
    if isinstance(value, dict) and type(value).__module__ in ("builtins", "collections"):
        copy = dict(value)

        def put_dict() -> None:
            dict.clear(value)
            dict.update(value, copy)

        return put_dict
    if isinstance(value, list | bytearray):
        content = value[:]
        return lambda: value.__setitem__(slice(None), content)
    if isinstance(value, set | deque):
        items = list(value)

        def put_all() -> None:
            value.clear()
            (value.extend if isinstance(value, deque) else value.update)(items)

        return put_all
    if type(value) is CellType:
        held = _content(value)
        if held is MISSING:
            return lambda: value.__delattr__("cell_contents") if _content(value) is not MISSING else None
        return lambda: setattr(value, "cell_contents", held)
    model = getattr(type(value), "is_model", False)
    if isinstance(value, type):
        if not is_learners(value) or model:
            return None
        names = {name: item for name, item in vars(value).items() if not name.startswith("__")}
        return functools.partial(_put_attributes, value, names, setattr, delattr)
    if isinstance(value, ModuleType | FunctionType) or not (model or is_learners(type(value))):
        return None
    before = attributes(value)
    return functools.partial(_put_attributes, value, before, object.__setattr__, object.__delattr__)


def _put_attributes(
    owner: Any, before: dict[str, Any], put: Callable[..., None], delete: Callable[..., None]
) -> None:
    now = (
        {n: i for n, i in vars(owner).items() if not n.startswith("__")}
        if isinstance(owner, type)
        else attributes(owner)
    )
    for name in now:
        if name not in before:
            delete(owner, name)
    for name, item in before.items():
        if now.get(name, MISSING) is not item:
            put(owner, name, item)
