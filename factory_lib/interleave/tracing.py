"""The two ways in which CPython tells what a thread is about to execute, behind one seam.

A tracer is made when a search begins and closed when it ends. It tells the crew of each site that one of its
workers is about to execute (`arrive` returns when it may), and of code that nobody had seen before (`meet`).
`watch` takes up the tables' present sites; `enter` and `leave` are called by each worker around its work.
"""

import sys
from collections.abc import Callable
from threading import get_ident
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from .bytecode import Site, Tables, is_followed

if TYPE_CHECKING:
    from .crew import Crew


class SetTrace:
    """``sys.settrace`` with opcode events: for 3.11, where there is nothing better."""

    def __init__(self, tables: Tables, crew: "Crew") -> None:
        self._tables = tables
        self._crew = crew
        self._before: dict[int, Any] = {}
        self.watch()

    def watch(self) -> None:
        """Make one trace function for each code object."""
        self._locals = {key: self._make(sites) for key, sites in self._tables.sites.items()}

    def _make(self, sites: dict[int, Site]) -> Callable[[FrameType, str, Any], Any] | None:
        if not sites:
            return None
        crew = self._crew
        find, arrive, workers = sites.get, crew.arrive, crew.by_ident

        def local(frame: FrameType, event: str, argument: Any) -> Any:
            if (site := find(frame.f_lasti)) is not None and event == "opcode" and not crew.deciding:
                arrive(workers[get_ident()], site, frame)
            return local

        return local

    def _trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        key = id(frame.f_code)
        if key not in self._locals:
            if not is_followed(frame.f_code.co_filename) or not self._crew.is_working():
                return None
            self._crew.meet(frame.f_code, frame)
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return self._locals[key]

    def enter(self) -> None:
        """Set the trace function of this thread."""
        self._before[get_ident()] = sys.gettrace()
        sys.settrace(self._trace)

    def leave(self) -> None:
        """Put the trace function back that was there before, a debugger's perhaps."""
        sys.settrace(self._before.pop(get_ident(), None))

    def close(self) -> None:
        """Forget the tables."""
        self._locals.clear()


class Monitoring:
    """``sys.monitoring`` (PEP 669): only the sites cost anything. For 3.12 and newer."""

    def __init__(self, tables: Tables, crew: "Crew") -> None:
        self._tables = tables
        self._crew = crew
        self._watched: list[CodeType] = []
        self._api: Any = sys.monitoring  # type: ignore[attr-defined, unused-ignore]
        free = [number for number in (4, 3, 5, 2, 1, 0) if self._api.get_tool(number) is None]
        if not free:
            raise RuntimeError("all of sys.monitoring's tool ids are taken")
        self._tool = free[0]
        self._api.use_tool_id(self._tool, "interleave")
        events = self._api.events
        self._api.register_callback(self._tool, events.INSTRUCTION, self._instruction)
        for event in (events.PY_START, events.PY_RESUME):
            self._api.register_callback(self._tool, event, self._start)
        self._api.set_events(self._tool, events.PY_START | events.PY_RESUME)
        self.watch()

    def watch(self) -> None:
        """Ask for the instructions of each code object, also of those that were switched off before."""
        for code in self._watched:
            self._api.set_local_events(self._tool, code, 0)
        self._watched = [self._tables.codes[key] for key in self._tables.sites]
        for code in self._watched:
            self._api.set_local_events(self._tool, code, self._api.events.INSTRUCTION)

    def _instruction(self, code: CodeType, offset: int) -> Any:
        site = self._tables.sites[id(code)].get(offset)
        if site is None:
            return self._api.DISABLE
        worker = self._crew.by_ident.get(get_ident())
        if worker is not None and not self._crew.deciding:
            self._crew.arrive(worker, site, sys._getframe(1))
        return None

    def _start(self, code: CodeType, offset: int) -> Any:
        if not is_followed(code.co_filename):
            return self._api.DISABLE  # which stays so, also for the next search's tool of this number
        if id(code) not in self._tables.sites and self._crew.is_working():
            self._crew.meet(code, sys._getframe(1))
        return None

    def enter(self) -> None:
        """Do nothing: the events come from every thread."""

    def leave(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Give all events and the tool id back."""
        for code in self._watched:
            self._api.set_local_events(self._tool, code, 0)
        self._watched = []
        events = self._api.events
        self._api.set_events(self._tool, 0)
        for event in (events.INSTRUCTION, events.PY_START, events.PY_RESUME):
            self._api.register_callback(self._tool, event, None)
        self._api.free_tool_id(self._tool)


# Which of them this Python has.
Tracer: Callable[[Tables, "Crew"], SetTrace | Monitoring]
Tracer = Monitoring if sys.version_info >= (3, 12) else SetTrace
