"""An update is lost: in every kind of place that threads can share."""

import collections
import functools
import sys
from types import SimpleNamespace

from . import Program, State

NUMBER = 0
PARTS = {"seen": 0}
HERE = sys.modules[__name__]


def one():
    return State(x=0)


def plus_model(s):
    yield
    seen = s.x
    yield
    s.x = seen + 1


def with_global():
    global NUMBER
    NUMBER = NUMBER + 1


def with_global_inplace():
    global NUMBER
    NUMBER += 1


def with_global_item():
    PARTS["seen"] += 1


def with_module_attribute():
    HERE.NUMBER = HERE.NUMBER + 1


def closure():
    count = 0

    def more():
        nonlocal count
        count += 1

    return more, lambda: count


MORE, COUNTED = closure()


def attribute(s):
    s.x += 1


class Slotted:
    __slots__ = ("x",)

    def __init__(self):
        self.x = 0

    def more(self):
        self.x += 1


class Guarded:
    def __init__(self):
        self._x = 0

    @property
    def x(self):
        return self._x

    @x.setter
    def x(self, value):
        self._x = value


class Counted:
    total = 0

    def __init__(self):
        self.x = 0


def class_attribute(s):
    Counted.total += 1


def through_instance(s):
    type(s).total = s.total + 1


def by_setattr(s):
    setattr(s, "x", getattr(s, "x") + 1)


def item(s):
    s[0] += 1


def last_item(s):
    s[-1] = s[-1] + 1


def key(s):
    s["x"] += 1


def get_and_update(s):
    s.update(x=s.get("x", 0) + 1)


def default_key(s):
    s["x"] += 1


def slices(s):
    s[0:1] = [s[0:1][0] + 1]


def text(s):
    s.x = s.x + "a"


def add_to(s, amount):
    s.x += amount


def helper(s):
    s.x = value_of(s) + 1


def value_of(s):
    return s.x


def by_generator(s):
    def values():
        yield s.x

    for value in values():
        s.x = value + 1


def by_comprehension(s):
    s.x = [value + 1 for value in [s.x]][0]


def by_lambda(s):
    more = lambda value: value + s.x  # noqa: E731
    s.x = more(1)


def as_key(s):
    found = sorted([s], key=lambda each: each.x)
    found[0].x += 1


def twice(s):
    for _ in range(2):
        s.x += 1


def thrice(s):
    for _ in range(3):
        s.x += 1


def times_model(number):
    def model(s):
        for _ in range(number):
            yield from plus_model(s)

    return model


def total(s):
    s.x = sum(s.parts) + 1
    s.parts[0] = s.x


def total_model(s):
    yield
    seen = sum(s.parts)
    yield
    s.x = seen + 1
    yield
    seen = s.x
    yield
    s.parts[0] = seen


def number():
    return NUMBER


def two(name, worker, setup=one, **more):
    more.setdefault("models", (plus_model,) * 2)
    return Program(name, (worker,) * 2, "holds", {1, 2}, setup, **more)


ALONE = {"setup": None, "models": (), "peer": False}
PROGRAMS = [
    two("global", with_global, see=number, **ALONE),
    two("global in place", with_global_inplace, see=number, **ALONE),
    two("item of a global", with_global_item, see=lambda: PARTS["seen"], **ALONE),
    two("attribute of a module", with_module_attribute, see=number, **ALONE),
    two("closure", MORE, see=COUNTED, **ALONE),
    two("attribute", attribute),
    two("slot", Slotted.more, Slotted),
    two("property", attribute, Guarded),
    two("attribute of a class", class_attribute, Counted, see=lambda s: Counted.total, models=(), peer=False),
    two("class through instance", through_instance, Counted, see=lambda s: s.total, models=(), peer=False),
    two("setattr", by_setattr),
    two("item of a list", item, lambda: [0], see=lambda s: s[0], models=()),
    two("last item", last_item, lambda: [5, 0], see=lambda s: s[1], models=()),
    two("item of a dict", key, lambda: {"x": 0}, see=lambda s: s["x"], models=()),
    two("get and update", get_and_update, dict, see=lambda s: s["x"], models=()),
    two("defaultdict", default_key, lambda: collections.defaultdict(int), see=lambda s: s["x"], models=()),
    two("slice", slices, lambda: [0], see=lambda s: s[0], models=()),
    two("text", text, lambda: SimpleNamespace(x=""), see=lambda s: len(s.x), models=()),
    two("partial", functools.partial(add_to, amount=1)),
    two("helper", helper),
    two("generator", by_generator),
    two("comprehension", by_comprehension),
    two("lambda", by_lambda),
    Program(
        "read, then add to what is there",
        (as_key,) * 2,
        "holds",
        {1, 2},
        one,
        models=(plus_model,) * 2,
        peer=False,
    ),
    Program("2 x 2", (twice,) * 2, "holds", {2, 3, 4}, one, models=(times_model(2),) * 2),
    Program("3 x 1", (attribute,) * 3, "holds", {1, 2, 3}, one, models=(plus_model,) * 3),
    # frontrun needs up to 40 s for these 924 orders; it is asked about 2 x 2.
    Program("2 x 3", (thrice,) * 2, "holds", {2, 3, 4, 5, 6}, one, models=(times_model(3),) * 2, peer=False),
    Program("2 x 3, in steps", (twice, attribute), "holds", {1, 2, 3}, one, options={"granularity": "step"}),
    Program(
        "few preemptions miss the least",
        (thrice,) * 2,
        "inconclusive",
        {3, 4, 5, 6},
        one,
        options={"max_preemptions": 3},
        peer=False,
    ),
    Program(
        "the invariant names it",
        (attribute,) * 2,
        "violated",
        {1, 2},
        one,
        lambda s: s.x == 2,
        models=(plus_model,) * 2,
    ),
    Program(
        "sum of a list",
        (total,) * 2,
        "holds",
        {(1, 1), (2, 2)},
        lambda: State(x=0, parts=[0]),
        see=lambda s: (s.x, s.parts[0]),
        models=(total_model,) * 2,
    ),
    Program(
        "different things",
        (attribute, lambda s: setattr(s, "y", s.y + 1)),
        "holds",
        {(1, 1)},
        lambda: State(x=0, y=0),
        lambda s: s.x == s.y == 1,
        see=lambda s: (s.x, s.y),
    ),
]
