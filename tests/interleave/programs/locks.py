"""Locks: right, wrong, forgotten, and in the wrong order."""

import threading
from threading import Lock

from . import Program, State

LOCK = Lock()
HELD = 0


def locked(**more):
    return lambda: State(x=0, lock=threading.Lock(), **more)


def free(lock):
    return lambda: not lock.locked()


def with_lock(s):
    with s.lock:
        s.x += 1


def with_lock_model(s):
    yield free(s.lock)
    s.lock.acquire(False)
    yield
    seen = s.x
    yield
    s.x = seen + 1
    yield
    s.lock.release()


def by_hand(s):
    s.lock.acquire()
    try:
        s.x += 1
    finally:
        s.lock.release()


def global_lock():
    global HELD
    with LOCK:
        HELD += 1


def writer_only(s):
    with s.lock:
        s.x += 1


def without(s):
    s.x += 1


def without_model(s):
    yield
    seen = s.x
    yield
    s.x = seen + 1


def own_lock(s):
    with threading.Lock():
        s.x += 1


def other_lock(s):
    with s.other:
        s.x += 1


def half(s):
    with s.lock:
        seen = s.x
    with s.lock:
        s.x = seen + 1


def half_model(s):
    yield free(s.lock)
    s.lock.acquire(False)
    yield
    seen = s.x
    yield
    s.lock.release()
    yield free(s.lock)
    s.lock.acquire(False)
    yield
    s.x = seen + 1
    yield
    s.lock.release()


def left_right(s):
    with s.left, s.right:
        s.x += 1


def right_left(s):
    with s.right, s.left:
        s.x += 1


def nested_model(first, second):
    def model(s):
        for lock in (getattr(s, first), getattr(s, second)):
            yield free(lock)
            lock.acquire(False)
        yield
        s.x += 1
        for lock in (getattr(s, second), getattr(s, first)):
            yield
            lock.release()

    return model


def pair():
    return State(x=0, left=threading.Lock(), right=threading.Lock())


def philosopher(left, right):
    def eat(s):
        with s.forks[left], s.forks[right]:
            s.eaten[left] += 1

    return eat


def philosopher_model(left, right):
    def model(s):
        for fork in (left, right):
            yield free(s.forks[fork])
            s.forks[fork].acquire(False)
        yield
        s.eaten[left] += 1
        for fork in (right, left):
            yield
            s.forks[fork].release()

    return model


def table(count):
    return lambda: State(eaten=[0] * count, forks=[threading.Lock() for _ in range(count)])


def dine(count, ordered):
    places = [(each, (each + 1) % count) for each in range(count)]
    if ordered:
        places = [tuple(sorted(place)) for place in places]
    return Program(
        f"{count} philosophers{', ordered' * ordered}",
        [philosopher(*place) for place in places],
        "holds" if ordered else "deadlock",
        {count} if ordered else {count, "deadlock"},
        table(count),
        see=lambda s: sum(s.eaten),
        models=[philosopher_model(*place) for place in places] if count < 4 else (),
        options={"reduction": "sleep-sets"} if count > 2 else {},
        peer=count < 4,
    )


def forgets(s):
    s.lock.acquire()
    if s.x == 0:
        raise ValueError("nothing there")
    s.lock.release()


def takes(s):
    with s.lock:
        s.x = 1


def forgets_model(s):
    yield free(s.lock)
    s.lock.acquire(False)
    yield
    if s.x == 0:
        raise ValueError
    yield
    s.lock.release()


def takes_model(s):
    yield free(s.lock)
    s.lock.acquire(False)
    yield
    s.x = 1
    yield
    s.lock.release()


def again(s):
    with s.lock, s.lock:
        s.x += 1


def inner(s):
    with s.lock:
        s.x += 1


def outer(s):
    with s.lock:
        inner(s)
        s.x += 1


def try_once(s):
    if s.lock.acquire(blocking=False):
        s.x += 1
        s.lock.release()


def try_model(s):
    yield
    if s.lock.acquire(False):
        yield
        seen = s.x
        yield
        s.x = seen + 1
        yield
        s.lock.release()


def patient(s):
    if s.lock.acquire(timeout=5):
        s.x += 1
        s.lock.release()
    else:
        s.late += 1


def frees_anothers(s):
    s.lock.release()


def check_then_lock(s):
    if s.x > 0:
        with s.lock:
            s.x -= 1


def check_in_lock(s):
    with s.lock:
        if s.x > 0:
            s.x -= 1


def double_checked(s):
    if s.tool is None:
        with s.lock:
            if s.tool is None:
                s.x += 1
                s.tool = "tool"


def checked_once(s):
    if s.tool is None:
        with s.lock:
            s.x += 1
            s.tool = "tool"


def reader(s):
    with s.mutex:
        s.readers += 1
        if s.readers == 1:
            s.room.acquire()
    s.seen = s.a == s.b
    with s.mutex:
        s.readers -= 1
        if s.readers == 0:
            s.room.release()


def writer(s):
    with s.room:
        s.a += 1
        s.b += 1


def hasty_writer(s):
    s.a += 1
    s.b += 1


def library():
    return State(x=0, readers=0, mutex=threading.Lock(), room=threading.Lock(), a=0, b=0, seen=None)


def good(s):
    return s.x == 2


SLEEP = {"reduction": "sleep-sets"}
PROGRAMS = [
    Program("lock", (with_lock,) * 2, "holds", {2}, locked(), good, models=(with_lock_model,) * 2),
    Program("lock, three", (with_lock,) * 3, "holds", {3}, locked(), models=(with_lock_model,) * 3),
    Program("lock by hand", (by_hand,) * 2, "holds", {2}, locked(), good, models=(with_lock_model,) * 2),
    Program("global lock", (global_lock,) * 2, "holds", {2}, see=lambda: HELD, peer=False),
    Program(
        "only one locks",
        (writer_only, without),
        "violated",
        {1, 2},
        locked(),
        good,
        models=(with_lock_model, without_model),
    ),
    Program("each its own lock", (own_lock,) * 2, "violated", {1, 2}, locked(), good),
    Program(
        "two locks for one thing",
        (with_lock, other_lock),
        "violated",
        {1, 2},
        lambda: State(x=0, lock=threading.Lock(), other=threading.Lock()),
        good,
    ),
    Program(
        "read and write locked apart",
        (half,) * 2,
        "violated",
        {1, 2},
        locked(),
        good,
        models=(half_model,) * 2,
    ),
    Program(
        "two locks, two orders",
        (left_right, right_left),
        "deadlock",
        {2, "deadlock"},
        pair,
        good,
        models=(nested_model("left", "right"), nested_model("right", "left")),
    ),
    Program(
        "two locks, one order",
        (left_right, left_right),
        "holds",
        {2},
        pair,
        good,
        models=(nested_model("left", "right"),) * 2,
    ),
    *[dine(count, ordered) for count in (2, 3, 4) for ordered in (False, True)],
    Program(
        "lock kept by an exception",
        (forgets, takes),
        "deadlock",
        {1, "deadlock"},
        locked(),
        models=(forgets_model, takes_model),
        peer=False,
    ),
    Program("lock taken twice", (again, with_lock), "deadlock", {"deadlock"}, locked(), peer=False),
    Program(
        "rlock taken twice", (again, again), "holds", {2}, lambda: State(x=0, lock=threading.RLock()), good
    ),
    Program(
        "rlock through a helper", (outer, inner), "holds", {3}, lambda: State(x=0, lock=threading.RLock())
    ),
    Program("lock through a helper", (outer, inner), "deadlock", {"deadlock"}, locked(), peer=False),
    Program("try to lock", (try_once,) * 2, "holds", {1, 2}, locked(), models=(try_model,) * 2),
    Program(
        "lock with a timeout",
        (patient,) * 2,
        "holds",
        {(1, 1), (2, 0)},
        locked(late=0),
        see=lambda s: (s.x, s.late),
        peer=False,
    ),
    Program(
        "somebody else's lock",
        (frees_anothers, with_lock),
        "violated",
        {"RuntimeError"},
        locked(),
        peer=False,
    ),
    Program(
        "check before the lock",
        (check_then_lock,) * 2,
        "violated",
        {0, -1},
        lambda: State(x=1, lock=threading.Lock()),
        lambda s: s.x >= 0,
    ),
    Program(
        "check in the lock",
        (check_in_lock,) * 2,
        "holds",
        {0},
        lambda: State(x=1, lock=threading.Lock()),
        lambda s: s.x >= 0,
    ),
    Program("double-checked", (double_checked,) * 2, "holds", {1}, locked(tool=None), lambda s: s.x == 1),
    Program("checked once", (checked_once,) * 2, "violated", {1, 2}, locked(tool=None), lambda s: s.x == 1),
    Program(
        "readers and a writer", (reader, writer), "holds", {True}, library, lambda s: s.seen, lambda s: s.seen
    ),
    Program(
        "two readers and a writer",
        (reader, reader, writer),
        "holds",
        {True},
        library,
        lambda s: s.seen,
        lambda s: s.seen,
        options=SLEEP,
        peer=False,
    ),
    Program(
        "a writer who does not wait",
        (reader, hasty_writer),
        "violated",
        {True, False},
        library,
        lambda s: s.seen,
        lambda s: s.seen,
        options=SLEEP,
    ),
]
