"""What the workers share: found from their functions, put back before each order, said in words."""

import dis
import functools
import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from types import CellType, CodeType, FunctionType, ModuleType, SimpleNamespace
from typing import Any

from . import patches
from .bytecode import is_followed
from .parts import MISSING, content, is_own_module, keep, parts
from .say import say, say_state

LIMIT = 100_000  # objects: more would make each order slow
_ATOMS = {int, float, bool, str, bytes, type(None)}


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
        self._codes: dict[int, CodeType] = {}
        self._twins: dict[int, tuple[Any, Any]] = {}  # the real thing, and what stands in for it
        self.known: dict[int, Any] = {}  # what was there before the orders, by id
        self._back: list[Callable[[], None]] = []
        self._undo: list[Callable[[], None]] = []
        # Each variable's name, with whose it is, which part of that it is, and how to read it.
        self._roots: dict[str, list[tuple[Any, str, Callable[[], Any]]]] = {}
        self._shown: dict[str, Callable[[], Any]] = {}
        self._lost: set[int] = set()  # what cannot be put back
        self._accounted: set[int] = set()
        self._spaces: set[int] = set()
        self.bags = False  # whether there is an object whose attributes C code compares and shows

    # Finding.

    def add(self, value: Any) -> Any:
        """Take in a worker, or anything else that is there before the orders; return what stands for it."""
        replaced = self._twin(value)
        self._walk(replaced, self.known, True)
        return replaced

    def add_code(self, code: CodeType, space: dict[str, Any]) -> None:
        """Take in the code of a function, and the global variables that it and its inner functions name."""
        if id(code) in self._codes:
            return
        self._codes[id(code)] = code
        if code.co_name == "__del__":
            self._note(f"{code.co_qualname}, which runs when nobody holds the object any more")
        self._on_code(code)
        stored = {found.argval for found in dis.get_instructions(code) if found.opname == "STORE_GLOBAL"}
        for name in code.co_names:
            if (name in space or name in stored) and not (name.startswith("__") and name.endswith("__")):
                self._global(space, name)
        modules = [space[name] for name in code.co_names if is_own_module(space.get(name))]
        for module, name in itertools.product(modules, code.co_names):
            if name in vars(module):
                self._global(vars(module), name)
        for inner in code.co_consts:
            if isinstance(inner, CodeType):
                self.add_code(inner, space)

    def _global(self, space: dict[str, Any], name: str) -> None:
        root = self._roots.setdefault(name, [])
        self._spaces.add(id(space))
        if any(owner is space for owner, _, _ in root):
            return
        root.append((space, name, lambda: space.get(name, MISSING)))
        value = space.get(name, MISSING)
        twin = self._twin(value)
        if twin is not value:
            space[name] = twin
            self._undo.append(lambda: space.update({name: value}))
        if value is MISSING:
            self._back.append(lambda: space.pop(name, None))
        else:
            self._back.append(lambda: space.update({name: twin}))
            self._walk(twin, self.known, True)

    def walk_state(self, state: Any) -> tuple[Any, dict[int, Any], bool]:
        """Replace real locks in a state that a setup made.

        Returns
        -------
        tuple
            The state; all that it holds, by id; and whether there was nothing to replace.
        """
        seen: dict[int, Any] = {}
        before = len(self._twins)
        state = self._twin(state)
        self._walk(state, seen, False)
        return state, seen, len(self._twins) == before

    def _twin(self, value: Any) -> Any:
        """Return what stands in for a value: a model for a real lock, a tuple of models for one of locks."""
        kind = type(value)
        if id(value) in patches.FACTORIES:
            return patches.FACTORIES[id(value)]
        if id(value) in self._twins:
            return self._twins[id(value)][1]
        if kind is tuple:
            replaced = tuple(map(self._twin, value))
            return replaced if any(a is not b for a, b in zip(replaced, value, strict=True)) else value
        if kind is functools.partial:
            names = {name: self._twin(item) for name, item in value.keywords.items()}
            return functools.partial(value.func, *self._twin(value.args), **names)
        twin = patches.twin_of(value, self._twin)
        if twin is None:
            return value
        self._twins[id(value)] = value, twin
        return twin

    def _walk(self, start: Any, seen: dict[int, Any], lasting: bool) -> None:
        todo = [start]
        while todo:
            value = todo.pop()
            if id(value) in seen or id(value) in self.known:
                continue
            seen[id(value)] = value
            self.bags |= isinstance(value, SimpleNamespace)
            if len(seen) > LIMIT:
                self._note(f"more than {LIMIT} objects to put back")
                return
            if type(value) is FunctionType:
                if not is_followed(value.__code__.co_filename):
                    continue
                self._add_function(value)
            for _, _, inner, put in parts(value):
                if type(inner) in _ATOMS:
                    continue
                twin = self._twin(inner)
                if twin is not inner and put is not None:
                    put(twin)
                    if lasting:
                        self._undo.append(functools.partial(put, inner))
                todo.append(twin)
            if lasting:
                back = keep(value)
                if back is not None:
                    self._back.append(back)
                elif type(value) is not CellType:
                    self._lost.add(id(value))

    def _add_function(self, function: FunctionType) -> None:
        self.add_code(function.__code__, function.__globals__)
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            self._roots.setdefault(name, []).append((cell, "", functools.partial(content, cell)))

    # Putting back.

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
        new = {key for key in written if key in self.known or key in self._spaces} - self._accounted
        if not new:
            return False
        self._accounted |= new
        for key in new & self._lost:
            kind = type(self.known[key])
            self._note(f"{kind.__module__}.{kind.__qualname__} from before, which cannot be put back")
        before = len(self._shown)
        for name, owners in self._roots.items():
            for owner, part, get in owners:
                value = get()
                holds = not isinstance(value, type | FunctionType | ModuleType) and any(
                    id(each) in written for each, _ in _reach([(value, name)])
                )
                if holds or part in written.get(id(owner), ()):
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
        roots = [(owners[-1][2](), name) for name, owners in self._roots.items()]
        found = _reach([(state, word), *roots])
        return {id(value): name for value, name in itertools.islice(found, 1000)}

    def text(self, state: Any) -> str:
        """Say the state, then the variables; a lock or the like only if it is not idle."""
        text = say_state(state) if state is not None else ""
        if not self._shown:
            return text
        said = [text]
        for name, get in sorted(self._shown.items()):
            value = get()
            text = say(value) if value is not MISSING else ""
            said.append(f"{name}={text}" if text else f"no {name}" * (value is MISSING))
        return ", ".join(filter(None, said))


def _reach(roots: Iterable[tuple[Any, str]]) -> Iterator[tuple[Any, str]]:
    """List what can be reached, each with its shortest name."""
    todo = deque(roots)
    seen: dict[int, Any] = {}
    while todo:
        value, name = todo.popleft()
        if id(value) in seen or value is MISSING or isinstance(value, int | str | ModuleType | FunctionType):
            continue
        seen[id(value)] = value
        name = value.__name__ if isinstance(value, type) else name
        yield value, name
        for sign, key, item, _ in parts(value):
            todo.append((item, f"{name}.{key}" if sign == "." else f"{name}[{say(key)}]" if sign else name))
