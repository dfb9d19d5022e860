"""Try every order of some workers' steps: stateless search, by running the workers again for each order.

Each order repeats a prefix of the one before and differs in the next choice, depth first. With
``reduction="sleep-sets"`` orders that differ only in the order of independent steps are tried once: the sleep
sets of P. Godefroid, *Partial-Order Methods for the Verification of Concurrent Systems*, LNCS 1032, 1996,
chapter 5.
"""

from collections import Counter
from collections.abc import Callable
from time import perf_counter
from typing import Any

from .crew import Accesses, Crew, Worker, where_stuck
from .schedule import InterleaveError, Result, Schedule
from .session import Session

ATTEMPTS = 20  # new starts, each with more sites known to matter, before the program counts as unsteady
OVERLONG = 10  # orders cut by max_steps after which a search gives up
EXAMPLES = 24  # outcomes of which an order is kept
WORST = ("violated", "deadlock", "raised")  # first


class Node:
    """A choice on the present path."""

    __slots__ = ("accesses", "asleep", "chosen", "interrupted", "keys", "preemptions", "spent", "todo")

    def __init__(
        self,
        indices: list[int],
        keys: dict[int, Any],
        spent: int,
        interrupted: int | None,
        asleep: set[int] | None,
    ) -> None:
        self.todo = indices[1:]
        self.keys = keys  # what each worker that can go on is about to do
        self.spent = spent  # preemptions before it
        self.interrupted = interrupted  # who could have gone on
        self.asleep = asleep  # None without sleep sets
        self.accesses: dict[int, Accesses | None] = {}
        self.choose(indices[0])

    def choose(self, index: int) -> None:
        """Count the preemptions up to and with this choice."""
        self.chosen = index
        self.preemptions = self.spent + (self.interrupted is not None and self.interrupted != index)

    def watch(self, crew: Crew) -> None:
        """Look at what each worker is about to touch, for the choice after this one."""
        if self.asleep is not None:
            self.accesses = {worker.index: crew.footprint(worker.op) for worker in crew.active}

    def still_asleep(self) -> set[int]:
        """Name those whose next step, tried before this choice, is independent of the one chosen."""
        mine = self.accesses.get(self.chosen)
        return {other for other in self.asleep or () if _independent(self.accesses.get(other), mine)}


def _independent(one: Accesses | None, other: Accesses | None) -> bool:
    if one is None or other is None:
        return False
    return not any(
        a[0] == b[0] and (a[2] or b[2]) and (a[1] == b[1] or a[1] is None or b[1] is None)
        for a in one
        for b in other
    )


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
        self.schedules = self.overlong = 0
        self.outcomes: Counter[str] = Counter()
        # For each outcome and what is wrong with it the best order: preemptions, steps, choices.
        self.best: dict[tuple[str, str], tuple[int, int, tuple[int, ...]]] = {}
        self.unended: set[str] = set()

    def decide(self, able: list[Worker]) -> Worker | None:
        """Where the path ends go on with the worker that ran last."""
        crew, path = self.session.crew, self.path
        spent = path[-1].preemptions if path else 0
        if crew.rest:  # who had been left alone has started a thread
            path += [Node([index], {index: key}, spent, None, None) for index, key in crew.rest]
            crew.rest.clear()
        keys = {worker.index: worker.op.key for worker in able if worker.op is not None}
        indices = list(keys)
        interrupted = None
        asleep: set[int] | None = None
        if path and path[-1].chosen in keys:
            ran = path[-1].chosen
            indices.remove(ran)
            indices.insert(0, ran)
            op = crew.active[ran].op
            interrupted = ran if op is not None and not op.free else None
            if interrupted is not None and spent == self.max_preemptions and len(indices) > 1:
                self.cut = True
                indices = indices[:1]
        if self.sleep_sets:
            asleep = path[-1].still_asleep() if path else set()
            indices = [index for index in indices if index not in asleep]
            if not indices:
                crew.ending = "redundant"
                return None
        node = Node(indices, keys, spent, interrupted, asleep)
        path.append(node)
        node.watch(crew)
        return crew.active[node.chosen]

    def go(self, invariant: Callable[..., object] | None, deadline: float) -> str:
        """Search; return why it stopped before the end, or nothing.

        Every order is compared with the one before where they should agree, and the first is run twice: an
        event that Python did not send (it happens when other tools listen too), and a program whose steps
        depend on chance or on the clock, show there.
        """
        session, crew, warm, attempts = self.session, self.session.crew, False, 0
        crew.deadline = deadline
        while True:
            session.run(self.decide, self.path, ask_alone=self.sleep_sets)
            ending = crew.ending
            if ending == "stuck":
                names = [f"{w.name} at {where_stuck(w)}" for w in crew.active if not w.done and w.op is None]
                return f"{' and '.join(names) or 'a worker'} waits for something that explore does not model"
            if ending == "strayed" or (ending != "redundant" and session.learn()):
                attempts += 1
                crew.unwind()
                if attempts > ATTEMPTS:
                    return "the workers did not do the same in the same order: chance or the clock decides"
                if ending == "strayed":
                    crew.tracer.watch()
                    crew.by_heart = False
                self.restart()
                warm = False
                continue
            if ending == "late":
                return "max_seconds was reached"
            if warm:
                self._account(invariant)
            crew.unwind()
            if warm and (self.overlong > OVERLONG or not self.backtrack()):
                return ""
            if self.schedules >= self.max_schedules:
                return "max_schedules was reached"
            if warm and perf_counter() > deadline:
                return "max_seconds was reached"
            warm = True

    def _account(self, invariant: Callable[..., object] | None) -> None:
        session, ending = self.session, self.session.ending()
        if ending in ("endless", "max_steps"):
            standing = [f"{w.name} at line {w.op.place()[1]}" for w in session.crew.active if w.op]
            self.unended.add(" and ".join(standing))
        if ending == "max_steps":
            self.overlong += 1
            self.cut = True
        if ending in ("max_steps", "redundant"):
            return
        bad = {"deadlock": "deadlock", "raised": "raised"}.get(ending, "")
        if ending == "done" and invariant is not None and not session.holds(invariant):
            bad = "violated"
        outcome = session.outcome()
        self.schedules += 1
        self.outcomes[outcome] += 1
        rest = session.crew.rest
        rank = (self.path[-1].preemptions if self.path else 0, len(self.path) + len(rest))
        known = self.best.get((outcome, bad))
        if known is None or rank < known[:2]:
            choices = (*(node.chosen for node in self.path), *(index for index, _ in rest))
            self.best[outcome, bad] = (*rank, choices)

    def backtrack(self) -> bool:
        """Turn to the next order; tell whether there is one."""
        while self.path:
            node = self.path[-1]
            if node.todo:
                if node.asleep is not None:
                    node.asleep.add(node.chosen)
                node.choose(node.todo.pop(0))
                return True
            self.path.pop()
        return False

    def result(self, stop: str, start: float) -> Result:
        """Put together what was found, and record the orders that are worth a look."""
        crew = self.session.crew
        reasons = [stop] if stop else []
        if self.unended:
            reasons.append(f"max_steps: some order goes on for ever, {min(self.unended)}")
        if self.cut and self.max_preemptions is not None:
            reasons.append(f"orders with more than max_preemptions={self.max_preemptions} were left out")
        if crew.notes:
            reasons.append(f"not modelled: {', '.join(crew.notes)}")
        worst = next((kind for kind in WORST if any(bad == kind for _, bad in self.best)), "")
        verdict = worst or ("inconclusive" if reasons else "holds")
        examples: dict[str, Schedule] = {}
        counterexample = None
        ranked = sorted(self.best.items(), key=lambda item: (item[0][1] != worst, item[1]))
        for (outcome, bad), (*_, choices) in ranked[:EXAMPLES]:
            if crew.ending == "stuck":  # a thread is not free for another order
                break
            try:
                schedule = self.session.record(choices)
            except InterleaveError:
                reasons.append("an order could not be repeated")
                continue
            examples.setdefault(outcome, schedule)
            if worst and bad == worst:
                counterexample = counterexample or schedule
        return Result(
            "violated" if verdict == "raised" else verdict,
            self.outcomes,
            self.schedules,
            not stop and not self.cut,
            "; ".join(reasons),
            perf_counter() - start,
            counterexample,
            examples,
            {outcome: bad for outcome, bad in self.best if bad},
            self.session.plan(),
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
