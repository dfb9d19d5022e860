"""Try every order of some workers' steps: stateless search, by running the workers again for each order.

Each order repeats a prefix of the one before and differs in the next choice, depth first. With
``reduction="sleep-sets"`` orders that differ only in the order of independent steps are tried once: the sleep sets
of P. Godefroid, *Partial-Order Methods for the Verification of Concurrent Systems*, LNCS 1032, 1996, chapter 5.
"""

import functools
import inspect
import linecache
import sys
import threading
from _thread import allocate_lock
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from time import perf_counter
from types import CodeType, FrameType
from typing import Any

from . import models, words
from .bytecode import Tables
from .crew import Crew, Op, Worker, place_of, where_stuck
from .schedule import InterleaveError, Plan, Schedule, Wait
from .touch import is_readable
from .tracing import make_tracer
from .world import World

_busy = allocate_lock()
ATTEMPTS = 20  # new starts, each with more sites known to matter, before the program counts as unsteady
OVERLONG = 10  # orders cut by max_steps after which a search gives up
EXAMPLES = 24  # outcomes of which an order is kept


class Node:
    """A choice on the present path."""

    __slots__ = ("accesses", "asleep", "chosen", "interrupted", "keys", "spent", "todo")

    def __init__(
        self, indices: list[int], keys: tuple[Any, ...], spent: int, interrupted: int | None, asleep: set[int]
    ) -> None:
        self.chosen, *self.todo = indices
        self.keys = keys
        self.spent = spent
        self.interrupted = interrupted  # who could have gone on
        self.asleep = asleep
        self.accesses: dict[int, tuple[tuple[int, Any, bool], ...] | None] = {}

    @property
    def preemptions(self) -> int:
        """How many there were up to and with this choice."""
        return self.spent + (self.interrupted is not None and self.interrupted != self.chosen)


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
            _refuse_generators(worker)
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
        self.tables = Tables()
        self.crew = Crew(self.tables, granularity == "step", max_steps, self._meet)
        self.world = World(self.tables.add, lambda text: self.crew.notes.setdefault(text))
        self.state: Any = None
        self._known: set[int] = set()
        self._stack = ExitStack()

    def __enter__(self) -> "Session":
        if not _busy.acquire(blocking=False):
            raise InterleaveError(
                "A search is running in this process already.", "Wait until it has ended; searches cannot be nested."
            )
        with ExitStack() as stack:
            stack.callback(_busy.release)
            stack.enter_context(models.patched())
            stack.enter_context(_quiet(self.crew))
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
            tracer = make_tracer()
            tracer.open(self.tables, self.crew)
            self.crew.tracer = tracer
            stack.callback(tracer.close)
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
        self.tables.settle()
        if self._plan:
            self.adopt(self._plan)
        self.crew.tracer.watch()
        self.crew.shifted = True

    def plan(self) -> Plan:
        """Say which sites are stopped at, and what is shown."""
        hot = (site for sites in self.tables.sites.values() for site in sites.values() if site.hot)
        return Plan(self.granularity, frozenset(site.name_it() for site in hot), self.world.shown())

    def adopt(self, plan: Plan) -> None:
        """Stop at the same sites as another session did."""
        self._plan = plan
        for sites in self.tables.sites.values():
            for site in sites.values():
                site.hot = site.name_it() in plan.points
        self.world.show_names(plan.shown)

    def run(self, decide: Callable[[list[Worker]], Worker | None]) -> None:
        """Run one order on a fresh state; the workers that have not ended still stand where they are."""
        self.world.restore()
        self._known = set(self.world.known())
        self.state = None
        jobs = self.workers
        if self._setup is not None:
            models.setting_up = threading.get_ident()
            try:
                state, seen = self.world.walk_state(self._setup())
            finally:
                models.setting_up = 0
            self._known |= seen.keys()
            self.state = state
            jobs = [functools.partial(worker, state) for worker in self.workers]
        self.crew.run(jobs, decide)
        if self.crew.fault is not None:
            raise self.crew.fault

    def learn(self) -> bool:
        """Tell whether the order has shown that more matters than was known, so that all begins anew."""
        shown = self.world.show(self.crew.written)
        hot = self.crew.learn(self._known)
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
        parts = [self.text()]
        parts += [f"{worker.name}: {worker.error}" for worker in self.crew.active if worker.error]
        standing = " and ".join(worker.name for worker in self.crew.active if not worker.done)
        if self.crew.ending == "deadlock":
            parts.append(f"deadlock of {standing}")
        elif self.crew.ending == "endless":
            parts.append(f"endless loop of {standing}")
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
        raised = self.crew.ending == "done" and any(worker.error for worker in self.crew.active)
        return "raised" if raised else self.crew.ending

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


def _refuse_generators(worker: Callable[..., object]) -> None:
    function = worker
    while isinstance(function, functools.partial):
        function = function.func
    if not callable(worker):
        raise InterleaveError(f"The worker {worker!r} is not a function.", "Give the function itself, uncalled.")
    if inspect.isgeneratorfunction(function):
        raise InterleaveError("A worker is a generator: calling it runs nothing.", "Give a plain function.")


def _drop(worker: Callable[..., Any], *state: Any) -> None:
    worker(*state).close()


class _Hush:
    """Drops what the workers print, once for each order; other threads' words go through."""

    def __init__(self, crew: Crew, real: Any) -> None:
        self._crew = crew
        self._real = real

    def write(self, text: str) -> int:
        """Write it, unless a worker does."""
        return len(text) if self._crew.is_working() else self._real.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


@contextmanager
def _quiet(crew: Crew) -> Iterator[None]:
    real = sys.stdout
    hush: Any = _Hush(crew, real)
    sys.stdout = hush
    try:
        yield
    finally:
        if sys.stdout is hush:
            sys.stdout = real


@dataclass
class Result:
    """What the orders of some workers end in.

    Parameters
    ----------
    verdict : str
        "holds": every order was tried and none went wrong; "violated": one ended with a false invariant, or
        with an exception; "deadlock"; "inconclusive": nothing went wrong, but not every order was tried.
    outcomes : Counter
        How many orders ended in which final state.
    exhausted : bool
        Whether every order was tried. Orders in which a thread goes round once more in a loop that only waits
        (its locals unchanged, nothing written by anybody) count as the same order.
    reason : str
        Why it is inconclusive, or what went wrong.
    examples : dict
        For each outcome the order with the fewest preemptions, then the fewest steps, that ends in it.
    """

    verdict: str
    outcomes: Counter[str]
    schedules: int
    exhausted: bool
    reason: str
    seconds: float
    counterexample: Schedule | None = None
    examples: dict[str, Schedule] = field(default_factory=dict)
    bad: dict[str, str] = field(default_factory=dict)
    plan: Plan = field(default=Plan(), repr=False)

    @property
    def deadlock(self) -> tuple[Wait, ...]:
        """Who waits for what held by whom, if some order is a deadlock."""
        found = (schedule.waits for schedule in self.examples.values() if schedule.waits)
        return next(found, ())

    def __str__(self) -> str:
        from .views import report

        return report(self)

    def _repr_html_(self) -> str:
        from .views import report_html

        return report_html(self)


class Search:
    """Depth-first search over the choices of a session."""

    def __init__(
        self, session: Session, max_preemptions: int | None, sleep_sets: bool, max_schedules: int
    ) -> None:
        self.session = session
        self.max_preemptions = max_preemptions
        self.sleep_sets = sleep_sets
        self.max_schedules = max_schedules
        self.restart()

    def restart(self) -> None:
        """Forget all that was found."""
        self.path: list[Node] = []
        self.cut = False
        self.schedules = 0
        self.outcomes: Counter[str] = Counter()
        self.best: dict[tuple[str, str], tuple[int, int, tuple[int, ...]]] = {}
        self.unended: set[str] = set()

    def decide(self, able: list[Worker]) -> Worker | None:
        """Choose as the path says, and where it ends go on with the worker that ran last."""
        crew = self.session.crew
        depth = self._depth
        self._depth += 1
        keys = tuple([worker.op.key if worker.op is not None else None for worker in crew.active])
        if depth < len(self.path):
            node = self.path[depth]
            if node.keys != keys:
                crew.ending = "strayed"
                return None
        else:
            made = self._grow(depth, able, keys)
            if made is None:
                crew.ending = "redundant"
                return None
            node = made
            self.path.append(node)
        if self.sleep_sets:
            node.accesses = {worker.index: _footprint(worker.op) for worker in crew.active}
        return crew.active[node.chosen]

    def _grow(self, depth: int, able: list[Worker], keys: tuple[Any, ...]) -> Node | None:
        last = self.path[depth - 1] if depth else None
        indices = [worker.index for worker in able]
        interrupted = None
        asleep: set[int] = set()
        if last is not None:
            if last.chosen in indices:
                indices.remove(last.chosen)
                indices.insert(0, last.chosen)
                op = self.session.crew.active[last.chosen].op
                interrupted = last.chosen if op is not None and not op.free else None
            if self.sleep_sets:
                mine = last.accesses.get(last.chosen)
                asleep = {other for other in last.asleep if _independent(last.accesses.get(other), mine)}
                indices = [index for index in indices if index not in asleep]
        if not indices:
            return None
        spent = last.preemptions if last else 0
        if interrupted is not None and spent == self.max_preemptions and len(indices) > 1:
            self.cut = True
            indices = indices[:1]
        return Node(indices, keys, spent, interrupted, asleep)

    def run_one(self) -> bool:
        """Run the order that the path begins; tell whether its end counts as one."""
        session, crew = self.session, self.session.crew
        self._depth = 0
        session.run(self.decide)
        if crew.ending in ("redundant", "strayed"):
            crew.unwind()
        return crew.ending in ("done", "deadlock", "endless")

    def go(self, invariant: Callable[..., object] | None, deadline: float) -> str:
        """Search; return why it stopped before the end, or nothing.

        Every order is compared with the one before where they should agree, and the first is run twice: an
        event that Python did not send (it happens when other tools listen too), and a program whose steps
        depend on chance or on the clock, show there.
        """
        crew, warm, attempts, overlong = self.session.crew, False, 0, 0
        crew.deadline = deadline
        while True:
            ended = self.run_one()
            if crew.ending == "stuck":
                names = [f"{w.name} at {where_stuck(w)}" for w in crew.active if not w.done and w.op is None]
                return f"{' and '.join(names) or 'a worker'} waits for something that explore does not model"
            strayed = crew.ending == "strayed"
            if crew.ending != "redundant" and (self.session.learn() or strayed):
                attempts += 1
                crew.unwind()
                if attempts > ATTEMPTS:
                    return "the workers did not do the same in the same order: chance or the clock decides"
                if strayed:
                    crew.tracer.watch()
                self.restart()
                warm = False
                continue
            if crew.ending == "late":
                return "max_seconds was reached"
            if not warm:
                warm = True
                crew.unwind()
                continue
            if ended:
                self._account(invariant)
            elif crew.ending == "max_steps":
                overlong += 1
                self.cut = True
                self.unended.add(self._standing())
            crew.unwind()
            if overlong > OVERLONG:
                return ""
            if not self.backtrack():
                return ""
            if self.schedules >= self.max_schedules:
                return "max_schedules was reached"
            if perf_counter() > deadline:
                return "max_seconds was reached"

    def _standing(self) -> str:
        places = []
        for worker in self.session.crew.active:
            place = place_of(worker.op.frame) if worker.op is not None else None
            if place:
                places.append(f"{worker.name} at line {place[1]}")
        return " and ".join(places)

    def _account(self, invariant: Callable[..., object] | None) -> None:
        crew = self.session.crew
        outcome = self.session.outcome()
        bad = {"deadlock": "deadlock", "endless": ""}.get(crew.ending, "")
        if crew.ending == "endless":
            self.unended.add(self._standing())
        if crew.ending == "done":
            bad = "raised" if any(worker.error for worker in crew.active) else ""
            if not bad and invariant is not None and not self.session.holds(invariant):
                bad = "violated"
        self.schedules += 1
        self.outcomes[outcome] += 1
        rank = (self.path[-1].preemptions if self.path else 0, len(self.path))
        known = self.best.get((outcome, bad))
        if known is None or rank < known[:2]:
            self.best[outcome, bad] = (*rank, tuple([node.chosen for node in self.path]))

    def result(self, stop: str, start: float) -> Result:
        """Put together what was found, and record the orders that are worth a look."""
        crew = self.session.crew
        reasons = [stop] if stop else []
        if self.unended:
            reasons.append(f"max_steps: some order goes on for ever, {sorted(self.unended)[0]}")
        if self.cut and self.max_preemptions is not None:
            reasons.append(f"orders with more than max_preemptions={self.max_preemptions} were left out")
        exhausted = not stop and not self.cut
        notes = list(crew.notes)
        if notes:
            reasons.append(f"not modelled: {', '.join(notes)}")
        kinds = [kind for kind in ("violated", "deadlock", "raised") if any(bad == kind for _, bad in self.best)]
        verdict = {"raised": "violated"}.get(kinds[0], kinds[0]) if kinds else "inconclusive" if reasons else "holds"
        examples: dict[str, Schedule] = {}
        counterexample = None
        ranked = sorted(self.best.items(), key=lambda item: (item[0][1] != (kinds or [""])[0], item[1]))
        if "still there" not in str(notes):
            for (outcome, bad), (preemptions, _, choices) in ranked[:EXAMPLES]:
                try:
                    schedule = self.session.record(choices)
                except InterleaveError:
                    reasons.append("an order could not be repeated")
                    continue
                schedule = replace(schedule, preemptions=preemptions)
                examples.setdefault(outcome, schedule)
                if counterexample is None and kinds and bad == kinds[0]:
                    counterexample = schedule
        bad_outcomes = {outcome: bad for outcome, bad in self.best if bad}
        return Result(
            verdict,
            self.outcomes,
            self.schedules,
            exhausted,
            "; ".join(reasons),
            perf_counter() - start,
            counterexample,
            examples,
            bad_outcomes,
            self.session.plan(),
        )

    def backtrack(self) -> bool:
        """Turn to the next order; tell whether there is one."""
        while self.path:
            node = self.path[-1]
            if node.todo:
                node.asleep.add(node.chosen)
                node.chosen = node.todo.pop(0)
                return True
            self.path.pop()
        return False


def _footprint(op: Op | None) -> tuple[tuple[int, Any, bool], ...] | None:
    """List what a step touches; None if it has to be taken to touch anything: a join, a loop that waits."""
    if op is None or op.spin is not None or isinstance(op.model, threading.Thread):
        return None
    return op.accesses


def _independent(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return False
    return not any(
        a[0] == b[0] and (a[2] or b[2]) and (a[1] == b[1] or a[1] is None or b[1] is None)
        for a in one
        for b in other
    )


def explore(
    *workers: Callable[..., object],
    setup: Callable[[], Any] | None = None,
    invariant: Callable[..., object] | None = None,
    granularity: str = "access",
    max_preemptions: int | None = None,
    max_schedules: int = 200_000,
    max_seconds: float = 60.0,
    max_steps: int = 2_000,
    reduction: str | None = None,
) -> Result:
    """Run some functions as threads in every order of the steps that touch what they share.

    Parameters
    ----------
    *workers : callable
        Two to four functions, such as ``withdraw, withdraw``. Each is given the state that `setup` makes.
    setup : callable, optional
        Makes a fresh state for each order. Without it the workers are given nothing; the globals, closures
        and objects that they change are put back before each order, and when the search ends.
    invariant : callable, optional
        Is given the state when all workers have ended, and returns whether it is as it should be.
    granularity : str
        "access": a step is a read or a write of what some worker writes. "step": arithmetic is one too.
    max_preemptions, max_schedules, max_seconds, max_steps
        Limits, the last one of a single order. If one bites the verdict is "inconclusive", and says so.
    reduction : str, optional
        "sleep-sets" tries orders once that differ only in the order of independent steps.

    Returns
    -------
    Result

    Raises
    ------
    InterleaveError
        If the call makes no sense, or another search is running.

    Examples
    --------
    >>> class Account:
    ...     def __init__(self):
    ...         self.balance = 100
    >>> def withdraw(account):
    ...     if account.balance >= 100:
    ...         account.balance = account.balance - 100
    >>> result = explore(withdraw, withdraw, setup=Account, invariant=lambda account: account.balance >= 0)
    >>> result.verdict
    'violated'
    """
    if reduction not in (None, "sleep-sets"):
        raise InterleaveError(f"There is no reduction {reduction!r}.", 'Choose None or "sleep-sets".')
    if reduction and max_preemptions is not None:
        raise InterleaveError(
            "Sleep sets and a limit of preemptions together would leave orders out unnoticed.",
            "Use one of them.",
        )
    start = perf_counter()
    with Session(workers, setup, granularity, max_steps) as session:
        search = Search(session, max_preemptions, reduction is not None, max_schedules)
        stop = search.go(invariant, start + max_seconds)
        return search.result(stop, start)


def replay(
    schedule: Schedule,
    *workers: Callable[..., object],
    setup: Callable[[], Any] | None = None,
) -> Schedule:
    """Run exactly this order again, and return it as it went this time.

    Raises
    ------
    InterleaveError
        If the workers do not stand where they stood: they are not those of the schedule.
    """
    with Session(workers, setup, schedule.plan.granularity, len(schedule.choices) + 1) as session:
        session.adopt(schedule.plan)
        return session.record(schedule.choices)
