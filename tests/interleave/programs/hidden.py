"""What no instruction names: C code that looks into things, or calls what it was given."""

import collections
import contextlib
import sys
import threading
import types

from . import Program, State

HERE = sys.modules[__name__]
NUMBER = 0
SEEN = None
UNDER = {"k": 0}
PROXY = types.MappingProxyType(UNDER)
ORDERED = collections.OrderedDict(a=1)
OUT = []
FIRST = threading.Thread(target=lambda: OUT.append(1))
SECOND = threading.Thread(target=lambda: OUT.append(2))


def append_inside(s):
    s.table["k"].append(1)


def table():
    return State(x=None, table={"k": []})


def shows(s):
    s.x = str(s.table)


def formats(s):
    s.x = f"{s.table}"


def percent(s):
    s.x = "%s" % s.table  # noqa: UP031


def compares(s):
    s.x = s.table == {"k": [1]}


def finds(s):
    s.x = [1] in s.table.values()


def most(s):
    s.x = len(max(s.table.values()))


def shows_bag(s):
    s.x = repr(s.bag)


def compares_bag(s):
    s.x = s.bag == State(v=1)


def change_bag(s):
    s.bag.v = 1


def bag():
    return State(x=None, bag=State(v=0))


class Point:
    __match_args__ = ("v",)

    def __init__(self):
        self.v = 0
        self.x = None

    def match_by_name(self):
        match self:
            case Point(v=0):
                self.x = "zero"
            case _:
                self.x = "other"

    def match_by_place(self):
        match self:
            case Point(0):
                self.x = "zero"
            case _:
                self.x = "other"

    def move(self):
        self.v = 1


class Base:
    total = 0


class Derived(Base):
    def __init__(self):
        self.x = None

    def look(self):
        self.x = super().total

    def change(self):
        Base.total = 1


def key_if_new(s):
    if "k" not in s.table.keys():
        s.table["k"] = 1
        s.x += 1


def pops_by_iterator(s):
    for part in iter(s.parts.pop, 0):
        s.x += part


def append_five(s):
    s.parts.append(5)


def maps_get(s):
    s.x = list(map(s.table.get, ["k"]))[0]


def set_key(s):
    s.table["k"] = 1


def maps_append(s):
    list(map(s.parts.append, [1, 2]))


def length(s):
    s.x = len(s.parts)


def sorts_by_get(s):
    s.x = sorted(["a", "b"], key=s.table.get)[0]


def raise_a(s):
    s.table["a"] = 3


def how_many(*parts):
    return len(parts)


def spreads(s):
    s.x = how_many(*s.parts)


def spreads_generator(s):
    s.x = how_many(*(part for part in s.parts))


def append_one(s):
    s.parts.append(1)


def parts():
    return State(x=None, parts=[])


def sets_by_object(s):
    object.__setattr__(s, "x", s.x + 1)


def sets_in_module():
    HERE.NUMBER = 1


def looks_at_global():
    global SEEN
    SEEN = NUMBER


def looks_by_proxy(s):
    s.x = PROXY["k"]


def changes_under(s):
    UNDER["k"] = 1


def by_memoryview(s):
    view = memoryview(s.bytes)
    view[0] = s.bytes[0] + 1


def grows_in_order():
    ORDERED[f"b{len(ORDERED)}"] = 1


def first():
    FIRST.start()
    FIRST.join()


def second():
    SECOND.start()
    SECOND.join()


def names_itself(s):
    def work():
        s.x = threading.current_thread().name

    thread = threading.Thread(target=work, name="painter")
    thread.start()
    thread.join()


@contextlib.contextmanager
def held(s):
    s.lock.acquire()
    try:
        yield
    finally:
        s.lock.release()


def with_generator(s):
    with held(s):
        s.x += 1


def waits_or_breaks(s):
    try:
        s.barrier.wait()
    except threading.BrokenBarrierError:
        s.x += 1


def breaks(s):
    s.barrier.abort()


def unhashable(s):
    s.table[[]] = 1


class Key:
    def __init__(self, s):
        self.s = s

    def __hash__(self):
        self.s.x += 1
        return 1

    def __eq__(self, other):
        return True


def hashes(s):
    s.table[Key(s)] = 1


def pair(name, look, change, setup, outcomes, **more):
    return Program(name, (look, change), "holds", outcomes, setup, peer=False, **more)


PROGRAMS = [
    pair("str of what is inside", shows, append_inside, table, {"{'k': []}", "{'k': [1]}"}),
    pair("format of what is inside", formats, append_inside, table, {"{'k': []}", "{'k': [1]}"}),
    pair("percent of what is inside", percent, append_inside, table, {"{'k': []}", "{'k': [1]}"}),
    pair("== of what is inside", compares, append_inside, table, {True, False}),
    pair("in what is inside", finds, append_inside, table, {True, False}),
    pair("max of what is inside", most, append_inside, table, {0, 1}),
    pair("repr of a bag", shows_bag, change_bag, bag, {"namespace(v=0)", "namespace(v=1)"}),
    pair("== of a bag", compares_bag, change_bag, bag, {True, False}),
    pair("match by name", Point.match_by_name, Point.move, Point, {"zero", "other"}),
    pair("match by place", Point.match_by_place, Point.move, Point, {"zero", "other"}),
    pair("super's attribute", Derived.look, Derived.change, Derived, {0, 1}),
    pair("key if new, by keys()", key_if_new, key_if_new, lambda: State(x=0, table={}), {1, 2}),
    pair("iter of pop", pops_by_iterator, append_five, lambda: State(x=0, parts=[0, 1]), {1, 6}),
    pair("map of get", maps_get, set_key, lambda: State(x=None, table={}), {None, 1}),
    pair("map of append", maps_append, length, parts, {0, 2}),
    pair("sorted by get", sorts_by_get, raise_a, lambda: State(x=None, table={"a": 1, "b": 2}), {"a", "b"}),
    pair("a list as arguments", spreads, append_one, parts, {0, 1}),
    pair("a generator as arguments", spreads_generator, append_one, parts, {0, 1}),
    pair("object's setattr", sets_by_object, sets_by_object, lambda: State(x=0), {1, 2}),
    pair("a module's attribute as global", sets_in_module, looks_at_global, None, {0, 1}, see=lambda: SEEN),
    pair("mappingproxy", looks_by_proxy, changes_under, lambda: State(x=None), {0, 1}),
    pair(
        "memoryview",
        by_memoryview,
        by_memoryview,
        lambda: State(bytes=bytearray(1)),
        {1, 2},
        see=lambda s: s.bytes[0],
    ),
    pair(
        "a global that keeps its order",
        grows_in_order,
        grows_in_order,
        None,
        {("a", "b1"), ("a", "b1", "b2")},
        see=lambda: tuple(ORDERED),
    ),
    pair("threads from before", first, second, None, {(1, 2), (2, 1)}, see=lambda: tuple(OUT)),
    Program("a thread's own name", (names_itself,), "holds", {"painter"}, lambda: State(x=None), peer=False),
    pair(
        "a generator as context",
        with_generator,
        with_generator,
        lambda: State(x=0, lock=threading.Lock()),
        {2},
    ),
    pair(
        "a barrier is broken", waits_or_breaks, breaks, lambda: State(x=0, barrier=threading.Barrier(2)), {1}
    ),
    Program(
        "a key that cannot be one",
        (unhashable,) * 2,
        "violated",
        {"TypeError"},
        lambda: State(x=0, table=collections.defaultdict(int)),
        peer=False,
    ),
    pair(
        "a hash that counts", hashes, hashes, lambda: State(x=0, table=collections.defaultdict(int)), {1, 2}
    ),
]
