"""Two workers want the last part: check, then act."""

from threading import Lock

from ...lab.content import Level


class Box:
    """Parts, and how many were taken."""

    def __init__(self, parts: int = 1) -> None:
        self.parts = ["part"] * parts
        self.taken = 0
        self.lock = Lock()


def take(box: Box) -> None:
    """Take a part if there is one, and count it."""
    if box.parts:
        box.parts.pop()
        box.taken += 1


LEVEL = Level(
    "Two workers take from a box with one part left. No error may happen, and each part taken is counted.",
    (take, take),
    Box,
    lambda box: len(box.parts) + box.taken == 1,
)
