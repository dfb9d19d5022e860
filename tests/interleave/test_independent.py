"""The same programs asked in other ways: by brute force, by frontrun, and random ones by counting."""

import random
import sys
import threading
from collections import Counter
from types import SimpleNamespace

import peer
import pytest
from brute import every_order
from programs import Program, collect
from test_programs import answer, run

from factory_lib.interleave import explore

PROGRAMS = collect()


@pytest.mark.parametrize("program", [p for p in PROGRAMS if p.models], ids=str)
def test_brute_force_over_a_model_finds_the_same_outcomes(program: Program) -> None:
    assert set(every_order(program.models, program.setup, program.see)) == program.outcomes


@pytest.mark.parametrize(
    "program",
    [p for p in PROGRAMS if p.verdict != "inconclusive" and not p.options.get("reduction")],
    ids=str,
)
def test_sleep_sets_find_the_same_outcomes_in_no_more_orders(program: Program) -> None:
    without, outcomes = answer(program.name)
    reduced, fewer = run(program, reduction="sleep-sets")

    assert (reduced.verdict, fewer) == (without.verdict, outcomes)
    assert reduced.schedules <= without.schedules


if sys.platform == "linux":  # frontrun has no wheels elsewhere

    @pytest.fixture(scope="module")
    def peers_answers() -> dict[str, set]:
        return peer.ask_all()

    @pytest.mark.parametrize("program", peer.comparable(), ids=str)
    def test_frontrun_finds_the_same_outcomes(program: Program, peers_answers: dict[str, set]) -> None:
        assert peers_answers[program.name] == program.outcomes


# Random straight-line programs: a list of (operation, place), locks taken in pairs and in one order.


def straight_line(chance: random.Random, locks: bool) -> list[tuple[str, str]]:
    lines = [(chance.choice(["read", "write"]), chance.choice("xy")) for _ in range(chance.randrange(1, 4))]
    if locks:
        start = chance.randrange(len(lines) + 1)
        end = chance.randrange(start, len(lines) + 1)
        name = chance.choice("pq")
        lines = [*lines[:start], ("acquire", name), *lines[start:end], ("release", name), *lines[end:]]
        if chance.random() < 0.5:
            other = "q" if name == "p" else "p"
            lines = [("acquire", other), *lines, ("release", other)]
    return lines


def as_function(lines: list[tuple[str, str]], number: int):
    """Write the lines out as Python, since that is what is to be followed."""
    words = {
        "read": "    seen = s.{0}",
        "write": "    s.{0} = seen * 3 + {1}",
        "acquire": "    s.{0}.acquire()",
        "release": "    s.{0}.release()",
    }
    text = "\n".join(words[verb].format(place, number) for verb, place in lines)
    space: dict = {}
    exec(f"def worker(s):\n    seen = 0\n{text}\n", space)
    return space["worker"]


def as_model(lines: list[tuple[str, str]], number: int):
    def model(s):
        seen = 0
        for verb, place in lines:
            if verb == "acquire":
                yield lambda place=place: not getattr(s, place).locked()
                getattr(s, place).acquire(False)
            else:
                yield
                if verb == "release":
                    getattr(s, place).release()
                elif verb == "read":
                    seen = getattr(s, place)
                else:
                    setattr(s, place, seen * 3 + number)

    return model


def state():
    return SimpleNamespace(x=0, y=0, p=threading.Lock(), q=threading.Lock())


def see(s) -> tuple[int, int]:
    return s.x, s.y


@pytest.mark.parametrize("seed", range(60))
def test_a_random_program_ends_as_its_model_does(seed: int) -> None:
    chance = random.Random(seed)
    with_locks = seed % 2 == 1
    programs = [
        straight_line(chance, with_locks) for _ in range(3 if seed % 5 == 0 and not with_locks else 2)
    ]
    written = {place for lines in programs for verb, place in lines if verb == "write"}
    programs = [[line for line in lines if line[0] != "read" or line[1] in written] for lines in programs]
    expected = every_order([as_model(lines, n + 1) for n, lines in enumerate(programs)], state, see)
    found: Counter = Counter()

    def invariant(s) -> bool:
        found[see(s)] += 1
        return True

    workers = [as_function(lines, n + 1) for n, lines in enumerate(programs)]
    result = explore(*workers, setup=state, invariant=invariant)

    deadlocks = sum(count for outcome, count in result.outcomes.items() if "deadlock of" in outcome)
    # The number of orders is the model's, and without locks that is the multinomial.
    assert found + Counter({"deadlock": deadlocks}) == expected
    assert result.verdict == ("deadlock" if deadlocks else "holds")
    reduced: Counter = Counter()
    sleepy = explore(
        *workers,
        setup=state,
        invariant=lambda s: bool(reduced.update([see(s)])) or True,
        reduction="sleep-sets",
    )
    assert (set(reduced), sleepy.verdict) == (set(found), result.verdict)
    assert sleepy.schedules <= result.schedules


def test_half_the_orders_or_more_are_saved_where_threads_touch_different_things() -> None:
    def x(s):
        s.x = s.x + 1

    def y(s):
        s.y = s.y + 1

    full = explore(x, y, x, setup=state)
    reduced = explore(x, y, x, setup=state, reduction="sleep-sets")

    assert set(full.outcomes) == set(reduced.outcomes)
    assert 2 * reduced.schedules <= full.schedules
