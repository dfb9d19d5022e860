"""What chance finds by switching between any two instructions, the engine has found too."""

import collections
import copy
import random
import re
from types import SimpleNamespace
from typing import Any

import chance
import pytest

from factory_lib.interleave import explore

FILE = "<program>"
ROUNDS = 8


class Part:
    def __init__(self) -> None:
        self.number = 0

    @property
    def double(self) -> int:
        return self.number * 2

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Part) and self.number == other.number

    def __repr__(self) -> str:
        return f"Part {self.number}"


class Shop:
    total = 0

    def __init__(self) -> None:
        self.x, self.y, self.seen, self.parts, self.table = 0, 0, [], [1, 2], {"a": 1}
        self.nested, self.part, self.set = {"k": [0]}, Part(), {1}
        self.counter, self.line = collections.Counter(a=1), collections.deque([1], maxlen=3)
        self.bag, self.both = SimpleNamespace(v=0), (self.parts, self.table)
        self.lists = collections.defaultdict(list)
        Shop.total = 0

    def __len__(self) -> int:
        return len(self.parts)

    def __contains__(self, key: object) -> bool:
        return key in self.table

    def __getitem__(self, place: int) -> int:
        return self.parts[place]


HELPERS = """
def how_many(*parts): return len(parts)
def names(**values): return sorted(values)
def more():
    global number
    number += 1
class Busy:
    def __init__(self, s): self.s = s
    def __enter__(self): self.s.y = 1
    def __exit__(self, *error): self.s.y = 0
"""
# Each paragraph is one.
STATEMENTS = """
s.x += 1

s.x = s.x + len(s.parts)

s.parts.append(s.x)

s.parts.append(len(s.parts))

s.y = sum(s.parts) + max(s.parts, default=0)

s.table['b'] = len(s.table)

s.table['a'] += 1

s.table.pop('a', None)

s.table.update(a=s.x)

s.y = 'a' in s.table

s.y = s.table.get('a')

s.seen.append(str(s.nested))

s.nested['k'].append(s.x)

s.seen.append(f"{s.bag}")

s.bag.v += 1

s.seen.append(repr(s.part))

s.part.number += 1

s.y = s.part.double

s.y = s.part == Part()

s.set.add(s.x)

s.counter['a'] += 1

s.line.append(s.x)

s.y = list(s.line)

s.seen.append([part for part in s.parts])

s.seen.append({key: value for key, value in s.table.items()})

s.y = s.parts == [1, 2]

s.y = s.nested == {'k': [0]}

s.y = [0] in s.nested.values()

s.parts.reverse()

s.parts[0], s.parts[-1] = s.parts[-1], s.parts[0]

s.parts[:] = s.parts[1:]

s.parts += [s.x]

del s.parts[0]

s.x, s.y = s.y, s.x

s.y = how_many(*s.parts)

s.y = names(**s.table)

s.y = len(s.both[0])

s.both[0].append(5)

s.y = list(zip(s.parts, s.line))

s.y = list(map(str, s.parts))

s.y = any(part > 1 for part in s.parts)

s.lists['k'].append(s.x)

s.y = s.lists['m']

s.y = len(s), 'b' in s, s[0]

Shop.total += 1

s.y = s.total

s.y = getattr(s, 'x') + 1

setattr(s, 'x', s.x + 2)

s.y = hasattr(s, 'new')

s.new = 1

s.y = '%s' % s.parts

s.y = '{}'.format(s.nested)

s.y = not s.parts

first, *rest = s.parts; s.y = rest

s.y = [*s.parts, *s.line]

s.y = {**s.table, 'z': 1}

s.y = s.table.keys() & {'a', 'b'}

s.y = s.table.popitem()

s.y = min(s.table, key=s.table.get)

s.y = (old := s.x) + 1

s.y = (lambda: s.x + 1)()

more()

s.y = number

if s.parts:
    s.parts.pop()

if s.x < 1:
    s.x += 1

for part in s.parts:
    s.x += part

for key in s.table:
    s.y = key

while len(s.parts) > 1:
    s.parts.pop()

try:
    s.parts.remove(2)
except ValueError:
    s.x = -1

try:
    s.x += 1
finally:
    s.y = s.x

match s.parts:
    case [one, two]:
        s.y = one
    case [one, *others]:
        s.y = others

match s.table:
    case {'a': value, **others}:
        s.y = (value, others)

match s.part:
    case Part(number=0):
        s.y = 'new'

def values():
    yield s.x
    yield len(s.parts)
s.y = list(values())

with Busy(s):
    s.x += 1

if 'b' not in s.table:
    s.table['b'] = 0
    s.x += 1

mine = copy.copy(s.parts)
s.y = len(mine)
"""


ALL = STATEMENTS.strip().split("\n\n")
CHANGES = [each for each in ALL if any(mark in each for mark in (".append(", "+= 1", "b'] =", "del "))]


def as_worker(found: list[str], space: dict[str, Any]) -> Any:
    lines = ["def worker(s):", *(f"    {line}" for statement in found for line in statement.split("\n"))]
    exec(compile("\n".join(lines), FILE, "exec"), space)
    return space.pop("worker")


def see(s: Shop, space: dict[str, Any]) -> str:
    return (
        f"{ {name: value for name, value in vars(s).items() if name != 'both'} } {s.total} {space['number']}"
    )


@pytest.mark.parametrize("number", range(len(ALL)))
def test_what_chance_finds_was_found(number: int) -> None:
    chooses = random.Random(number)
    for change in chooses.sample(CHANGES, 3):
        space: dict[str, Any] = {"Part": Part, "Shop": Shop, "copy": copy, "number": 0}
        exec(compile(HELPERS, FILE, "exec"), space)
        workers = [as_worker([each], space) for each in (ALL[number], change)]
        ends, errors = set(), set()
        result = explore(*workers, setup=Shop, invariant=lambda s: bool(ends.add(see(s, space))) or True)
        for outcome in result.outcomes:
            errors.add("; ".join(": ".join(each) for each in re.findall(r"(?:^|; )([AB]): (\w+)", outcome)))
        if result.verdict == "inconclusive":
            assert "not modelled" in result.reason
            continue
        for _ in range(ROUNDS):
            space["number"] = 0
            state = Shop()
            raised = chance.run(workers, state, chooses, chooses.choice([0.05, 0.2, 0.5]), {FILE, __file__})
            assert raised in errors
            assert raised or see(state, space) in ends
