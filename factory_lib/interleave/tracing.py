"""The two ways in which CPython tells what a thread is about to execute, behind one seam."""

import sys
from collections.abc import Callable
from threading import get_ident
from types import CodeType, FrameType
from typing import Any, Protocol

from .bytecode import Site, Tables, is_followed


class Listener(Protocol):
    """Whom a tracer tells."""

    def arrive(self, site: Site, frame: FrameType) -> None:
        """Take notice that this thread is about to execute a site; return when it may."""

    def meet(self, code: CodeType, frame: FrameType) -> None:
        """Take in followed code that nobody had seen before."""

    def is_working(self) -> bool:
        """Tell whether the calling thread is a worker's."""


class Tracer(Protocol):
    """A way of listening; `enter` and `leave` are called by each worker's thread around its work."""

    def open(self, tables: Tables, listener: Listener) -> None:
        """Start to listen."""

    def watch(self) -> None:
        """Take up the tables' present sites."""

    def enter(self) -> None:
        """Listen in this thread."""

    def leave(self) -> None:
        """Stop listening in this thread, and put back what listened before."""

    def close(self) -> None:
        """Leave the process as it was found."""


class SetTrace:
    """``sys.settrace`` with opcode events: for 3.11, where there is nothing better."""

    def open(self, tables: Tables, listener: Listener) -> None:
        """Remember whom to tell."""
        self._tables = tables
        self._listener = listener
        self._before: dict[int, Any] = {}
        self.watch()

    def watch(self) -> None:
        """Make one trace function for each code object."""
        self._locals = {key: self._make(sites) for key, sites in self._tables.sites.items()}

    def _make(self, sites: dict[int, Site]) -> Callable[[FrameType, str, Any], Any]:
        find, arrive = sites.get, self._listener.arrive

        def local(frame: FrameType, event: str, argument: Any) -> Any:
            if event == "opcode" and (site := find(frame.f_lasti)) is not None:
                arrive(site, frame)
            return local

        return local

    def _trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        local = self._locals.get(id(frame.f_code))
        if local is None:
            if not is_followed(frame.f_code.co_filename) or not self._listener.is_working():
                return None
            self._listener.meet(frame.f_code, frame)
            local = self._locals[id(frame.f_code)]
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return local

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

    def open(self, tables: Tables, listener: Listener) -> None:
        """Take a free tool id and listen for the start of code that nobody has seen yet."""
        self._tables = tables
        self._listener = listener
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
        if self._listener.is_working():
            self._listener.arrive(site, sys._getframe(1))
        return None

    def _start(self, code: CodeType, offset: int) -> Any:
        if id(code) in self._tables.sites or not is_followed(code.co_filename):
            return self._api.DISABLE
        if self._listener.is_working():
            self._listener.meet(code, sys._getframe(1))
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


def make_tracer() -> Tracer:
    """Choose the way of listening for this Python."""
    return Monitoring() if sys.version_info >= (3, 12) else SetTrace()
