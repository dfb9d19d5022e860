"""Tell in words what each step of an order does, while it is run again."""

import functools
import inspect
import linecache
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import CodeType
from typing import TYPE_CHECKING, Any

from .bytecode import Site
from .crew import Op, Worker, place_of
from .say import say
from .schedule import LOSES, STALE, Move, Schedule, Step, Wait
from .touch import top

if TYPE_CHECKING:
    from .session import Session


def source_of(filename: str, line: int) -> str:
    """Return a line of source, without its indentation and comment; nothing if there is no source."""
    return linecache.getline(filename, line).partition("  #")[0].strip()


def first_name(worker: Callable[..., object]) -> str:
    """Return what a worker calls the state that it is given."""
    try:
        return next(iter(inspect.signature(worker).parameters), "state")
    except (TypeError, ValueError):
        return "state"


def body_of(worker: Any) -> tuple[str, int, int] | None:
    """Return the file of a function, its first and its last line."""
    while isinstance(worker, functools.partial):
        worker = worker.func
    code = getattr(worker, "__code__", None) or getattr(type(worker).__call__, "__code__", None)
    if code is None:
        return None
    return code.co_filename, code.co_firstlineno, max(line for *_, line in code.co_lines() if line)


class Book:
    """Writes the steps of one order down."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._steps: list[Step] = []
        self._start: str | None = None
        self._last: Worker | None = None
        self._preemptions = 0
        self._looks: dict[tuple[str, int, Any], list[int]] = {}
        self._writes: dict[tuple[int, Any], tuple[int, str]] = {}
        self._word = first_name(session.workers[0])

    def begin(self, worker: Worker, able: Sequence[Worker]) -> None:
        """Write down what a worker is about to do."""
        op = worker.op
        assert op is not None
        if self._last is not None and self._last is not worker and self._last in able:
            before = self._last.op
            self._preemptions += not (before is not None and before.free)
        self._last = worker
        file, line = self.place(op)
        step = Step(
            worker.name, line, source_of(file, line), self.operation(op), "", file, self._mark(worker, op)
        )
        self._steps.append(step)

    def finish(self) -> None:
        """Write down the state after the last step."""
        if self._start is None:
            self._start = self._session.text()
        elif self._steps:
            self._steps[-1] = replace(self._steps[-1], state=self._session.text())

    def schedule(self, choices: Sequence[int]) -> Schedule:
        """Return what was written down."""
        session = self._session
        waits = self.waits() if session.crew.ending == "deadlock" else ()
        return Schedule(
            tuple(self._steps),
            session.outcome(),
            session.ending(),
            self._preemptions,
            tuple(choices),
            self._start or "",
            waits,
            session.plan(),
            {
                worker.name: body
                for worker, function in zip(session.crew.active, session.workers, strict=False)
                if (body := body_of(function))
            },
        )

    def moves(self) -> dict[str, Move]:
        """Tell what each worker that has not ended would do next."""
        return {
            worker.name: self._move(worker.op)
            for worker in self._session.crew.active
            if worker.op is not None and worker.op.key != "stop"
        }

    def _move(self, op: Op) -> Move:
        file, line = self.place(op)
        return Move(line, source_of(file, line), self.operation(op), self._session.crew.is_ready(op))

    def place(self, op: Op) -> tuple[str, int]:
        """Return file and line of what a worker is about to do."""
        if op.site is not None:
            return op.site.code.co_filename, op.site.line
        place: tuple[CodeType, int] | None = place_of(op.frame)
        return (place[0].co_filename, place[1]) if place else ("", 0)

    def _mark(self, worker: Worker, op: Op) -> str:
        """Say what is wrong with a write, if another thread's came after this one's last or earlier look."""
        now = len(self._steps)
        mark = ""
        for key, part, writes in op.accesses or ():
            looks = self._looks.setdefault((worker.name, key, part), [])
            if writes:
                at, who = self._writes.get((key, part), (-1, worker.name))
                named = op.site is not None and op.site.kind in ("global", "cell", "attr", "item")
                if named and who != worker.name and looks and looks[0] < at:
                    mark = LOSES if looks[-1] < at else STALE
                self._writes[key, part] = now, worker.name
                looks.clear()
            looks.append(now)
        return mark

    def waits(self) -> tuple[Wait, ...]:
        """Tell who waits for what."""
        found = []
        for worker in self._session.crew.active:
            op = worker.op
            if op is None:
                continue
            file, line = self.place(op)
            holder = op.model.holder() if hasattr(op.model, "holder") else None
            name, held_line, held_file = holder or ("", 0, "")
            source = source_of(held_file, held_line) if held_line else ""
            wants = self._name(op.model)
            found.append(Wait(worker.name, line, source_of(file, line), wants, name, held_line, source))
        return tuple(found)

    def _name(self, value: Any, missing: str = "") -> str:
        names = self._session.world.names(self._session.state, self._word)
        found = names.get(id(value))
        return found or missing or f"a {type(value).__name__}"

    def operation(self, op: Op) -> str:
        """Say what a worker is about to do."""
        if op.site is None:
            return op.verb if op.model is None else f"{op.verb} {self._name(op.model)}"
        assert op.frame is not None
        site, kind = op.site, op.site.kind
        if kind in ("global", "cell", "attr", "item") and op.accesses:
            return self._access(op, site)
        if op.accesses:
            owner = self._session.crew.pins[op.accesses[-1][0]]
            name = self._name(owner)
            changes = any(writes for _, _, writes in op.accesses)
            if kind.startswith("call"):
                callee, arguments = self._session.crew.eye.callee(site, op.frame)
                method = getattr(callee, "__name__", "a call")
                given = [argument for argument in arguments if argument is not owner]
                return f"{'changes' if changes else 'reads'} {name} by {method}({', '.join(map(say, given))})"
            if kind == "next":
                return f"takes the next of {name}"
            return f"{'changes' if changes else 'reads'} {name}"
        if site.arithmetic:
            values = [say(value) for value in top(op.frame, site, site.count)]
            return f"computes {f' {site.name} '.join(values)}"
        return "goes round"

    def _access(self, op: Op, site: Site) -> str:
        assert op.frame is not None
        pins = self._session.crew.pins
        assert op.accesses
        key, _, writes = op.accesses[0]
        owner = pins[key]
        name = site.name
        if site.kind == "attr":
            name = f"{self._name(owner)}.{site.name}"
        elif site.kind == "item":
            name = f"{self._name(owner)}[{say(top(op.frame, site, 1)[0])}]"
        if writes and site.kind == "item":
            values = top(op.frame, site, 3)[:1] if "STORE" in site.name else []
        elif writes:
            values = top(op.frame, site, 2)[:1] if site.kind == "attr" else top(op.frame, site, 1)
        else:
            values = self._value(op, site, owner)
        text = say(values[0]) if values else ""
        if writes:
            return f"writes {name} = {text}" if values else f"deletes {name}"
        return f"reads {name} ({text})" if text else f"reads {name}"

    def _value(self, op: Op, site: Site, owner: Any) -> list[Any]:
        """Look up what a read will find, where that runs no code of the learner's."""
        assert op.frame is not None
        try:
            if site.kind == "global":
                return [op.frame.f_globals[site.name]]
            if site.kind == "cell":
                return [owner.cell_contents]
            if site.kind == "attr":
                return [inspect.getattr_static(owner, site.name)]
            kind = dict if isinstance(owner, dict) else list
            return [kind.__getitem__(owner, top(op.frame, site, 1)[0])]
        except Exception:  # it is missing: the step itself will say so
            return []
