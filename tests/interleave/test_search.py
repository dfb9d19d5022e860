"""What a search promises: exact counts, honest limits, and a process left as it was found."""

import _thread
import collections
import copy
import functools
import gc
import itertools
import math
import operator
import os
import queue
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from factory_lib.interleave import InterleaveError, Result, explore, models, replay

NUMBER = 0
TABLE = {"parts": [1, 2], "seen": {"a"}}
FLAG = False
KEPT = threading.Lock()
KEPT_TOO = threading.Lock()
COUNTER = itertools.count()


def one():
    return SimpleNamespace(x=0)


def more(s):
    s.x = s.x + 1


def more_often(times):
    def work(s):
        for _ in range(times):
            s.x = s.x + 1

    return work


def more_number():
    global NUMBER
    NUMBER = NUMBER + 1


def least(result: Result) -> tuple[int, int]:
    return min((int(outcome.partition("=")[2]), count) for outcome, count in result.outcomes.items())


@pytest.mark.parametrize(
    ("workers", "granularity", "orders"),
    [
        ([more, more], "access", 6),
        ([more, more], "step", 20),
        ([more_often(2)] * 2, "access", 70),
        ([more] * 3, "access", 90),
        ([more_often(3)] * 2, "access", 924),
        ([more_often(2)] * 2, "step", 924),
        ([more], "access", 1),
    ],
)
def test_the_orders_are_as_many_as_the_multinomial_says(workers, granularity, orders) -> None:
    result = explore(*workers, setup=one, granularity=granularity)

    assert (result.verdict, result.schedules, result.exhausted) == ("holds", orders, True)


def test_two_reads_and_writes_lose_in_four_orders_of_six() -> None:
    assert explore(more, more, setup=one).outcomes == {"x=1": 4, "x=2": 2}
    assert explore(more_number, more_number).outcomes == {"NUMBER=1": 4, "NUMBER=2": 2}


def test_the_least_value_is_two_in_eight_orders_and_a_limit_of_preemptions_misses_it() -> None:
    assert least(explore(*[more_often(3)] * 2, setup=one)) == (2, 8)

    for limit in (2, 3):
        bounded = explore(*[more_often(3)] * 2, setup=one, max_preemptions=limit)
        assert least(bounded)[0] > 2
        assert (bounded.verdict, bounded.exhausted) == ("inconclusive", False)
        assert f"max_preemptions={limit}" in bounded.reason
    assert least(explore(*[more_often(3)] * 2, setup=one, max_preemptions=4))[0] == 2


def test_a_limit_of_preemptions_that_leaves_nothing_out_is_conclusive() -> None:
    assert explore(more, more, setup=one, max_preemptions=9).verdict == "holds"


def reads_alone(s):
    len([])


def starts_a_thread_then_more(s):
    s.x = s.x + 1
    thread = threading.Thread(target=more, args=(s,))
    thread.start()
    s.x = s.x + 1
    thread.join()
    s.x = s.x + 1


def locks_then_more(s):
    s.x = s.x + 1
    with KEPT:
        s.x = s.x + 1


@pytest.mark.parametrize("worker", [starts_a_thread_then_more, locks_then_more])
def test_who_is_left_alone_ends_as_if_nobody_else_had_been_there(worker) -> None:
    lonely = explore(worker, setup=one)
    result = explore(reads_alone, worker, setup=one)
    assert (result.outcomes, result.exhausted) == (lonely.outcomes, True)
    assert {len(each.steps) for each in result.examples.values()} == {
        len(each.steps) for each in lonely.examples.values()
    }


def test_who_is_left_alone_and_starts_a_thread_meets_all_orders_of_both() -> None:
    # Nine steps of its own, of which the thread's two may come before or after two: 6 orders of 11. The other
    # worker's two come anywhere in them.
    workers = more, starts_a_thread_then_more
    result = explore(*workers, setup=one)
    assert result.schedules == 6 * math.comb(11 + 2, 2)
    assert set(result.outcomes) == set(explore(*workers, setup=one, reduction="sleep-sets").outcomes)
    for outcome, schedule in result.examples.items():
        assert replay(schedule, *workers, setup=one).outcome == outcome


def test_who_is_left_alone_is_held_to_max_steps() -> None:
    result = explore(more, more_often(5), setup=one, max_steps=8)
    assert (result.verdict, result.exhausted) == ("inconclusive", False)
    assert "max_steps" in result.reason


def test_a_lock_leaves_two_orders() -> None:
    def locked(s):
        with s.lock:
            s.x += 1

    result = explore(
        locked,
        locked,
        setup=lambda: SimpleNamespace(x=0, lock=threading.Lock()),
        invariant=lambda s: s.x == 2,
    )

    assert (result.verdict, result.schedules) == ("holds", 2)


def test_a_hundred_searches_find_the_same() -> None:
    def found() -> tuple:
        result = explore(more_often(2), more, setup=one, invariant=lambda s: s.x == 3)
        return result.verdict, result.schedules, result.outcomes, result.counterexample

    first = found()
    assert all(found() == first for _ in range(99))


def test_the_counterexample_has_the_fewest_preemptions_then_the_fewest_steps() -> None:
    def long_way(s):
        for _ in range(3):
            s.x = s.x + 1

    schedule = explore(long_way, more, setup=one, invariant=lambda s: s.x == 4).counterexample

    assert schedule is not None
    assert (schedule.preemptions, len(schedule.steps)) == (1, 8)
    lost = [step for step in schedule.steps if step.mark]
    assert [step.mark for step in lost] == ["loses the other's write"]


def test_a_step_tells_thread_line_source_operation_and_state() -> None:
    schedule = explore(more, more, setup=one, invariant=lambda s: s.x == 2).counterexample

    assert schedule is not None
    line = more.__code__.co_firstlineno + 1
    assert [(s.thread, s.line, s.source, s.operation, s.state) for s in schedule.steps] == [
        ("A", line, "s.x = s.x + 1", "reads s.x (0)", "x=0"),
        ("B", line, "s.x = s.x + 1", "reads s.x (0)", "x=0"),
        ("B", line, "s.x = s.x + 1", "writes s.x = 1", "x=1"),
        ("A", line, "s.x = s.x + 1", "writes s.x = 1", "x=1"),
    ]
    assert (schedule.order, schedule.start, schedule.outcome) == ("ABBA", "x=0", "x=1")


def test_a_replay_is_the_same_order_again() -> None:
    found = explore(more_often(2), more, setup=one, invariant=lambda s: s.x == 3).counterexample

    assert found is not None
    assert replay(found, more_often(2), more, setup=one) == found


def test_a_replay_of_other_workers_is_refused() -> None:
    found = explore(more_often(2), more, setup=one, invariant=lambda s: s.x == 3).counterexample

    assert found is not None
    with pytest.raises(InterleaveError, match="Run explore on them again"):
        replay(found, more, setup=one)


def test_each_outcome_has_an_order_that_ends_in_it() -> None:
    result = explore(more_often(3), more_often(3), setup=one)

    assert set(result.examples) == set(result.outcomes)
    assert all(schedule.outcome == outcome for outcome, schedule in result.examples.items())


def test_a_deadlock_names_who_waits_for_what_since_which_line() -> None:
    def left_right(s):
        with s.left:
            with s.right:
                pass

    def right_left(s):
        with s.right:
            with s.left:
                pass

    result = explore(
        left_right, right_left, setup=lambda: SimpleNamespace(left=threading.Lock(), right=threading.Lock())
    )

    one, two = left_right.__code__.co_firstlineno, right_left.__code__.co_firstlineno
    assert result.verdict == "deadlock"
    assert [(w.thread, w.line, w.wants, w.holder, w.held_line, w.held_source) for w in result.deadlock] == [
        ("A", one + 2, "s.right", "B", two + 1, "with s.right:"),
        ("B", two + 2, "s.left", "A", one + 1, "with s.left:"),
    ]


def test_an_exception_is_an_outcome_and_goes_wrong() -> None:
    result = explore(*[lambda s: s.pop()] * 2, setup=lambda: [1])

    assert result.verdict == "violated"
    assert set(result.outcomes) == {
        "[]; A: IndexError: pop from empty list",
        "[]; B: IndexError: pop from empty list",
    }


# Sleep sets.


def test_sleep_sets_try_orders_of_different_things_once() -> None:
    def x(s):
        s.x += 1

    def y(s):
        s.y += 1

    state = lambda: SimpleNamespace(x=0, y=0)  # noqa: E731

    assert explore(x, y, setup=state).schedules == 6
    assert explore(x, y, setup=state, reduction="sleep-sets").schedules == 1


def test_sleep_sets_and_a_limit_of_preemptions_do_not_go_together() -> None:
    with pytest.raises(InterleaveError, match="Use one of them"):
        explore(more, more, setup=one, reduction="sleep-sets", max_preemptions=2)


# Limits.


def test_max_schedules_ends_a_search_and_says_so() -> None:
    result = explore(*[more_often(3)] * 2, setup=one, max_schedules=10)

    assert (result.verdict, result.schedules, result.exhausted) == ("inconclusive", 10, False)
    assert "max_schedules" in result.reason


def test_max_seconds_ends_a_search_and_says_so() -> None:
    result = explore(*[more_often(8)] * 3, setup=one, max_seconds=0.2)

    assert (result.verdict, result.exhausted) == ("inconclusive", False)
    assert "max_seconds" in result.reason


def test_a_violation_counts_though_a_limit_was_reached() -> None:
    result = explore(*[more_often(3)] * 2, setup=one, invariant=lambda s: s.x == 6, max_schedules=100)

    assert (result.verdict, result.exhausted) == ("violated", False)


def spin():
    while FLAG:
        pass


def spin_until_set():
    while not FLAG:
        pass


def set_flag():
    global FLAG
    FLAG = True


def count_for_ever():
    number = 0
    while True:
        number += 1


def write_for_ever(s):
    while True:
        s.x = 1 - s.x


@pytest.mark.parametrize(
    ("workers", "setup"),
    [
        ([spin_until_set, more_number], None),
        ([spin_until_set, spin_until_set], None),
        ([count_for_ever, more_number], None),
        ([write_for_ever, more], one),
    ],
)
def test_a_loop_without_end_is_ended_by_max_steps(workers, setup) -> None:
    result = explore(*workers, setup=setup, max_steps=50)

    assert (result.verdict, result.exhausted or "max_steps" in result.reason) == ("inconclusive", True)
    assert "max_steps" in result.reason


def test_waiting_in_a_loop_for_another_thread_is_followed_to_its_end() -> None:
    result = explore(spin_until_set, set_flag)

    assert (result.verdict, set(result.outcomes)) == ("holds", {"FLAG=True"})
    assert FLAG is False


# What is not modelled.


def everything():
    return SimpleNamespace(x=0, parts=[1, 2], box=collections.UserDict(x=0), line=queue.Queue())


def read_file(s):
    with open(os.devnull, encoding="utf-8") as file:
        s.x = len(file.read())


def use_socket(s):
    left, right = socket.socketpair()
    left.close()
    right.close()


def run_process(s):
    subprocess.run([sys.executable, "-c", ""], check=True, timeout=30)


def by_chance(s):
    s.x = random.random()


def by_clock(s):
    s.x = time.monotonic()


def local_storage(s):
    s.mine = threading.local()


def in_library(s):
    random.shuffle(s.parts)


def attributes_by_dict(s):
    s.__dict__["x"] = s.__dict__["x"] + 1


def by_getter(s):
    s.x = operator.attrgetter("x")(s) + 1


def by_exec(s):
    exec("s.x = s.x + 1")


def through_library(s):
    s.parts.append(len(copy.deepcopy(s.parts)))


def in_librarys_box(s):
    s.box["x"] += 1


@functools.lru_cache
def kept():
    return 1


def by_cache(s):
    s.x = kept()


def by_weakref(s):
    s.x = weakref.ref(dict)() is dict


class Ends:
    def __del__(self):
        global NUMBER
        NUMBER += 1


def ends(s):
    s.x = Ends()


def by_address(s):
    s.x = id(s) % 3


def sorts_by_function(s):
    s.parts.sort(key=lambda part: part)


def looks_inside(s):
    s.x = len(s.line.queue)


def runs_builtin(s):
    thread = threading.Thread(target=s.parts.append, args=(1,))
    thread.start()
    thread.join()


def derives(s):
    class Line(queue.Queue):
        pass

    line = Line()
    line.put(1)
    s.x = line.get()


def too_deep(s):
    try:
        too_deep(s)
    except RecursionError:
        s.x = 1


def from_before(s):
    s.x = next(COUNTER)


def argument_lock(s, lock=KEPT_TOO):
    with lock:
        s.x += 1


@pytest.mark.parametrize(
    ("worker", "name"),
    [
        (read_file, "io.open"),
        (use_socket, "socket"),
        (run_process, "subprocess"),
        (by_chance, "random"),
        (by_clock, "time.monotonic"),
        (local_storage, "local"),
        (in_library, "random.Random.shuffle"),
        (attributes_by_dict, "__dict__"),
        (by_getter, "operator"),
        (by_exec, "exec"),
        (from_before, "itertools.count"),
        (through_library, "copy.deepcopy"),
        (in_librarys_box, "collections.UserDict"),
        (by_cache, "functools.lru_cache"),
        (by_weakref, "weakref"),
        (ends, "Ends.__del__"),
        (by_address, "id"),
        (sorts_by_function, "sort"),
        (looks_inside, "Queue.queue"),
        (runs_builtin, "append"),
        (derives, "queue.Queue.put"),
        (too_deep, "recursion"),
        (argument_lock, "lock"),
    ],
)
def test_what_is_not_modelled_makes_the_verdict_inconclusive_with_its_name(worker, name) -> None:
    shared = worker in (through_library, in_librarys_box, sorts_by_function)  # harmless to who is alone
    result = explore(worker, worker if shared else lambda s: None, setup=everything, max_schedules=50)

    assert result.verdict == "inconclusive"
    assert name in result.reason


def test_a_worker_that_waits_for_the_world_is_noticed_and_comes_to_an_end() -> None:
    left, right = socket.socketpair()
    left.settimeout(20.0)

    def waits(s):
        left.recv(1)

    with left, right:
        timer = threading.Timer(4.5, right.sendall, [b"x"])
        timer.start()
        result = explore(waits, more, setup=one)
        timer.join(10)

    assert result.verdict == "inconclusive"
    assert f"A at line {waits.__code__.co_firstlineno + 1}" in result.reason


def test_a_generator_is_no_worker() -> None:
    def generator(s):
        yield s

    with pytest.raises(InterleaveError, match="generator"):
        explore(generator, generator, setup=one)


def test_what_is_not_written_in_python_is_no_worker() -> None:
    for worker in (list.pop, [].pop, functools.partial(list.append, [], 1), collections.Counter.update):
        with pytest.raises(InterleaveError, match="Give a function of your own that calls it"):
            explore(worker, worker, setup=list)


def test_a_setup_that_depends_on_chance_is_noticed() -> None:
    result = explore(more, more, setup=lambda: SimpleNamespace(x=random.random()))

    assert result.verdict == "inconclusive"
    assert "a setup that makes another state each time" in result.reason


def test_a_second_search_meets_the_code_that_the_first_has_met() -> None:
    """Of an event that was once switched off 3.12 tells nothing any more, not even to the next tool."""
    space: dict = {"NUMBER": 0}
    exec("def more():\n    global NUMBER\n    NUMBER = NUMBER + 1\n", space)
    hidden = collections.UserDict(
        more=space["more"]
    )  # of a library: what is in there is met only when it runs

    def work():
        hidden["more"]()

    for _ in range(3):
        assert explore(work, work).outcomes == {"NUMBER=1": 4, "NUMBER=2": 2}


def test_a_coroutine_is_noticed() -> None:
    async def worker(s):
        s.x += 1

    result = explore(worker, worker, setup=one)

    assert (result.verdict, "async" in result.reason) == ("inconclusive", True)


def test_chance_that_changes_the_steps_is_noticed() -> None:
    def now_and_then(s):
        for _ in range(os.getpid() % 1 + random.randrange(5)):
            s.x += 1

    result = explore(now_and_then, now_and_then, setup=one, max_seconds=20)

    assert result.verdict == "inconclusive"
    assert "random" in result.reason


def test_workers_that_end_within_the_steps_that_they_repeat_are_noticed() -> None:
    def more_unless_closed(s):
        if not s.closed:
            s.x += 1

    starts = itertools.count()  # a search compares only the first few
    result = explore(
        more_unless_closed,
        more_unless_closed,
        setup=lambda: SimpleNamespace(x=0, closed=next(starts) % 5 == 4),
    )

    assert result.verdict == "inconclusive"
    assert "chance or the clock decides" in result.reason


# Where locks and shared things may come from.


@dataclass
class Made:
    lock: threading.Lock = field(default_factory=threading.Lock)
    x: int = 0

    def more(self) -> None:
        with self.lock:
            self.x += 1


class Common:
    lock = threading.RLock()
    all_of_them = {"queue": queue.Queue()}  # noqa: RUF012
    locks = (threading.Lock(), threading.Lock())


def with_class_lock(s):
    with Common.lock:
        s.x += 1


def with_lock_in_a_tuple(s):
    with Common.locks[1]:
        s.x += 1


def with_queue_in_a_dict(s):
    Common.all_of_them["queue"].put(1)
    s.x = Common.all_of_them["queue"].qsize()


@pytest.mark.parametrize("worker", [with_class_lock, with_lock_in_a_tuple])
def test_a_lock_is_found_wherever_it_was_made(worker) -> None:
    result = explore(worker, worker, setup=one, invariant=lambda s: s.x == 2)

    assert (result.verdict, result.schedules) == ("holds", 2)


def test_a_lock_that_a_dataclass_makes_is_found() -> None:
    result = explore(Made.more, Made.more, setup=Made, invariant=lambda made: made.x == 2)

    assert (result.verdict, result.schedules) == ("holds", 2)


def test_a_queue_from_before_is_as_full_again_before_each_order() -> None:
    result = explore(with_queue_in_a_dict, with_queue_in_a_dict, setup=one)

    assert result.verdict == "holds"
    assert {outcome.partition(",")[0] for outcome in result.outcomes} == {"x=1", "x=2"}
    assert Common.all_of_them["queue"].empty()


def test_what_a_model_has_from_the_library_goes_through_its_steps() -> None:
    through = {"put_nowait", "get_nowait", "notify_all", "notifyAll", "isSet", "parties"}
    found = {
        name
        for kind in models.KINDS
        for base in kind.__mro__
        if base.__module__ in ("threading", "queue")
        for name in vars(base)
        if not name.startswith("_") and getattr(kind, name) is vars(base)[name]
    }

    assert found <= through


def test_a_barrier_is_used_again() -> None:
    def meets_twice(s):
        s.a = s.barrier.wait() + s.barrier.wait()

    def meets_too(s):
        s.b = s.barrier.wait() + s.barrier.wait()

    result = explore(
        meets_twice,
        meets_too,
        setup=lambda: SimpleNamespace(a=0, b=0, barrier=threading.Barrier(2)),
        invariant=lambda s: s.a + s.b == 2,
    )

    assert (result.verdict, result.exhausted) == ("holds", True)


if sys.version_info >= (3, 13):

    def test_a_queue_that_is_shut_down_wakes_who_waits_for_it() -> None:
        def takes(s):
            try:
                s.x = s.queue.get()
            except queue.ShutDown:
                s.x = -1

        result = explore(
            takes,
            lambda s: s.queue.shutdown(),
            setup=lambda: SimpleNamespace(x=0, queue=queue.Queue()),
        )

        assert (result.verdict, result.schedules) == ("holds", 1)
        assert set(result.outcomes) == {"x=-1, queue=Queue([])"}


class Watched:
    def __init__(self) -> None:
        self.x = 0
        self.log: list = []

    def __setattr__(self, name, value):
        if name == "x" and "log" in dir(self):
            self.log.append(value)
        object.__setattr__(self, name, value)


def test_a_setattr_of_the_class_is_followed() -> None:
    result = explore(more, more, setup=Watched, invariant=lambda s: s.x == 2)

    assert result.verdict == "violated"


def test_a_method_bound_to_a_shared_object_is_a_worker() -> None:
    class Counter:
        def __init__(self) -> None:
            self.x = 0

        def more(self) -> None:
            self.x += 1

    counter = Counter()
    result = explore(counter.more, counter.more, invariant=lambda: counter.x == 2)

    assert (result.verdict, result.schedules, counter.x) == ("violated", 6, 0)


# The process is left as it was found.


def snapshot() -> dict:
    tools = [sys.monitoring.get_tool(number) for number in range(6)] if sys.version_info >= (3, 12) else []
    return {
        "threads": threading.enumerate(),
        "trace": sys.gettrace(),
        "tools": tools,
        "threading": {name: threading.__dict__[name] for name in dir(threading)},
        "queue": {name: queue.__dict__[name] for name in dir(queue)},
        "thread": {name: threading.Thread.__dict__[name] for name in ("start", "join", "is_alive")},
        "sleep": time.sleep,
        "interval": sys.getswitchinterval(),
        "stdout": sys.stdout,
        "policy": os.sched_getscheduler(0) if sys.platform == "linux" else None,
        "cores": os.sched_getaffinity(0) if sys.platform == "linux" else None,
        "globals": (NUMBER, FLAG, TABLE, KEPT, id(TABLE["parts"])),
    }


def change_all():
    global NUMBER
    with KEPT:
        NUMBER += 1
    TABLE["parts"].append(3)
    TABLE["new"] = TABLE["seen"].pop()


def fails():
    change_all()
    raise ValueError("no")


def swallow():
    global NUMBER
    while True:
        try:
            NUMBER += 1
        except BaseException:
            pass


@pytest.mark.parametrize(
    "options",
    [
        {"workers": (swallow, change_all), "max_steps": 20},
        {"workers": (change_all, change_all)},
        {"workers": (fails, change_all)},
        {"workers": (change_all, spin_until_set), "max_steps": 20},
        {"workers": (change_all,) * 3, "max_schedules": 5},
        {"workers": (change_all, change_all), "max_seconds": 0.0},
        {"workers": (change_all, change_all), "invariant": lambda: 1 / 0},
    ],
)
def test_everything_is_as_before(options) -> None:
    before = snapshot()
    held = TABLE["parts"][:], set(TABLE["seen"])

    with suppress(InterleaveError):
        explore(*options.pop("workers"), **options)

    assert snapshot() == before
    assert (TABLE["parts"], TABLE["seen"]) == held
    assert not KEPT.locked()


def test_ctrl_c_in_an_invariant_leaves_everything_as_before() -> None:
    before = snapshot()

    def stop() -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        explore(more_number, more_number, invariant=stop)

    assert snapshot() == before


@pytest.fixture
def ctrl_c_is_heard() -> Iterator[None]:
    """Who is started in the background ignores it."""
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, usual)


@pytest.mark.usefixtures("ctrl_c_is_heard")
def test_ctrl_c_in_the_middle_of_an_order_leaves_everything_as_before() -> None:
    before = snapshot()
    timer = threading.Timer(0.5, _thread.interrupt_main)
    timer.start()

    with pytest.raises(KeyboardInterrupt):
        explore(*[more_often(9)] * 3, setup=one)

    timer.join(10)
    assert snapshot() == before


@pytest.mark.usefixtures("ctrl_c_is_heard")
def test_ctrl_c_at_any_time_is_heard_and_leaves_no_thread() -> None:
    begun = threading.Event()

    def interrupt(delay: float) -> None:
        begun.wait(10)
        time.sleep(delay)
        if hasattr(signal, "pthread_kill"):  # unlike the other it wakes who waits, wherever that is
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        else:
            _thread.interrupt_main()

    def setup() -> SimpleNamespace:
        begun.set()
        return one()

    before = snapshot()
    gc.disable()  # in whatever it ends Python drops a Ctrl-C
    for number in range(24):
        begun.clear()
        thread = threading.Thread(target=interrupt, args=(number / 500,))
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            explore(*[more_often(9)] * 3, setup=setup, max_seconds=20)
        thread.join(10)
        assert snapshot() == before
    gc.enable()


def test_a_setup_that_fails_is_heard() -> None:
    before = snapshot()

    with pytest.raises(ZeroDivisionError):
        explore(more, more, setup=lambda: 1 / 0)

    assert snapshot() == before


def test_one_search_at_a_time() -> None:
    with pytest.raises(InterleaveError, match="running"):
        explore(more, more, setup=one, invariant=lambda s: bool(explore(more, setup=one)))

    def nested(s):
        explore(more, setup=one)

    assert "InterleaveError" in next(iter(explore(nested, setup=one).outcomes))


def test_other_threads_get_real_locks_meanwhile() -> None:
    kinds = set()
    stop = threading.Event()

    def make() -> None:
        while not stop.wait(0.001):
            kinds.add(type(threading.Lock()))
            kinds.add(type(queue.Queue()))
            kinds.add(type(threading.Condition()))

    thread = threading.Thread(target=make)
    thread.start()
    explore(*[more_often(3)] * 2, setup=one)
    stop.set()
    thread.join(10)

    assert kinds == {type(KEPT), queue.Queue, threading.Condition}


def test_what_workers_print_is_not_shown(capsys) -> None:
    def talks(s):
        print("hello")
        s.x += 1

    assert explore(talks, talks, setup=one).schedules == 6
    assert capsys.readouterr().out == ""


if sys.platform == "linux":

    @pytest.mark.parametrize("usual", [True, False])
    def test_threads_of_a_search_are_woken_in_turn_unless_somebody_chose_a_policy(usual: bool) -> None:
        seen = {}

        def search() -> None:
            if not usual:
                os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
            result = explore(*[lambda s: setattr(s, "x", os.sched_getscheduler(0))] * 2, setup=one)
            seen.update(workers=set(result.outcomes), after=os.sched_getscheduler(0))
            result = explore(*[lambda s: setattr(s, "x", len(os.sched_getaffinity(0)))] * 2, setup=one)
            seen.update(cores=set(result.outcomes), cores_after=len(os.sched_getaffinity(0)))

        thread = threading.Thread(target=search)  # whose policy ends with it
        thread.start()
        thread.join(60)

        workers, after = (os.SCHED_BATCH, os.SCHED_OTHER) if usual else (os.SCHED_IDLE, os.SCHED_IDLE)
        all_cores = len(os.sched_getaffinity(0))
        assert seen == {
            "workers": {f"x={workers}"},
            "after": after,
            "cores": {f"x={1 if usual else all_cores}"},
            "cores_after": all_cores,
        }


def test_threads_are_not_started_for_each_order(monkeypatch) -> None:
    started = []
    start = threading.Thread._bootstrap_inner  # type: ignore[attr-defined]
    monkeypatch.setattr(
        threading.Thread, "_bootstrap_inner", lambda self: (started.append(self.name), start(self))[1]
    )

    explore(*[more_often(2)] * 2, setup=one)

    assert started == ["A", "B"]


def test_calls_that_make_no_sense_are_refused_in_one_sentence() -> None:
    for call in (
        lambda: explore(),
        lambda: explore(3),  # type: ignore[arg-type]
        lambda: explore(more, setup=one, granularity="fine"),
        lambda: explore(more, setup=one, reduction="dpor"),
    ):
        with pytest.raises(InterleaveError):
            call()
