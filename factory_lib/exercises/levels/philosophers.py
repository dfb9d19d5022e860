"""Three philosophers and three forks: each needs two (E. W. Dijkstra, EWD-310, 1971)."""

from functools import partial
from threading import Lock

from ...lab.content import Level


class Table:
    """A round table: the fork of a seat, and the next one's, lie beside its plate."""

    def __init__(self) -> None:
        self.forks = [Lock(), Lock(), Lock()]
        self.eating: list[int] = []
        self.quarrel = False

    def eat(self, seat: int) -> None:
        """Eat: of three, only one can have two forks at a time."""
        self.eating.append(seat)
        if len(self.eating) > 1:
            self.quarrel = True
        self.eating.remove(seat)


def dine(table: Table, seat: int) -> None:
    """Take both forks, eat, put them back."""
    left, right = table.forks[seat], table.forks[(seat + 1) % 3]
    with left:
        with right:
            table.eat(seat)


LEVEL = Level(
    "Three philosophers sit at a round table with three forks. Each needs both of its forks to eat, and all "
    "want to eat once.",
    (partial(dine, seat=0), partial(dine, seat=1), partial(dine, seat=2)),
    Table,
    lambda table: not table.quarrel,
)
