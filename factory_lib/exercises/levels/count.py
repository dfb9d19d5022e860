"""Two cameras count their part: the classic lost update."""

from ...lab.content import Level


class Belt:
    """A counter."""

    def __init__(self) -> None:
        self.count = 0


def arrived(belt: Belt) -> None:
    """Count a part."""
    belt.count = belt.count + 1


LEVEL = Level(
    "Two cameras have each seen one part: in the end the count must be 2.",
    (arrived, arrived),
    Belt,
    lambda belt: belt.count == 2,
)
