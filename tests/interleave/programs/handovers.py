"""Queues: with and without sentinel, bounded, asked before they are used."""

import queue

from . import Program, State


def line(name="Queue", **more):
    return lambda: State(x=0, queue=getattr(queue, name)(**more))


def give(s):
    for part in (1, 2):
        s.queue.put(part)
    s.queue.put(None)


def give_without_end(s):
    for part in (1, 2):
        s.queue.put(part)


def take_all(s):
    while (part := s.queue.get()) is not None:
        s.x += part


def take_two(s):
    s.x = s.queue.get() * 10 + s.queue.get()


def take_if_any(s):
    if not s.queue.empty():
        s.x += s.queue.get()


def take_or_not(s):
    try:
        s.x += s.queue.get_nowait()
    except queue.Empty:
        s.x += 10


def one_end_for_two(s):
    s.queue.put(None)


def passes_on(s):
    while s.queue.get() is not None:
        pass
    s.queue.put(None)


def only_ends(s):
    while s.queue.get() is not None:
        pass


def work(s):
    s.queue.get()
    s.x += 1
    s.queue.task_done()


def wait_for_all(s):
    s.queue.put("part")
    s.queue.join()
    s.seen = s.x


def drop_if_full(s):
    for part in (1, 2):
        try:
            s.queue.put_nowait(part)
        except queue.Full:
            s.dropped += 1


def counted(s):
    s.queue.put(1)
    s.x = s.queue.qsize()


def two_parts():
    state = line()()
    state.queue.put(1)
    return state


PROGRAMS = [
    Program("sentinel", (give, take_all), "holds", {3}, line(), lambda s: s.x == 3),
    Program("no sentinel", (give_without_end, take_all), "deadlock", {"deadlock"}, line(), peer=False),
    Program("bounded queue", (give, take_all), "holds", {3}, line(maxsize=1), lambda s: s.x == 3, peer=False),
    Program("first in, first out", (give_without_end, take_two), "holds", {12}, line(), lambda s: s.x == 12),
    Program(
        "last in, first out", (give_without_end, take_two), "holds", {12, 21}, line("LifoQueue"), peer=False
    ),
    Program("simple queue", (give_without_end, take_two), "holds", {12}, line("SimpleQueue")),
    Program("empty, then get", (take_if_any,) * 2, "deadlock", {1, "deadlock"}, two_parts, peer=False),
    Program("get_nowait", (give_without_end, take_or_not), "holds", {1, 10}, line(), peer=False),
    Program(
        "one sentinel for two",
        (one_end_for_two, only_ends, only_ends),
        "deadlock",
        {"deadlock"},
        line(),
        peer=False,
    ),
    Program(
        "a sentinel handed on",
        (one_end_for_two, passes_on, passes_on),
        "holds",
        {1},
        line(),
        see=lambda s: s.queue.qsize(),
    ),
    Program("task_done", (wait_for_all, work), "holds", {1}, line(), lambda s: s.seen == 1, lambda s: s.seen),
    Program(
        "drop what does not fit",
        (drop_if_full, lambda s: s.queue.get()),
        "holds",
        {0, 1},
        lambda: State(dropped=0, queue=queue.Queue(1)),
        see=lambda s: s.dropped,
        peer=False,
    ),
    Program("qsize", (counted,) * 2, "holds", {1, 2}, line()),
]
