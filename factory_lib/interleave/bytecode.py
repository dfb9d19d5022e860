"""Which instructions of a function can touch what threads share: decided once for each code object."""

import dis
import functools
import os
import sys
import sysconfig
from collections import defaultdict
from dataclasses import dataclass
from types import CodeType, MethodType
from typing import Any

# What an instruction does to state that may be shared; the same words on 3.11, 3.12 and 3.13.
_READS = {"LOAD_GLOBAL": "global", "LOAD_NAME": "global", "LOAD_ATTR": "attr", "LOAD_METHOD": "attr"}
_READS |= dict.fromkeys(("LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF"), "cell")
_READS |= {"LOAD_SUPER_ATTR": "super", "BINARY_SUBSCR": "item", "BINARY_SLICE": "slice", "CONTAINS_OP": "in"}
_WRITES = {"STORE_GLOBAL": "global", "DELETE_GLOBAL": "global", "STORE_ATTR": "attr", "DELETE_ATTR": "attr"}
_WRITES |= {"STORE_DEREF": "cell", "DELETE_DEREF": "cell", "STORE_SUBSCR": "item", "DELETE_SUBSCR": "item"}
_WRITES |= {"STORE_SLICE": "slice"}
_CALLS = {"PRECALL": "call", "CALL": "call", "CALL_KW": "call kw", "CALL_FUNCTION_EX": "call ex"}
# Look into a container without naming it: the truth of a list, `a == b`, unpacking, iterating ...
_ONE = """
    UNARY_NOT TO_BOOL UNPACK_SEQUENCE UNPACK_EX LIST_EXTEND SET_UPDATE DICT_UPDATE DICT_MERGE
    MATCH_SEQUENCE MATCH_MAPPING GET_LEN CALL_INTRINSIC_1
    UNARY_NEGATIVE UNARY_INVERT UNARY_POSITIVE
"""
_USES = dict.fromkeys(_ONE.split(), 1) | {"BINARY_OP": 2, "MATCH_KEYS": 2}
# The same, also into what lies in there: they compare or show it.
_DEEP = {"COMPARE_OP": 2, "FORMAT_VALUE": 2, "FORMAT_WITH_SPEC": 2, "FORMAT_SIMPLE": 1, "CONVERT_VALUE": 1}
# How a lock or a queue looks inside: who reads that goes around its steps.
INSIDE = frozenset(
    "_value _flag _waiters _owner _count _cond _lock _state queue unfinished_tasks mutex".split()  # noqa: SIM905
)
_ENDS = {"RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE"}
_STEPS = {"BINARY_OP", "UNARY_NEGATIVE", "UNARY_INVERT", "UNARY_POSITIVE"}
_GENERATOR = 0x20 | 0x80 | 0x200  # inspect.CO_GENERATOR, CO_COROUTINE, CO_ASYNC_GENERATOR
OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep
# The package that this is a part of, if any: levels and workloads are the learner's to look into, wherever
# they are installed.
_AROUND = os.path.dirname(os.path.dirname(OURS)) + os.sep if "." in __package__ else ""
_THEIRS = tuple(
    {
        os.path.normcase(os.path.abspath(sysconfig.get_path(name))) + os.sep
        for name in ("stdlib", "platstdlib")
    }
)


@dataclass(slots=True, eq=False)
class Site:
    """An instruction that may touch shared state; `hot` once it has been seen to touch what is written."""

    code: CodeType
    offset: int
    kind: str
    name: str
    count: int
    writes: bool
    deletes: bool
    depth: int  # so many values lie on the stack before it
    height: int  # so many with the locals and cells below them
    line: int
    arithmetic: bool = False
    hot: bool = False
    faint: bool = False  # an attribute that nobody stores
    mixed: bool = False  # hot, but there were times when it touched nothing

    def name_it(self) -> tuple[str, str, int, int]:
        """Name it so that another session finds it again."""
        return self.code.co_filename, self.code.co_qualname, self.code.co_firstlineno, self.offset


@functools.lru_cache(maxsize=1024)
def is_followed(filename: str) -> bool:
    """Tell whether the code of this file is the learner's: neither ours, nor Python's, nor a package's."""
    if filename.startswith(("<frozen ", OURS)):
        return False
    if _AROUND and filename.startswith(_AROUND):
        return True
    path = os.path.normcase(filename)
    return not (
        path.startswith(_THEIRS)
        or f"{os.sep}site-packages{os.sep}" in path
        or f"{os.sep}dist-packages{os.sep}" in path
    )


def follow(worker: Any) -> CodeType | None:
    """Find the code of a callable, in methods and partials too; None if it is not the learner's."""
    while isinstance(worker, functools.partial | MethodType):
        worker = worker.func if isinstance(worker, functools.partial) else worker.__func__
    code = getattr(worker, "__code__", None) or getattr(type(worker).__call__, "__code__", None)
    return code if isinstance(code, CodeType) and is_followed(code.co_filename) else None


def stack_depths(code: CodeType) -> dict[int, int]:
    """Compute how many values lie on the stack before each instruction that can be reached."""
    listed = list(dis.get_instructions(code))
    places = {instruction.offset: place for place, instruction in enumerate(listed)}
    # The value sent into a generator lies there when it starts; 3.13 counts it to RETURN_GENERATOR.
    start = int(bool(code.co_flags & _GENERATOR) and sys.version_info < (3, 13))
    todo = [(0, start)]
    table = dis.Bytecode(code).exception_entries  # type: ignore[attr-defined]
    todo += [(entry.target, entry.depth + 1 + entry.lasti) for entry in table]
    depths: dict[int, int] = {}
    while todo:
        offset, depth = todo.pop()
        while offset not in depths:
            depths[offset] = depth
            found = listed[places[offset]]
            argument = found.arg if found.opcode >= dis.HAVE_ARGUMENT else None
            if found.opcode in dis.hasjrel:
                todo.append((found.argval, depth + dis.stack_effect(found.opcode, argument, jump=True)))
            if found.opname in _ENDS or found.opname.startswith(("JUMP_FORWARD", "JUMP_BACKWARD")):
                break
            depth += dis.stack_effect(found.opcode, argument, jump=False)
            offset = listed[places[offset] + 1].offset
    return depths


def find_sites(code: CodeType) -> dict[int, Site]:
    """List the instructions of a code object that may touch shared state, or go round in a loop."""
    depths = stack_depths(code)
    listed = list(dis.get_instructions(code))
    # An argument that is also a cell has one place.
    width = len({*code.co_varnames, *code.co_cellvars}) + len(code.co_freevars)
    heads = {instruction.offset: instruction.opname for instruction in listed}
    sites: dict[int, Site] = {}
    line = code.co_firstlineno
    for found in listed:
        name, argument = found.opname, found.arg or 0
        line = (found.positions and found.positions.lineno) or line
        kind, count = "", 1
        if name in _READS or name in _WRITES:
            kind = _READS.get(name) or _WRITES[name]
            if kind == "cell":
                count = argument
        elif name in _CALLS and not (name == "CALL" and sys.version_info < (3, 12)):
            kind, count = _CALLS[name], argument
        elif name in _DEEP or (name == "BINARY_OP" and found.argrepr == "%"):
            kind, count = "deep", _DEEP.get(name, 2)
        elif name in _USES:
            kind, count = "use", _USES[name]
        elif name == "MATCH_CLASS":
            kind, count = "match", argument
        elif name == "FOR_ITER":
            kind = "next"
        elif name in ("GET_ITER", "GET_YIELD_FROM_ITER"):
            kind = "iter"
        elif name in ("BEFORE_WITH", "SEND", "YIELD_VALUE", "GET_AWAITABLE"):
            kind = name.split("_")[-1].lower()
        elif "JUMP" in name and "BACKWARD" in name:
            kind = "turn" if heads[found.argval] != "FOR_ITER" else ""
            count = int("_IF_" in name and "NONE" not in name)  # 3.11 tests and jumps back in one
        elif "JUMP" in name and "_IF_" in name and "NONE" not in name and sys.version_info < (3, 13):
            kind = "use"
        if kind and found.offset in depths:
            writes = name in _WRITES or (name == "BINARY_OP" and found.argrepr.endswith("="))
            label = str(found.argval) if kind in ("global", "attr", "cell", "super") else name
            label = found.argrepr if name in ("BINARY_OP", "COMPARE_OP") else label
            deletes, arithmetic = name.startswith("DELETE"), name in _STEPS
            depth = depths[found.offset]
            sites[found.offset] = Site(
                code,
                found.offset,
                kind,
                label,
                count,
                writes,
                deletes,
                depth,
                width + depth,
                line,
                arithmetic,
            )
    return sites


class Tables:
    """The sites of all code that was met, without those that nobody's writing can concern."""

    def __init__(self, fine: bool) -> None:
        self.fine = fine
        self.boxes = False  # whether some container was written; if not, looking into them cannot matter
        self.bags = False  # whether there are objects whose attributes are read in C
        self.iterators = False  # whether somebody goes through an iterator that others may have too
        self.loops = False  # whether there are loops that may wait for something
        self.wanted: frozenset[tuple[str, str, int, int]] = frozenset()  # by another session's plan
        self.codes: dict[int, CodeType] = {}
        self.sites: dict[int, dict[int, Site]] = {}
        self._all: dict[int, dict[int, Site]] = {}
        self._stored: dict[str, set[str]] = defaultdict(set)

    def add(self, code: CodeType) -> None:
        """Take in a code object, and the names that it stores."""
        self.codes[id(code)] = code
        self._all[id(code)] = sites = find_sites(code)
        for site in sites.values():
            if site.writes:
                self._stored[site.kind].add(site.name)

    def store(self, name: str) -> bool:
        """Take in an attribute's name that setattr gives; tell whether it is new."""
        new = name not in self._stored["attr"]
        self._stored["attr"].add(name)
        return new

    def settle(self) -> None:
        """Keep the sites that can matter."""
        turning = {key for key, sites in self._all.items() if any(s.kind == "turn" for s in sites.values())}
        self.loops = bool(turning)
        for key, sites in self._all.items():
            self.sites[key] = {
                offset: site
                for offset, site in sites.items()
                if self._matters(site, key in turning) or site.name_it() in self.wanted
            }

    def _matters(self, site: Site, turns: bool) -> bool:
        if site.kind in ("global", "attr", "super", "cell"):  # to read a name that no code stores cannot
            stores = (
                ("cell",) if site.kind == "cell" else ("attr", "global")
            )  # a global may be a module's attribute
            stored = any(site.name in self._stored[each] for each in stores)
            site.faint = not stored and site.name_it() not in self.wanted
            return stored or site.name == "__dict__" or (site.kind == "attr" and site.name in INSIDE)
        if site.kind == "deep" and self.bags:
            return True
        if site.kind == "next":
            return self.boxes or self.iterators or turns
        if site.kind in ("use", "deep", "item", "slice", "in") and not site.writes:
            return self.boxes or (self.fine and site.arithmetic)
        return True
