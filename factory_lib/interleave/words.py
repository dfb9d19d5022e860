"""Tell in words what each step of an order does, while it is run again."""

import inspect
import linecache
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING, Any

from .bytecode import Site, follow
from .crew import Op, Worker
from .parts import MISSING
from .say import say
from .schedule import LOSES, STALE, Move, Schedule, Step, Wait
from .touch import slot, top

if TYPE_CHECKING:
    from .session import Session


_NAMED = ("global", "cell", "attr", "item")


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
    code = follow(worker)
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
        # What was looked at by whom in which steps, and who wrote it last in which.
        self._looks: dict[tuple[str, int, Any], list[int]] = {}
        self._writes: dict[tuple[int, Any], tuple[int, str]] = {}
        self._word = first_name(session.workers[0])

    def begin(self, worker: Worker, able: Sequence[Worker]) -> None:
        """Write down what a worker is about to do."""
        op, last = worker.op, self._last
        assert op is not None
        if last is not None and last is not worker and last in able:
            self._preemptions += not (last.op is not None and last.op.free)
        self._last = worker
        file, line = op.place()
        mark = self._mark(worker, op)
        self._steps.append(Step(worker.name, line, source_of(file, line), self.operation(op), "", file, mark))

    def finish(self) -> None:
        """Write down the state after the last step."""
        if self._start is None:
            self._start = self._session.text()
        elif self._steps:
            self._steps[-1] = replace(self._steps[-1], state=self._session.text())

    def schedule(self, choices: Sequence[int]) -> Schedule:
        """Return what was written down."""
        session = self._session
        bodies = {w.name: body_of(f) for w, f in zip(session.crew.active, session.workers, strict=False)}
        return Schedule(
            tuple(self._steps),
            session.outcome(),
            session.ending(),
            self._preemptions,
            tuple(choices),
            self._start or "",
            self.waits() if session.crew.ending == "deadlock" else (),
            session.plan(),
            {name: body for name, body in bodies.items() if body},
        )

    def moves(self) -> dict[str, Move]:
        """Tell what each worker that has not ended would do next."""
        found = {}
        for worker in self._session.crew.active:
            if worker.op is not None and worker.op.key != "stop":
                file, line = worker.op.place()
                possible = self._session.crew.is_ready(worker.op)
                found[worker.name] = Move(line, source_of(file, line), self.operation(worker.op), possible)
        return found

    def waits(self) -> tuple[Wait, ...]:
        """Tell who waits for what."""
        found = []
        for worker in self._session.crew.active:
            if worker.op is None:
                continue
            file, line = worker.op.place()
            model = worker.op.model
            holder, (held_file, held_line) = model.holder() if hasattr(model, "holder") else ("", ("", 0))
            held = source_of(held_file, held_line)
            wants = self._name(model)
            found.append(Wait(worker.name, line, source_of(file, line), wants, holder, held_line, held))
        return tuple(found)

    def _mark(self, worker: Worker, op: Op) -> str:
        """Say what is wrong with a write, if another thread's came after this one's last or earlier look."""
        now = len(self._steps)
        mark = ""
        for key, part, writes in op.accesses or ():
            looks = self._looks.setdefault((worker.name, key, part), [])
            if writes:
                at, who = self._writes.get((key, part), (-1, worker.name))
                named = op.site is not None and op.site.kind in _NAMED
                if named and who != worker.name and looks and looks[0] < at:
                    mark = LOSES if looks[-1] < at else STALE
                self._writes[key, part] = now, worker.name
                looks.clear()
            looks.append(now)
        return mark

    def _name(self, value: Any) -> str:
        names = self._session.world.names(self._session.state, self._word)
        return names.get(id(value)) or f"a {type(value).__name__}"

    def operation(self, op: Op) -> str:
        """Say what a worker is about to do."""
        site = op.site
        if site is None:
            return op.verb if op.model is None else f"{op.verb} {self._name(op.model)}"
        if not op.accesses:
            values = [say(value) for value in top(op.frame, site, site.count)]
            return f"computes {f' {site.name} '.join(values)}" if site.arithmetic else "goes round"
        if site.kind in _NAMED:
            return self._access(op, site, op.frame)
        changed = [key for key, _, writes in op.accesses if writes]
        owner = self._session.crew.pins[(changed or [op.accesses[-1][0]])[0]]
        verb = "changes" if changed else "looks into"
        how = ""
        if site.kind == "next":  # of what the iterator goes through
            verb, owner = "takes the next of", self._session.crew.pins[op.accesses[-1][0]]
        elif site.kind.startswith("call"):
            callee, arguments = self._session.crew.eye.callee(site, op.frame)
            given = ", ".join(say(argument) for argument in arguments if argument is not owner)
            verb = "changes" if changed else "reads"
            how = f" by {getattr(callee, '__name__', 'a call')}({given})"
        return f"{verb} {self._name(owner)}{how}"

    def _access(self, op: Op, site: Site, frame: FrameType) -> str:
        assert op.accesses
        owner = self._session.crew.pins[op.accesses[0][0]]
        name = site.name
        if site.kind == "attr":
            name = f"{self._name(owner)}.{site.name}"
        elif site.kind == "item":
            name = f"{self._name(owner)}[{say(slot(frame, site.height - 1))}]"
        if site.deletes:
            return f"deletes {name}"
        if site.writes:  # the value lies below the object, and that below the key
            return f"writes {name} = {say(top(frame, site, {'attr': 2, 'item': 3}.get(site.kind, 1))[0])}"
        value = _present(site, frame, owner)
        return f"reads {name}" if value is MISSING else f"reads {name} ({say(value) or 'idle'})"


def _present(site: Site, frame: FrameType, owner: Any) -> Any:
    """Look up what a read will find, where that runs no code of the learner's."""
    try:
        if site.kind == "global":
            return frame.f_globals[site.name]
        if site.kind == "cell":
            return owner.cell_contents
        if site.kind == "attr":
            return inspect.getattr_static(owner, site.name)
        kind = dict if isinstance(owner, dict) else list
        return kind.__getitem__(owner, slot(frame, site.height - 1))
    except Exception:  # it is missing: the step itself will say so
        return MISSING
