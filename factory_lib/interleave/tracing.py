"""The two ways in which CPython tells what a thread is about to execute, behind one seam.

A tracer is made when a search begins and closed when it ends. It tells the crew of each site that one of its
workers is about to execute (`arrive` returns when it may), and of code that nobody had seen before (`meet`).
`watch` takes up the tables' present sites. Each worker's thread asks for its `switches`, and calls them
before and after its work.
"""

import sys
from collections.abc import Callable
from functools import partial
from threading import get_ident
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from .bytecode import Site, Tables, is_followed

if TYPE_CHECKING:
    from .crew import Crew, Worker

LocalTrace = Callable[[FrameType, str, Any], Any]
Switch = Callable[[], object]


class SetTrace:
    """``sys.settrace`` with opcode events: for 3.11, where there is nothing better."""

    def __init__(self, tables: Tables, crew: "Crew") -> None:
        self._tables = tables
        self._crew = crew
        self._made: list[dict[int, LocalTrace | None]] = []  # for each worker, by the code's id

    def watch(self) -> None:
        """Have the trace functions made anew."""
        for made in self._made:
            made.clear()

    def switches(self, worker: "Worker") -> tuple[Switch, Switch]:
        """Return what sets this thread's trace function, and what puts a debugger's back."""
        made: dict[int, LocalTrace | None] = {}
        self._made.append(made)
        sites, crew = self._tables.sites, self._crew

        def trace(frame: FrameType, event: str, argument: Any) -> LocalTrace | None:
            key = id(frame.f_code)
            if key not in made:
                if key not in sites:
                    if not is_followed(frame.f_code.co_filename) or not crew.is_working():
                        return None
                    crew.meet(frame.f_code, frame)
                made[key] = self._make(worker, sites[key])
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
            return made[key]

        return partial(sys.settrace, trace), partial(sys.settrace, sys.gettrace())

    def _make(self, worker: "Worker", sites: dict[int, Site]) -> LocalTrace | None:
        """Make the trace function of one worker in one code object: most of its time goes by in here."""
        if not sites:
            return None
        crew = self._crew
        arrive = crew.arrive

        def local(frame: FrameType, event: str, argument: Any) -> LocalTrace:
            if (offset := frame.f_lasti) in sites and event == "opcode" and not crew.deciding:
                arrive(worker, sites[offset], frame)
            return local

        return local

    def close(self) -> None:
        """Forget the trace functions."""
        self._made.clear()


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

    def switches(self, worker: "Worker") -> tuple[Switch, Switch]:
        """Return what does nothing: the events come from every thread."""
        return int, int

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
