"""Parts move from one account to the other while somebody looks."""

from threading import Lock

from ...lab.content import Level


class Store:
    """Two accounts of parts, and what the auditor has seen."""

    def __init__(self) -> None:
        self.waiting, self.checked = 2, 0
        self.seen = (2, 0)
        self.lock = Lock()


def move(store: Store) -> None:
    """Check two parts, one after the other."""
    for _ in range(2):
        store.waiting -= 1
        store.checked += 1


def audit(store: Store) -> None:
    """Look at both accounts."""
    store.seen = (store.waiting, store.checked)


LEVEL = Level(
    "One worker moves two parts from waiting to checked, another one looks: it must always see two parts.",
    (move, audit),
    Store,
    lambda store: sum(store.seen) == 2,
)
