"""The workers' threads: one runs at a time, and whoever stands before a step decides who is next."""

import ctypes
import sys
import threading
from _thread import allocate_lock
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import get_ident
from time import perf_counter
from time import sleep as _sleep
from types import CodeType, FrameType
from typing import Any, NoReturn

from .bytecode import Site, Tables, is_followed
from .touch import Eye, library_name, slots

STUCK = 3.0  # seconds without a sign of life until a worker counts as waiting for the world outside
TURNS = 100  # turns of loops for each step that `max_steps` allows
_NAMED = ("global", "attr", "cell")
_SAME = {int, float, bool, str, bytes, type(None)}
_start, _join, _is_alive = threading.Thread.start, threading.Thread.join, threading.Thread.is_alive

Accesses = tuple[tuple[int, Any, bool], ...]


class Abort(BaseException):
    """Ends a worker's work before its end; no `except Exception` of a learner's catches it."""


class Op:
    """What a worker is about to do: the instruction at a site, or an operation on a model."""

    verb = ""
    model: Any = None
    ready: Callable[[], bool] | None = None
    free = False  # whoever leaves here was not interrupted: it sleeps
    spin: int | None = None

    def __init__(
        self, key: Any, accesses: Accesses | None, frame: FrameType, site: Site | None = None
    ) -> None:
        self.key = key
        self.accesses = accesses  # None: not looked at, since this order was looked at before
        self.frame = frame
        self.site = site

    def place(self) -> tuple[str, int]:
        """Find the file and the line that it stands at."""
        if self.site is not None:
            return self.site.code.co_filename, self.site.line
        return place_of(self.frame)


class Worker:
    """One thread, and where it stands in the present order."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.name = chr(ord("A") + index) if index < 26 else f"T{index}"
        self.baton = allocate_lock()
        self.baton.acquire()
        self.thread: threading.Thread | None = None
        self.switch_on: Callable[[], object]
        self.switch_off: Callable[[], object]
        self.begun = self.done = False
        self.op: Op | None = None
        self.retired = False  # an exception was thrown into its thread, which may strike at any time

    def reset(self, job: Callable[[], object]) -> None:
        """Get ready for the next order."""
        self.job = job
        self.op = None
        self.begun = self.done = False
        self.error = ""
        self.thread_of_mine: threading.Thread | None = None  # that of the program's, if a worker started it
        self.impure = 0  # counts what it did beyond looking
        self.marks: dict[tuple[int, int], tuple[int, int, list[Any], FrameType]] = {}
        self.spin: int | None = None


class Crew:
    """Runs orders, one after the other, on threads that are started once.

    Parameters
    ----------
    tables : Tables
        The sites to stop at.
    max_steps : int
        The longest order.
    on_new_code : callable
        Is told of code that is met for the first time, with its frame.
    """

    def __init__(
        self, tables: Tables, max_steps: int, on_new_code: Callable[[CodeType, FrameType], None]
    ) -> None:
        self.tables = tables
        self.fine = tables.fine
        self.max_steps = max_steps
        self.meet = on_new_code
        self.tracer: Any = None
        self.workers: list[Worker] = []
        self.by_ident: dict[int, Worker] = {}
        self.notes: dict[str, None] = {}
        self.fault: Exception | None = None
        self.by_heart = True  # whether repeated steps need not be looked at: there is nothing to learn there
        self.shifted = False  # what was found in this order calls for a new start of the search
        self.deadline = float("inf")
        self.eye = Eye(lambda name: self.notes.setdefault(name), self._store)
        self._closed = self._running = False
        self._retired: list[Worker] = []
        self._home = allocate_lock()
        self._home.acquire()
        self._forget(())

    def _forget(self, script: Sequence[Any]) -> None:
        self.active: list[Worker] = []
        self._unbegun = self._left = 0  # workers who have not begun, and not ended
        self.version = 0  # counts the changes of shared state
        self._script = script
        self.known = len(script) if self.rote else 0  # so many steps are only repeated
        self.steps = self._turns = self._beat = 0
        self.ending = ""
        self.aborting = self._late = self.deciding = self.raised = False
        self._is_alone = False  # one worker is left, and nobody need be asked whether it goes on
        self.rest: list[tuple[int, Any]] = []  # who it is, and the keys of its steps
        self.pins: dict[int, Any] = {}  # what was touched stays alive, so that no id means two things
        self.touched: dict[int, int] = {}
        self.written: dict[int, set[Any]] = {}
        self._cold: dict[tuple[Site, Accesses], None] = {}
        self.eye.strange = {}
        self.eye.between = {}

    # The order from outside: the searching thread.

    def run(
        self,
        jobs: Sequence[Callable[[], object]],
        decide: Callable[[list[Worker]], Worker | None],
        script: Sequence[Any] = (),
        ask_alone: bool = True,
    ) -> None:
        """Run one order to its end; `ending` says which. Workers may still stand: `unwind` them.

        Parameters
        ----------
        jobs : sequence of callable
            What each worker does.
        decide : callable
            Chooses among the workers that can go on; None stops, after it has set `ending`.
        script : sequence of Node
            The choices to repeat before.
        ask_alone : bool
            Whether to ask also once all workers but one have ended; otherwise `rest` says what that one did
            since `decide` was asked last.
        """
        self._forget(script)
        self._decide, self._ask_alone = decide, ask_alone
        for job in jobs:
            self.hire(job)
        first = self._begin(self.active[script[0].chosen if self.known > 1 else 0])
        self._running = True
        first.baton.release()
        beat, since = -1, perf_counter()
        while not (self._home.acquire(timeout=0.25) and self.ending):
            now = perf_counter()
            self._late = self._late or now > self.deadline
            if self._beat != beat:
                beat, since = self._beat, now
            elif now - since > STUCK:
                self.ending = "stuck"
                break
        self._running = False

    def hire(self, job: Callable[[], object]) -> Worker:
        """Give a job to the next worker, who begins with it before the next decision."""
        index = len(self.active)
        if index == len(self.workers) or self.workers[index].index != index:
            worker = Worker(index)
            worker.thread = threading.Thread(
                target=self._serve, args=(worker,), name=worker.name, daemon=True
            )
            self.workers.insert(index, worker)
            _start(worker.thread)  # after Ctrl-C in between `close` finds one that was not started
        worker = self.workers[index]
        worker.reset(job)
        self.active.append(worker)
        self._unbegun += 1
        self._left += 1
        self._is_alone = False
        return worker

    def unwind(self) -> None:
        """End all work that has not ended, one worker after the other."""
        if self._running:  # Ctrl-C: who is at work must not hand on to somebody whom we wake
            self._late, limit = True, perf_counter() + STUCK
            while not self.ending and perf_counter() < limit:
                self._home.acquire(timeout=0.05)
            self._running = False
        self.aborting = True
        if not self._left:
            return
        self._home.acquire(blocking=False)  # somebody who came late may have left it open
        for worker in self.active:
            if worker.done or not worker.begun:
                continue
            if worker.op is not None:
                _open(worker.baton)
                self._home.acquire(timeout=0.2)
            limit = perf_counter() + 2.0
            while not worker.done and perf_counter() < limit:
                # It works without being traced, or swallows what ends it: `except:` around a loop's body.
                # At a loop's turn, where Python looks for this, nothing is around any more.
                ident = ctypes.c_ulong((worker.thread and worker.thread.ident) or 0)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(Abort))
                worker.retired = True
                self._home.acquire(timeout=0.05)
            if worker.retired:
                self._retired.append(worker)
                self.workers.remove(worker)

    def close(self) -> list[str]:
        """End the threads; name those that don't end, since they wait for the world outside."""
        self.unwind()
        self._closed = True
        everybody = [(w.name, w.thread) for w in (*self.workers, *self._retired) if w.thread]
        for worker in (*self.workers, *self._retired):
            _open(worker.baton)
        for _, thread in everybody:
            limit = perf_counter() + 0.2
            while thread.ident is None and perf_counter() < limit:  # Ctrl-C came while it was started
                _sleep(0.001)
            if thread.ident is not None:
                _join(thread, timeout=2.0)
        alive = [name for name, thread in everybody if _is_alive(thread)]
        # Nothing is left for the garbage collector: Python drops a Ctrl-C that comes while it ends a thread.
        self._forget(())
        self.workers, self._retired = [], []
        return alive

    def learn(self, known: Callable[[], set[int]]) -> bool:
        """Make the sites hot that touched what is shared and written; tell whether there were any.

        Shared is what was there before the workers began, and what two of them touched.
        """
        self._note_libraries()
        if not self._cold:
            return False
        new, there = False, known()
        for site, accesses in self._cold:
            for key, part, _ in accesses:
                shared = key in there or self.touched[key] & (self.touched[key] - 1)
                if not site.hot and shared and self._is_written(key, part):
                    site.hot = new = True
        if self.by_heart and (
            self.eye.strange or self.eye.between or any(not site.hot for site, _ in self._cold)
        ):
            self.by_heart = False
            new |= self.known > 0  # what the repeated steps touched was not looked at
        return new

    def _note_libraries(self) -> None:
        """Note what two workers use, and where what counts as one step is many: Python code runs in there."""
        for key, workers in self.touched.items():
            if workers & (workers - 1) and key in self.written:
                kind: Any = type(self.pins[key])
                name = self.eye.strange.get(key) or library_name(kind)
                if key in self.eye.between:
                    name = f"{self.eye.between[key]}, in C, by functions of yours"
                if name:
                    self.notes[name] = None

    def _is_written(self, key: int, part: Any) -> bool:
        parts = self.written.get(key, ())
        return bool(parts) and (part is None or part in parts or None in parts)

    # The order from inside: the workers' threads.

    def me(self) -> Worker | None:
        """Return the worker whose thread this is."""
        return self.by_ident.get(get_ident())

    @property
    def rote(self) -> bool:
        """Tell whether steps that are repeated are done without a look."""
        return self.by_heart and not self.tables.loops

    def is_working(self) -> bool:
        """Tell whether the calling thread is a worker's, and does a worker's work."""
        return get_ident() in self.by_ident and not self.deciding

    def _serve(self, worker: Worker) -> None:
        self.by_ident[get_ident()] = worker
        worker.switch_on, worker.switch_off = self.tracer.switches(worker)
        with suppress(Abort):
            worker.baton.acquire()
            while not self._closed:
                self._work(worker)
                worker.op = None
                worker.done = True
                if self.aborting or worker.retired:
                    _open(self._home)  # of two that end at once one need wake the searching thread
                    if worker.retired:
                        break
                else:
                    self.version += 1
                    self._left -= 1
                    self._is_alone = self._left == 1 and not self._ask_alone
                    chosen = None
                    if self._left or self._late or self.steps < len(self._script):
                        chosen = self._next()
                    else:
                        self.ending = "done"
                    (self._home if chosen is None else chosen.baton).release()
                worker.baton.acquire()
        self.by_ident.pop(get_ident(), None)

    def _work(self, worker: Worker) -> None:
        try:
            worker.switch_on()
            try:
                worker.job()
            finally:
                worker.switch_off()
        except Abort:
            pass
        except BaseException as error:
            self.raised = True
            worker.error = f"{type(error).__name__}: {error}".removesuffix(": ")

    def pause(self, worker: Worker, op: Op) -> None:
        """Stand before an operation until this worker is chosen to do it."""
        self._beat += 1
        op.spin, worker.spin = worker.spin, None
        worker.op = op
        chosen = self._next()
        if chosen is not worker:
            (self._home if chosen is None else chosen.baton).release()
            worker.baton.acquire()
            if self.aborting or self._closed:
                raise Abort
        worker.op = None

    def _next(self) -> Worker | None:
        if self.steps < self.known - 1:  # nobody need have come to a first step who is not chosen yet
            return self._repeat()
        self.deciding = True  # nothing that happens until the decision is the worker's doing
        try:
            return self._choose()
        finally:
            self.deciding = False

    def _choose(self) -> Worker | None:
        if self._unbegun:
            return self._begin(next(worker for worker in self.active if not worker.begun))
        if self.steps < len(self._script):
            return self._repeat()
        able = [w for w in self.active if (op := w.op) is not None and self.is_ready(op)]
        if self._late:
            self.ending = "late"
        elif not able:
            spins = any(worker.op is not None and worker.op.spin is not None for worker in self.active)
            self.ending = "endless" if spins else "deadlock"
        elif self.steps >= self.max_steps:
            self.ending = "max_steps"
        else:
            self.steps += 1
            if not self._is_alone:
                return self._decide(able)
            [worker] = able
            self.rest.append((worker.index, worker.op and worker.op.key))
            return worker
        return None

    def _begin(self, worker: Worker) -> Worker:
        worker.begun = True
        self._unbegun -= 1
        return worker

    def _repeat(self) -> Worker | None:
        node = self._script[self.steps]
        index: int = node.chosen
        worker = self.active[index] if index < len(self.active) else None
        if worker is not None and not worker.begun:
            return self._begin(worker)
        if worker is None or worker.op is None or worker.op.key != node.keys[index]:
            self.ending = "strayed"
            return None
        self.steps += 1
        if self.steps == len(self._script):
            node.watch(self)
        return worker

    def footprint(self, op: Op | None) -> Accesses | None:
        """List what an operation touches; None if it may be anything: a join, a loop that waits."""
        if op is None or op.spin is not None or isinstance(op.model, threading.Thread):
            return None
        if op.accesses is None and op.site is not None and op.frame is not None:
            seen = self.eye.see(op.site, op.frame)
            op.accesses = tuple([(id(owner), part, is_write) for owner, part, is_write in seen])
        return op.accesses

    def is_ready(self, op: Op) -> bool:
        """Tell whether an operation can be done now; who goes round in vain waits for a change."""
        return op.spin != self.version and (op.ready is None or op.ready())

    def changed(self, worker: Worker) -> None:
        """Take notice that a worker has changed something."""
        self.version += 1
        worker.impure += 1

    def arrive(self, worker: Worker, site: Site, frame: FrameType) -> None:
        """Take notice of an access, and stand before it if it is one to what others write."""
        if self.aborting:
            raise Abort
        if self.steps < self.known and not site.mixed:  # only repeated: go on at once if it is one's turn
            if site.hot or (self.fine and site.arithmetic):
                node, index = self._script[self.steps], worker.index
                if node.chosen == index and self.steps < self.known - 1 and node.keys[index] is site:
                    self.steps += 1
                else:
                    self.pause(worker, Op(site, None, frame, site))
            return
        self._beat += 1
        if site.kind == "turn":
            self._go_round(worker, site, frame)
        elif site.kind in ("next", "send", "value"):
            worker.impure += 1
            self._count_turn(worker, frame)
        try:
            seen = self.eye.see(site, frame)
        except RecursionError:
            self.notes["the limit of recursion, which is reached here too early"] = None
            raise
        except Exception as error:  # ours, not the learner's: `run` raises it
            self.fault = error
            self._stop(worker, "fault", frame)
        if self.eye.impure:
            self.eye.impure = False
            worker.impure += 1
        if self.eye.iterates and not self.tables.iterators:
            self.tables.iterators = self.shifted = True
        site.mixed |= site.hot and not seen
        writes, bit, touches = False, 1 << worker.index, []
        for owner, part, is_write in seen:
            key = id(owner)
            self.pins[key] = owner
            self.touched[key] = self.touched.get(key, 0) | bit
            touches.append((key, part, is_write))
            if is_write:
                writes = True
                self.written.setdefault(key, set()).add(part)
        accesses = tuple(touches)
        if writes and site.kind not in _NAMED and not self.tables.boxes:
            self.tables.boxes = self.shifted = True
        if seen and not site.hot:
            self._cold[site, accesses] = None
        if (seen and site.hot) or (self.fine and site.arithmetic):
            # Who is left alone would be chosen again: it goes on without a stand.
            if self._is_alone and worker.spin is None and len(self._script) <= self.steps < self.max_steps:
                self.steps += 1
                self.rest.append((worker.index, site))
            else:
                self.pause(worker, Op(site, accesses, frame, site))
        if writes:
            self.changed(worker)

    def _count_turn(self, worker: Worker, frame: FrameType) -> None:
        self._turns += 1
        if self._turns > TURNS * self.max_steps or self._late:
            self._stop(worker, "late" if self._late else "max_steps", frame)

    def _stop(self, worker: Worker, ending: str, frame: FrameType) -> NoReturn:
        self.ending = ending
        worker.op = Op("stop", (), frame)
        self._home.release()
        worker.baton.acquire()
        raise Abort

    def _go_round(self, worker: Worker, site: Site, frame: FrameType) -> None:
        """Find out whether a loop came back to where it was, with nothing changed by anybody meanwhile.

        Then going round again changes nothing either, whoever runs: every order in which it does is equal
        to one in which it waits until somebody has changed something. Going round is pure if this worker has
        only looked, and its locals and its stack are the same.
        """
        self._count_turn(worker, frame)
        values = slots(frame, 0, site.height)
        key = (id(frame), site.offset)
        before = worker.marks.get(key)
        worker.marks[key] = (worker.impure, self.version, values, frame)
        if before is None or before[:2] != (worker.impure, self.version):
            return
        for old, new in zip(before[2], values, strict=True):
            if old is not new and not (type(old) is type(new) and type(old) in _SAME and old == new):
                return
        if worker.spin is None:
            worker.spin = self.version  # taken along to the next look at something shared
        else:
            self.pause(worker, Op(site, (), frame, site))

    def _store(self, name: str) -> None:
        if self.tables.store(name):
            self.shifted = True


def _open(lock: Any) -> None:
    with suppress(RuntimeError):  # it is open
        lock.release()


def place_of(frame: FrameType | None) -> tuple[str, int]:
    """Find the file and line of the learner's that a frame stands at, or was called from."""
    while frame is not None and not is_followed(frame.f_code.co_filename):
        frame = frame.f_back
    return (frame.f_code.co_filename, frame.f_lineno) if frame is not None else ("", 0)


def where_stuck(worker: Worker) -> str:
    """Say at which line a worker waits that does not come back."""
    ident = worker.thread.ident if worker.thread else None
    line = place_of(sys._current_frames().get(ident or 0))[1]
    return f"line {line}" if line else "a line that cannot be told"
