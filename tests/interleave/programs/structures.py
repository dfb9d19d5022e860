"""Look first, act then: containers, initialisation, half-made objects."""

import collections

from . import Program, State


def pop_if_any(s):
    if s:
        s.pop()


def pop_if_any_model(s):
    yield
    if s:
        yield
        s.pop()


def pop_if_len(s):
    if len(s) > 0:
        s.pop()


def pop_or_not(s):
    try:
        s.pop()
    except IndexError:
        pass


def add_if_new(s):
    if "part" not in s:
        s.append("part")


def add_if_new_model(s):
    yield
    if "part" not in s:
        yield
        s.append("part")


def key_if_new(s):
    if "k" not in s.table:
        s.table["k"] = object()
        s.made += 1


def setdefault(s):
    s.setdefault("k", 1)


def append(s):
    s.append(len(s))


def append_model(s):
    yield
    seen = len(s)
    yield
    s.append(seen)


def append_only(s):
    s.append(1)


def popleft(s):
    while s:
        s.popleft()


def remove_all(s):
    for part in s:
        s.remove(part)


def withdraw(s):
    if s.x >= 100:
        s.x -= 100


def withdraw_model(s):
    yield
    if s.x >= 100:
        yield
        seen = s.x
        yield
        s.x = seen - 100


class Once:
    def __init__(self):
        self.x = None
        self.made = 0


def lazily(s):
    if s.x is None:
        s.made += 1
        s.x = "tool"


class Tool:
    def __init__(self):
        self.ready = False


def publish_early(s):
    tool = s.tool = Tool()
    tool.ready = True


def publish_late(s):
    tool = Tool()
    tool.ready = True
    s.tool = tool


def use(s):
    tool = s.tool
    s.seen = None if tool is None else tool.ready


def transfer(s):
    s.a -= 1
    s.b += 1


def audit(s):
    s.sum = s.a + s.b


def transfer_model(s):
    yield
    seen = s.a
    yield
    s.a = seen - 1
    yield
    seen = s.b
    yield
    s.b = seen + 1


def audit_model(s):
    yield
    seen = s.a
    yield
    seen += s.b
    yield
    s.sum = seen


def swap_model(s):
    yield
    right = s[1]
    yield
    left = s[0]
    yield
    s[0] = right
    yield
    s[1] = left


def swap(s):
    s[0], s[1] = s[1], s[0]


def grow_in_loop(s):
    for key in s:
        s[key] = s[key] + 1


def new_key(s):
    s["new"] = 0


def rising(s):
    s.x = 1
    s.y = 1


def look_back(s):
    y = s.y
    s.seen = (s.x, y)


def two_flags_a(s):
    s.a = True
    if not s.b:
        s.inside += 1


def two_flags_b(s):
    s.b = True
    if not s.a:
        s.inside += 1


def flags():
    return State(a=False, b=False, inside=0)


def extend(s):
    s += [1, 2]


def local_only(s):
    mine = []
    for number in range(3):
        mine.append(number)
    s.x = len(mine)


def attribute_of_item(s):
    s[0].x += 1


def nothing(s):
    return len(s)


TOOLS = [pop_if_any, pop_if_len]
PROGRAMS = [
    Program(
        "pop if any",
        (pop_if_any,) * 2,
        "violated",
        {0, "IndexError"},
        lambda: [1],
        see=len,
        models=(pop_if_any_model,) * 2,
    ),
    Program("pop if long", (pop_if_len,) * 2, "violated", {0, "IndexError"}, lambda: [1], see=len),
    Program(
        "pop, three on two",
        (pop_if_any,) * 3,
        "violated",
        {0, "IndexError"},
        lambda: [1, 2],
        see=len,
        models=(pop_if_any_model,) * 3,
    ),
    Program("pop and forgive", (pop_or_not,) * 2, "holds", {0}, lambda: [1], see=len),
    Program(
        "add if new",
        (add_if_new,) * 2,
        "violated",
        {1, 2},
        list,
        lambda s: len(s) == 1,
        len,
        (add_if_new_model,) * 2,
        peer=False,
    ),
    Program(
        "key if new",
        (key_if_new,) * 2,
        "holds",
        {1, 2},
        lambda: State(table={}, made=0),
        see=lambda s: s.made,
        peer=False,
    ),
    Program("setdefault", (setdefault,) * 2, "holds", {1}, dict, see=lambda s: s["k"]),
    Program(
        "append what len says",
        (append,) * 2,
        "holds",
        {(0, 0), (0, 1)},
        list,
        see=tuple,
        models=(append_model,) * 2,
    ),
    Program("append alone", (append_only,) * 2, "holds", {2}, list, lambda s: len(s) == 2, see=len),
    Program(
        "drain a deque",
        (popleft,) * 2,
        "violated",
        {0, "IndexError"},
        lambda: collections.deque([1, 2]),
        see=len,
    ),
    Program(
        "remove while going through",
        (remove_all, append_only),
        "holds",
        {(2,), (2, 1)},
        lambda: [1, 2],
        see=tuple,
        peer=False,
    ),
    Program(
        "withdraw",
        (withdraw,) * 2,
        "violated",
        {0, -100},
        lambda: State(x=100),
        lambda s: s.x >= 0,
        models=(withdraw_model,) * 2,
    ),
    Program(
        "withdraw, three",
        (withdraw,) * 3,
        "violated",
        {100, 0, -100},
        lambda: State(x=200),
        lambda s: s.x >= 0,
        models=(withdraw_model,) * 3,
        peer=False,
    ),
    Program("made lazily", (lazily,) * 2, "violated", {1, 2}, Once, lambda s: s.made == 1, lambda s: s.made),
    Program(
        "published half made",
        (publish_early, use),
        "violated",
        {None, True, False},
        lambda: State(tool=None, seen=0),
        lambda s: s.seen is not False,
        lambda s: s.seen,
    ),
    Program(
        "published whole",
        (publish_late, use),
        "holds",
        {None, True},
        lambda: State(tool=None, seen=0),
        lambda s: s.seen is not False,
        lambda s: s.seen,
    ),
    Program(
        "a sum in the middle",
        (transfer, audit),
        "violated",
        {1, 2, 3},
        lambda: State(a=1, b=1, sum=0),
        lambda s: s.sum == 2,
        lambda s: s.sum,
        (transfer_model, audit_model),
    ),
    Program(
        "swap",
        (swap,) * 2,
        "holds",
        {(1, 2), (2, 2), (2, 1)},
        lambda: [1, 2],
        see=tuple,
        models=(swap_model,) * 2,
    ),
    Program(
        "a new key while going through",
        (grow_in_loop, new_key),
        "violated",
        {2, "RuntimeError"},
        lambda: {"a": 0},
        see=len,
        peer=False,
    ),
    Program(
        "one after the other",
        (rising, look_back),
        "holds",
        {(0, 0), (1, 0), (1, 1)},
        lambda: State(x=0, y=0, seen=None),
        lambda s: s.seen != (0, 1),
        lambda s: s.seen,
    ),
    Program(
        "two flags",
        (two_flags_a, two_flags_b),
        "holds",
        {0, 1},
        flags,
        lambda s: s.inside < 2,
        lambda s: s.inside,
    ),
    Program("extend in place", (extend,) * 2, "holds", {4}, list, see=len),
    Program("a list of one's own", (local_only,) * 2, "holds", {3}, lambda: State(x=0), lambda s: s.x == 3),
    Program(
        "attribute of an item",
        (attribute_of_item,) * 2,
        "holds",
        {1, 2},
        lambda: [State(x=0)],
        see=lambda s: s[0].x,
        peer=False,
    ),
    Program("only reading", (nothing,) * 2, "holds", {1}, lambda: [1], see=len),
]
