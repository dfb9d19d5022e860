"""Waiting for one another: conditions, events, semaphores, barriers, join, sleep."""

import threading
import time
from threading import Thread

from . import Program, State


def make(number):
    def produce(s):
        for part in range(number):
            with s.room:
                while len(s.parts) >= 1:
                    s.room.wait()
                s.parts.append(part)
                s.room.notify_all()

    return produce


def buffer():
    return State(x=0, parts=[], room=threading.Condition())


def take(number):
    def consume(s):
        for _ in range(number):
            with s.room:
                while not s.parts:
                    s.room.wait()
                s.x += s.parts.pop(0) + 1
                s.room.notify_all()

    return consume


def take_if(s):
    with s.room:
        if not s.parts:
            s.room.wait()
        s.x += s.parts.pop(0) + 1


def put_two(s):
    with s.room:
        s.parts += [0, 0]
        s.room.notify_all()


def put_one_wake_all(s):
    with s.room:
        s.parts.append(0)
        s.room.notify_all()


def put_two_wake_one(s):
    with s.room:
        s.parts += [0, 0]
        s.room.notify()


def put_silently(s):
    s.parts.append(0)
    with s.room:
        s.room.notify()


def take_outside(s):
    if not s.parts:
        with s.room:
            s.room.wait()
    s.x = len(s.parts)


def wait_a_while(s):
    with s.room:
        s.x = s.room.wait(timeout=1)


def notify_once(s):
    with s.room:
        s.room.notify()


def wait_for(s):
    with s.room:
        s.room.wait_for(lambda: s.parts)
        s.x = len(s.parts)


def ping(s):
    s.x = 1
    s.event.set()


def pong(s):
    s.event.wait()
    s.x += 1


def wait_or_not(s):
    if s.event.wait(timeout=1):
        s.x += 1


def set_and_clear(s):
    s.event.set()
    s.event.clear()


def event():
    return State(x=0, event=threading.Event())


def semaphore_mutex(s):
    with s.gate:
        s.x += 1


def sem_model(s):
    yield lambda: s.gate._value > 0
    s.gate._value -= 1
    yield
    seen = s.x
    yield
    s.x = seen + 1
    yield
    s.gate._value += 1


def too_often(s):
    s.gate.release()


def signal_first(s):
    s.x = 1
    s.gate.release()


def signalled(s):
    s.gate.acquire()
    s.x += 1


def meet(s):
    s.a = 1
    s.barrier.wait()
    s.x = s.a + s.b


def meet_too(s):
    s.b = 1
    s.barrier.wait()


def part_at_barrier(s):
    seen = s.x
    s.barrier.wait()
    s.x = seen + 1


def barrier(parties):
    return lambda: State(x=0, a=0, b=0, barrier=threading.Barrier(parties))


def sleepy(s):
    seen = s.x
    time.sleep(0.1)
    s.x = seen + 1


def starts_threads(s):
    def more():
        s.x += 1

    threads = [Thread(target=more) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    s.seen = s.x


class Adder(threading.Thread):
    def __init__(self, s):
        super().__init__()
        self.s = s

    def run(self):
        self.s.x += 1


def starts_own_class(s):
    thread = Adder(s)
    thread.start()
    s.x += 1
    thread.join()


def forgets_join(s):
    thread = Thread(target=lambda: setattr(s, "x", 1))
    thread.start()
    s.seen = s.x


SLEEP = {"reduction": "sleep-sets"}
PROGRAMS = [
    Program(
        "bounded buffer",
        (make(2), take(2)),
        "holds",
        {3},
        buffer,
        lambda s: s.x == 3,
        options=SLEEP,
        peer=False,
    ),
    Program(
        "wait with if, one part for two",
        (take_if, take_if, put_one_wake_all),
        "deadlock",
        {"deadlock", "IndexError"},
        buffer,
        options=SLEEP,
        peer=False,
    ),
    Program(
        "wait with if, two parts",
        (take_if, take_if, put_two),
        "holds",
        {2},
        buffer,
        lambda s: s.x == 2,
        options=SLEEP,
        peer=False,
    ),
    Program(
        "notify instead of notify_all",
        (take(1), take(1), put_two_wake_one),
        "holds",
        {2},
        buffer,
        options=SLEEP,
        peer=False,
    ),
    Program(
        "notify one of two",
        (take_if, take_if, put_two_wake_one),
        "deadlock",
        {2, "deadlock"},
        buffer,
        options=SLEEP,
        peer=False,
    ),
    Program("missed notify", (take_outside, put_silently), "deadlock", {1, "deadlock"}, buffer, peer=False),
    Program("wait with a timeout", (wait_a_while, notify_once), "holds", {True, False}, buffer, peer=False),
    Program("wait_for", (wait_for, put_silently), "holds", {1}, buffer, peer=False),
    Program("event", (ping, pong), "holds", {2}, event, lambda s: s.x == 2),
    Program("event with a timeout", (ping, wait_or_not), "holds", {1, 2}, event, peer=False),
    Program("event set too shortly", (set_and_clear, pong), "deadlock", {1, "deadlock"}, event, peer=False),
    Program(
        "semaphore as mutex",
        (semaphore_mutex,) * 2,
        "holds",
        {2},
        lambda: State(x=0, gate=threading.Semaphore(1)),
        models=(sem_model,) * 2,
    ),
    Program(
        "semaphore for two",
        (semaphore_mutex,) * 2,
        "holds",
        {1, 2},
        lambda: State(x=0, gate=threading.Semaphore(2)),
        models=(sem_model,) * 2,
        peer=False,  # frontrun misses one of the ends now and then, on a busy machine
    ),
    Program(
        "bounded semaphore",
        (semaphore_mutex, too_often),
        "violated",
        {"ValueError"},
        lambda: State(x=0, gate=threading.BoundedSemaphore(1)),
        peer=False,
    ),
    Program(
        "semaphore as signal",
        (signal_first, signalled),
        "holds",
        {2},
        lambda: State(x=0, gate=threading.Semaphore(0)),
        lambda s: s.x == 2,
    ),
    Program("barrier", (meet, meet_too), "holds", {2}, barrier(2), lambda s: s.x == 2, peer=False),
    Program(
        "barrier between read and write",
        (part_at_barrier,) * 2,
        "violated",
        {1},
        barrier(2),
        lambda s: s.x == 2,
        peer=False,
    ),
    Program(
        "barrier for one too many", (part_at_barrier,) * 2, "deadlock", {"deadlock"}, barrier(3), peer=False
    ),
    Program("sleep cures nothing", (sleepy,) * 2, "violated", {1, 2}, lambda: State(x=0), lambda s: s.x == 2),
    Program(
        "threads of one's own",
        (starts_threads,),
        "violated",
        {1, 2},
        lambda: State(x=0, seen=None),
        lambda s: s.seen == 2,
        lambda s: s.seen,
        peer=False,
    ),
    Program(
        "a class of threads",
        (starts_own_class,),
        "violated",
        {1, 2},
        lambda: State(x=0),
        lambda s: s.x == 2,
        peer=False,
    ),
    Program(
        "join forgotten",
        (forgets_join,),
        "violated",
        {0, 1},
        lambda: State(x=0, seen=None),
        lambda s: s.seen == 1,
        lambda s: s.seen,
        peer=False,
    ),
]
