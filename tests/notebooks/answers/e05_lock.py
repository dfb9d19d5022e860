"""Answers to exercise 05-lock."""

WRONG: list[tuple[str, str, str]] = [
    (
        "only the writer is locked",
        """
def move(store):
    for _ in range(2):
        with store.lock:
            store.waiting -= 1
            store.checked += 1


def audit(store):
    store.seen = (store.waiting, store.checked)
""",
        "Only the writer",
    ),
    (
        "only the reader is locked",
        """
def move(store):
    for _ in range(2):
        store.waiting -= 1
        store.checked += 1


def audit(store):
    with store.lock:
        store.seen = (store.waiting, store.checked)
""",
        "Only the auditor",
    ),
    (
        "two locks",
        """
MINE, YOURS = Lock(), Lock()


def move(store):
    for _ in range(2):
        with MINE:
            store.waiting -= 1
            store.checked += 1


def audit(store):
    with YOURS:
        store.seen = (store.waiting, store.checked)
""",
        "two locks do not keep each other out",
    ),
    (
        "a new lock each time",
        """
def move(store):
    for _ in range(2):
        with Lock():
            store.waiting -= 1
            store.checked += 1


def audit(store):
    with Lock():
        store.seen = (store.waiting, store.checked)
""",
        "keep each other out",
    ),
    (
        "the whole loop",
        """
def move(store):
    with store.lock:
        for _ in range(2):
            store.waiting -= 1
            store.checked += 1


def audit(store):
    with store.lock:
        store.seen = (store.waiting, store.checked)
""",
        "for the whole loop",
    ),
    (
        "each line alone",
        """
def move(store):
    for _ in range(2):
        with store.lock:
            store.waiting -= 1
        with store.lock:
            store.checked += 1


def audit(store):
    with store.lock:
        store.seen = (store.waiting, store.checked)
""",
        "outside of it",
    ),
    (
        "never released",
        """
def move(store):
    for _ in range(2):
        store.lock.acquire()
        store.waiting -= 1
        store.checked += 1


def audit(store):
    with store.lock:
        store.seen = (store.waiting, store.checked)
""",
        "must be released",
    ),
    (
        "no lock",
        """
def move(store):
    for _ in range(2):
        store.waiting -= 1
        store.checked += 1


def audit(store):
    store.seen = (store.waiting, store.checked)
""",
        "Nobody takes the lock",
    ),
    (
        "moves one part only",
        """
def move(store):
    with store.lock:
        store.waiting -= 1
        store.checked += 1


def audit(store):
    with store.lock:
        store.seen = (store.waiting, store.checked)
""",
        "must move both parts",
    ),
    (
        "sees nothing",
        """
def move(store):
    for _ in range(2):
        with store.lock:
            store.waiting -= 1
            store.checked += 1


def audit(store):
    with store.lock:
        pass
""",
        "audit must look",
    ),
    (
        "an error",
        """
def move(store):
    for _ in range(2):
        with store.lok:
            store.waiting -= 1
            store.checked += 1


def audit(store):
    with store.lock:
        store.seen = (store.waiting, store.checked)
""",
        "no attribute 'lok'",
    ),
]

RIGHT: dict[str, str] = {
    "acquire and release": """
def move(store):
    for _ in range(2):
        store.lock.acquire()
        try:
            store.waiting, store.checked = store.waiting - 1, store.checked + 1
        finally:
            store.lock.release()


def audit(store):
    with store.lock:
        waiting, checked = store.waiting, store.checked
    store.seen = (waiting, checked)
""",
    "one part after the other, without a loop": """
def one(store):
    with store.lock:
        store.waiting -= 1
        store.checked += 1


def move(store):
    one(store)
    one(store)


def audit(store):
    with store.lock:
        store.seen = store.waiting, store.checked
""",
}
