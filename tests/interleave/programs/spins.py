"""Threads that wait by going round."""

import time

from . import Program, State


def peterson(me, swapped=False):
    other = 1 - me

    def enter(s):
        if swapped:
            s.turn = other
            s.want[me] = True
        else:
            s.want[me] = True
            s.turn = other
        while s.want[other] and s.turn == other:
            pass
        s.x += 1
        s.want[me] = False

    return enter


def peterson_model(me, swapped=False):
    other = 1 - me

    def model(s):
        yield
        if swapped:
            s.turn = other
        else:
            s.want[me] = True
        yield
        if swapped:
            s.want[me] = True
        else:
            s.turn = other
        while True:
            yield
            if not s.want[other]:
                break
            yield
            if s.turn != other:
                break
            yield lambda: not s.want[other] or s.turn != other
        yield
        seen = s.x
        yield
        s.x = seen + 1
        yield
        s.want[me] = False

    return model


def wants():
    return State(x=0, want=[False, False], turn=0)


def dekker(me, swapped=False):
    other = 1 - me

    def enter(s):
        if not swapped:
            s.want[me] = True
        while s.want[other]:
            if s.turn == other:
                s.want[me] = False
                while s.turn == other:
                    pass
                s.want[me] = True
        if swapped:
            s.want[me] = True
        s.x += 1
        s.turn = other
        s.want[me] = False

    return enter


def spin_flag(s):
    while s.busy:
        pass
    s.busy = True
    s.x += 1
    s.busy = False


def spin_exchange(s):
    while s.free.pop("token", None) is None:
        pass
    s.x += 1
    s.free["token"] = 1


def wait_for_flag(s):
    while not s.flag:
        pass
    s.seen = s.x


def raise_flag(s):
    s.x = 1
    s.flag = True


def raise_flag_early(s):
    s.flag = True
    s.x = 1


def wait_asleep(s):
    while not s.flag:
        time.sleep(0.01)
    s.seen = s.x


def wait_by_helper(s):
    while not is_up(s):
        pass
    s.seen = s.x


def is_up(s):
    return s.flag


def never(s):
    while not s.flag:
        pass


def nothing_else(s):
    s.x = 1


def count_up(s):
    tries = 0
    while not s.flag:
        tries += 1
    s.seen = tries


def flag():
    return State(x=0, flag=False, seen=None)


def seen(s):
    return s.seen


def spin_events(s):
    while not s.flag:
        if len(s.log) < 1:
            s.log.append("waiting")
    s.seen = s.x


def both(s):
    return s.x == 2


SLEEP = {"reduction": "sleep-sets"}
MANY = {"max_steps": 60, "max_schedules": 3000}
PROGRAMS = [
    Program(
        "peterson",
        (peterson(0), peterson(1)),
        "holds",
        {2},
        wants,
        both,
        models=(peterson_model(0), peterson_model(1)),
        peer=False,
        options=SLEEP,
    ),
    Program(
        "peterson, a line swapped",
        (peterson(0, True), peterson(1, True)),
        "violated",
        {1, 2},
        wants,
        both,
        models=(peterson_model(0, True), peterson_model(1, True)),
        peer=False,
        options=SLEEP,
    ),
    Program("dekker", (dekker(0), dekker(1)), "holds", {2}, wants, both, peer=False, options=SLEEP),
    Program(
        "dekker, a line swapped",
        (dekker(0, True), dekker(1, True)),
        "violated",
        {1, 2},
        wants,
        both,
        peer=False,
        options=SLEEP,
    ),
    Program(
        "spin on a flag",
        (spin_flag,) * 2,
        "violated",
        {1, 2},
        lambda: State(x=0, busy=False),
        both,
        peer=False,
    ),
    Program(
        "spin on an exchange",
        (spin_exchange,) * 2,
        "inconclusive",
        {2},
        lambda: State(x=0, free={"token": 1}),
        both,
        peer=False,
        options=MANY,
    ),
    Program(
        "wait for a flag",
        (wait_for_flag, raise_flag),
        "holds",
        {1},
        flag,
        lambda s: s.seen == 1,
        seen,
        peer=False,
    ),
    Program(
        "a flag raised early",
        (wait_for_flag, raise_flag_early),
        "violated",
        {0, 1},
        flag,
        lambda s: s.seen == 1,
        seen,
        peer=False,
    ),
    Program("wait asleep", (wait_asleep, raise_flag), "holds", {1}, flag, see=seen, peer=False),
    Program("wait by a helper", (wait_by_helper, raise_flag), "holds", {1}, flag, see=seen, peer=False),
    Program("a flag that nobody raises", (never, nothing_else), "inconclusive", set(), flag, peer=False),
    Program(
        "counting while waiting",
        (count_up, raise_flag),
        "inconclusive",
        set(),
        flag,
        see=seen,
        peer=False,
        options=MANY,
    ),
    Program(
        "a note while waiting",
        (spin_events, raise_flag),
        "holds",
        {1},
        lambda: State(x=0, flag=False, seen=None, log=[]),
        see=seen,
        peer=False,
    ),
]
