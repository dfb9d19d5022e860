"""Everything that is needed to run orders of some workers, and to leave the process as it was found."""

import functools
import inspect
import sys
import threading
from _thread import allocate_lock
from collections.abc import Callable, Sequence
from contextlib import ExitStack, redirect_stdout
from types import CodeType, FrameType
from typing import Any

from . import models, patches, words
from .bytecode import Tables, follow
from .crew import Crew, Worker
from .polite import polite
from .say import say_state
from .schedule import InterleaveError, Plan, Schedule
from .touch import is_readable
from .tracing import Tracer
from .world import World

STARTS = 3  # states of a setup that are compared
_busy = allocate_lock()


class Session:
    """Everything that is needed to run orders of some workers; a context manager.

    Parameters
    ----------
    workers : sequence of callable
    setup : callable, optional
        Makes the state that each worker is given.
    granularity : str
        "access" or "step".
    max_steps : int
    """

    def __init__(
        self,
        workers: Sequence[Callable[..., object]],
        setup: Callable[[], Any] | None,
        granularity: str,
        max_steps: int,
    ) -> None:
        if granularity not in ("access", "step"):
            raise InterleaveError(f"There is no granularity {granularity!r}.", 'Choose "access" or "step".')
        if not workers:
            raise InterleaveError("There are no workers.", "Give explore two to four functions.")
        for worker in workers:
            if not callable(worker):
                raise InterleaveError(f"The worker {worker!r} is not a function.", "Give it uncalled.")
            if inspect.isgeneratorfunction(worker):
                raise InterleaveError(
                    "A worker is a generator: calling it runs nothing.", "Give a plain function."
                )
            if follow(worker) is None:
                raise InterleaveError(
                    f"Nothing of {worker!r} can be seen: it is written in C, or belongs to a library.",
                    "Give a function of your own that calls it.",
                )
        if not is_readable():
            version = sys.version.split()[0]
            raise InterleaveError(
                f"This engine reads CPython's frames and does not know those of {version}.",
                "Use CPython 3.11, 3.12 or 3.13.",
            )
        self._given = workers
        self._setup = setup
        self.granularity = granularity
        self._plan: Plan | None = None
        self.tables = Tables(granularity == "step")
        self.crew = Crew(self.tables, max_steps, self._meet)
        self.world = World(self.tables.add, lambda text: self.crew.notes.setdefault(text))
        self.state: Any = None
        self._known: dict[int, Any] = {}  # what the state held before the order, by id
        self._plain = False  # whether there were no locks in it that had to be replaced
        self._stack = ExitStack()
        self._starts: list[str] = []

    def __enter__(self) -> "Session":
        if not _busy.acquire(blocking=False):
            raise InterleaveError(
                "A search is running in this process already.",
                "Wait until it has ended; searches cannot be nested.",
            )
        with ExitStack() as stack:
            stack.callback(_busy.release)
            stack.enter_context(polite())
            stack.enter_context(patches.patched())
            stack.enter_context(redirect_stdout(_Hush(self.crew)))
            models.crew = self.crew
            stack.callback(setattr, models, "crew", None)
            stack.callback(self.world.close)
            self.workers = [self.world.add(worker) for worker in self._given]
            for place, worker in enumerate(self.workers):
                if inspect.iscoroutinefunction(worker):
                    self.crew.notes["async functions"] = None
                    self.workers[place] = functools.partial(_drop, worker)
            if self._setup is not None:
                self._setup = self.world.add(self._setup)
            self.tables.settle()
            self.crew.tracer = Tracer(self.tables, self.crew)
            stack.callback(self.crew.tracer.close)
            stack.callback(self._end)
            self._stack = stack.pop_all()
        return self

    def _end(self) -> None:
        for name in self.crew.close():
            self.crew.notes[f"what {name} waits for: its thread is still there"] = None

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def _meet(self, code: CodeType, frame: FrameType) -> None:
        self.world.add_code(code, frame.f_globals)
        if self._plan:
            self.adopt(self._plan)
        else:
            self.tables.settle()
            self.crew.tracer.watch()
        self.crew.shifted = True

    def plan(self) -> Plan:
        """Say which sites are stopped at, and what is shown."""
        hot = (site for sites in self.tables.sites.values() for site in sites.values() if site.hot)
        return Plan(self.granularity, frozenset(site.name_it() for site in hot), self.world.shown())

    def adopt(self, plan: Plan) -> None:
        """Stop at the same sites as another session did."""
        self._plan = plan
        self.tables.wanted = plan.points  # what made them matter happens later in the order
        self.tables.settle()
        for sites in self.tables.sites.values():
            for site in sites.values():
                site.hot = site.name_it() in plan.points
        self.crew.tracer.watch()
        self.world.show_names(plan.shown)

    def run(
        self,
        decide: Callable[[list[Worker]], Worker | None],
        script: Sequence[Any] = (),
        ask_alone: bool = True,
    ) -> None:
        """Run one order on a fresh state; the workers that have not ended still stand where they are."""
        self.world.restore()
        jobs = self.workers
        if self._setup is not None:
            models.setting_up = threading.get_ident()
            try:
                self.state = self._setup()
                self._compare_starts()
                if not (script and self.crew.rote and self._plain):
                    self.state, self._known, self._plain = self.world.walk_state(self.state)
            finally:
                models.setting_up = 0
            jobs = [functools.partial(worker, self.state) for worker in self.workers]
        self.crew.run(jobs, decide, script, ask_alone)
        if self.crew.fault is not None:
            raise self.crew.fault

    def _compare_starts(self) -> None:
        if len(self._starts) < STARTS:
            self._starts.append(say_state(self.state))
            if self._starts[0] != self._starts[-1]:
                self.crew.notes["a setup that makes another state each time"] = None

    def learn(self) -> bool:
        """Tell whether the order has shown that more matters than was known, so that all begins anew."""
        shown = self.world.show(self.crew.written)
        if self.world.bags and not self.tables.bags:
            self.tables.bags = self.crew.shifted = True
        hot = self.crew.learn(lambda: {*self.world.known, *self._known})
        shifted, self.crew.shifted = self.crew.shifted, False
        if shifted:
            self.tables.settle()
            self.crew.tracer.watch()
        return shown or hot or shifted

    def text(self) -> str:
        """Say the present state."""
        return self.world.text(self.state)

    def outcome(self) -> str:
        """Say how the order ended."""
        text = self.text()
        if self.ending() == "done":
            return text or "nothing"
        parts = [text, *(f"{worker.name}: {worker.error}" for worker in self.crew.active if worker.error)]
        wrong = {"deadlock": "deadlock", "endless": "endless loop"}.get(self.crew.ending)
        if wrong:
            standing = " and ".join(worker.name for worker in self.crew.active if not worker.done)
            parts.append(f"{wrong} of {standing}")
        return "; ".join(filter(None, parts)) or "nothing"

    def holds(self, invariant: Callable[..., object]) -> bool:
        """Ask an invariant about the present state."""
        try:
            return bool(invariant(self.state) if self._setup is not None else invariant())
        except Exception as error:
            raise InterleaveError(
                f"The invariant itself failed: {type(error).__name__}: {error}.",
                "Give a function of the state that returns True or False.",
            ) from error

    def ending(self) -> str:
        """Name the way in which the order ended."""
        return "raised" if self.crew.raised and self.crew.ending == "done" else self.crew.ending

    def record(
        self, choices: Sequence[int], look: Callable[[words.Book], object] = lambda book: None
    ) -> Schedule:
        """Run an order again, and write down each step; `look` sees the book before the workers unwind.

        Raises
        ------
        InterleaveError
            If the workers cannot be chosen in this order.
        """
        book = words.Book(self)
        turn = iter(choices)

        def decide(able: list[Worker]) -> Worker | None:
            book.finish()
            index = next(turn, None)
            chosen = next((worker for worker in able if worker.index == index), None)
            if chosen is None:
                self.crew.ending = "stopped" if index is None else "strayed"
                return None
            book.begin(chosen, able)
            return chosen

        self.run(decide)
        try:
            if self.crew.ending in ("strayed", "stuck", "late") or next(turn, None) is not None:
                raise InterleaveError(
                    "The workers no longer stand where this order was recorded.", "Run explore on them again."
                )
            book.finish()
            look(book)
            return book.schedule(choices)
        finally:
            self.crew.unwind()


def _drop(worker: Callable[..., Any], *state: Any) -> None:
    worker(*state).close()


class _Hush:
    """Drops what the workers print, once for each order; other threads' words go through."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._real: Any = sys.stdout

    def write(self, text: str) -> int:
        """Write it, unless a worker does."""
        return len(text) if self._crew.is_working() else self._real.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)
