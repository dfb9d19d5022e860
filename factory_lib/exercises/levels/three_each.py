"""Two cameras count three parts each: how much can be lost."""

from ...lab.content import Level


class Belt:
    """A counter."""

    def __init__(self) -> None:
        self.count = 0


def three_arrived(belt: Belt) -> None:
    """Count three parts, one after the other."""
    for _ in range(3):
        belt.count = belt.count + 1


LEVEL = Level(
    "Two cameras have each seen three parts: in the end the count must be 6.",
    (three_arrived, three_arrived),
    Belt,
    lambda belt: belt.count == 6,
)
