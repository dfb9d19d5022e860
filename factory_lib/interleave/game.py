"""The learner is the scheduler, and wins by an order that breaks the program."""

from collections.abc import Callable
from typing import Any

from .schedule import InterleaveError, Move, Schedule
from .search import explore
from .session import Session
from .words import Book


class Game:
    """One order, chosen step by step; between two steps no thread is alive. `play` makes it.

    Each step runs the workers again from the start, so that every step can be taken back.
    """

    def __init__(
        self,
        workers: tuple[Callable[..., object], ...],
        setup: Callable[[], Any] | None,
        invariant: Callable[..., object] | None,
        granularity: str,
    ) -> None:
        self._workers = workers
        self._setup = setup
        self._invariant = invariant
        # Without an invariant an order wins that ends as no order does in which nobody is interrupted.
        fair = explore(*workers, setup=setup, granularity=granularity, max_preemptions=0)
        self._fair = set(fair.outcomes)
        found = explore(*workers, setup=setup, granularity=granularity, max_schedules=2_000, max_seconds=10.0)
        self._plan = found.plan
        self._choices: tuple[int, ...] = ()
        self._moves: dict[str, Move] = {}
        self._held = True
        self._schedule = self._run(())

    def _run(self, choices: tuple[int, ...]) -> Schedule:
        def look(book: Book) -> None:
            self._moves = book.moves()
            self._held = True
            if self._invariant is not None and session.ending() == "done":
                self._held = session.holds(self._invariant)

        with Session(self._workers, self._setup, self._plan.granularity, len(choices) + 1) as session:
            session.adopt(self._plan)
            self._schedule = session.record(choices, look)
        self._choices = choices
        return self._schedule

    @property
    def state(self) -> str:
        """The shared state now."""
        steps = self._schedule.steps
        return steps[-1].state if steps else self._schedule.start

    @property
    def schedule(self) -> Schedule:
        """The order so far."""
        return self._schedule

    @property
    def moves(self) -> dict[str, Move]:
        """What each thread that has not ended would do next."""
        return dict(self._moves)

    @property
    def over(self) -> bool:
        """Whether nobody can go on."""
        return not any(move.possible for move in self._moves.values())

    @property
    def won(self) -> bool:
        """Whether this order broke the program."""
        if not self.over:
            return False
        fair = self._invariant is not None or self._schedule.outcome in self._fair
        return self._schedule.ending != "done" or not self._held or not fair

    def step(self, thread: str) -> "Game":
        """Let a thread make its next step.

        Raises
        ------
        InterleaveError
            If it has ended, or waits.
        """
        move = self._moves.get(thread)
        if move is None or not move.possible:
            why = "has ended" if move is None else f"waits at line {move.line} ({move.source})"
            can = " or ".join(name for name, other in self._moves.items() if other.possible)
            raise InterleaveError(f"{thread} {why}.", f"Choose {can}." if can else "Undo a step.")
        index = ord(thread) - ord("A")
        self._run((*self._choices, index))
        return self

    def undo(self) -> "Game":
        """Take the last step back, if there is one."""
        self._run(self._choices[:-1])
        return self

    def restart(self) -> "Game":
        """Take all steps back."""
        self._run(())
        return self

    def message(self) -> str:
        """Say how it stands."""
        if not self.over:
            return "Choose who goes on."
        ending = self._schedule.outcome
        if self.won:
            return f"You broke it: {ending}. Interruptions needed: {self._schedule.preemptions}."
        return f"It held: {ending}. Undo, and interrupt somebody earlier."

    def __str__(self) -> str:
        from .views import stand

        return "\n".join([*stand(self._schedule, len(self._schedule.steps), self._moves), self.message()])

    __repr__ = __str__

    def widget(self) -> Any:
        """Make the buttons; None if ipywidgets is not installed."""
        from .views import game_view

        return game_view(self).widget()

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        from .views import game_view

        return game_view(self)._repr_mimebundle_()


def play(
    *workers: Callable[..., object],
    setup: Callable[[], Any] | None = None,
    invariant: Callable[..., object] | None = None,
    granularity: str = "access",
) -> Game:
    """Play the scheduler: in a notebook with buttons, elsewhere with ``game.step("A")``.

    Parameters
    ----------
    *workers, setup, invariant, granularity
        As in `explore`. Without an invariant an order wins that ends as none does without an interruption.
    """
    return Game(workers, setup, invariant, granularity)
