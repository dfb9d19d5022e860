"""Answers to exercise 05-philosophers."""

WRONG: list[tuple[str, str, str]] = [
    (
        "a timeout and another try",
        """
def dine(table, seat):
    left, right = table.forks[seat], table.forks[(seat + 1) % 3]
    while True:
        with left:
            if right.acquire(timeout=1):
                table.eat(seat)
                right.release()
                return
""",
        "a timeout cures no wrong order",
    ),
    (
        "one lock fewer",
        """
def dine(table, seat):
    with table.forks[seat]:
        table.eat(seat)
""",
        "take both forks",
    ),
    (
        "the same order, but for one",
        """
def dine(table, seat):
    first, second = seat, (seat + 1) % 3
    if seat < 2:
        first, second = min(first, second), max(first, second)
    with table.forks[first]:
        with table.forks[second]:
            table.eat(seat)
""",
        "There still is a deadlock",
    ),
    (
        "not put back",
        """
def dine(table, seat):
    first, second = sorted([seat, (seat + 1) % 3])
    table.forks[first].acquire()
    table.forks[second].acquire()
    table.eat(seat)
""",
        "still held",
    ),
    (
        "does not eat",
        """
def dine(table, seat):
    first, second = sorted([seat, (seat + 1) % 3])
    with table.forks[first], table.forks[second]:
        pass
""",
        "these ate: nobody",
    ),
    (
        "no fork at all",
        """
def dine(table, seat):
    table.eat(seat)
""",
        "take both forks",
    ),
    (
        "a lock of its own instead of the forks",
        """
EVERYBODY = Lock()


def dine(table, seat):
    with EVERYBODY:
        table.eat(seat)
""",
        "without its two forks",
    ),
    (
        "gives up if the second fork does not come",
        """
def dine(table, seat):
    with table.forks[seat]:
        if table.forks[(seat + 1) % 3].acquire(timeout=1):
            table.eat(seat)
            table.forks[(seat + 1) % 3].release()
""",
        "left without eating",
    ),
]

RIGHT: dict[str, str] = {
    "one begins on the other side": """
def dine(table, seat):
    first, second = table.forks[seat], table.forks[(seat + 1) % 3]
    if seat == 0:
        first, second = second, first
    with first, second:
        table.eat(seat)
""",
    "a waiter": """
WAITER = Lock()


def dine(table, seat):
    with WAITER:
        with table.forks[seat], table.forks[(seat + 1) % 3]:
            table.eat(seat)
""",
}
