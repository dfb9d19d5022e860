"""Answers to exercise 05-pop."""

WRONG: list[tuple[str, str, str]] = [
    (
        "the lock around pop only",
        """
def take(box):
    if box.parts:
        with box.lock:
            box.parts.pop()
            box.taken += 1
""",
        "Check and pop belong together",
    ),
    (
        "try and except only",
        """
def take(box):
    try:
        box.parts.pop()
        box.taken += 1
    except IndexError:
        pass
""",
        "taken and not counted",
    ),
    (
        "a sleep",
        """
def take(box):
    import time
    if box.parts:
        time.sleep(0.01)
        box.parts.pop()
        box.taken += 1
""",
        "a sleep only makes other orders likely",
    ),
    (
        "counted outside of the lock",
        """
def take(box):
    with box.lock:
        found = bool(box.parts)
        if found:
            box.parts.pop()
    if found:
        box.taken += 1
""",
        "taken and not counted",
    ),
    (
        "a lock of its own",
        """
def take(box):
    with Lock():
        if box.parts:
            box.parts.pop()
            box.taken += 1
""",
        "IndexError",
    ),
    (
        "not released",
        """
def take(box):
    box.lock.acquire()
    if box.parts:
        box.parts.pop()
        box.taken += 1
""",
        "still held",
    ),
    (
        "no check",
        """
def take(box):
    with box.lock:
        box.parts.pop()
        box.taken += 1
""",
        "only if there is one",
    ),
    (
        "counts what is not taken",
        """
def take(box):
    with box.lock:
        box.taken += 1
""",
        "Alone, take has to",
    ),
    (
        "gives up if somebody has the lock",
        """
def take(box):
    if box.lock.acquire(blocking=False):
        if box.parts:
            box.parts.pop()
            box.taken += 1
        box.lock.release()
""",
        "leaves without one",
    ),
    (
        "a slip of the pen",
        """
def take(box):
    with box.lok:
        if box.parts:
            box.parts.pop()
            box.taken += 1
""",
        "take stopped with AttributeError",
    ),
]

RIGHT: dict[str, str] = {
    "try under the lock": """
def take(box):
    with box.lock:
        try:
            box.parts.pop()
        except IndexError:
            return
        box.taken += 1
""",
    "leaves early": """
def take(box):
    with box.lock:
        if not box.parts:
            return None
        box.taken = box.taken + 1
        return box.parts.pop(0)
""",
}
