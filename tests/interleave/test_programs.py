"""No wrong verdict, on programs of which the truth is known."""

import functools
import json
import re

import pytest
from freeze import FROZEN, frozen
from programs import Program, collect

from factory_lib.interleave import Result, explore, replay

ALWAYS = json.loads(FROZEN.read_text(encoding="utf-8"))


@functools.cache  # the identical result comes each time, as test_search says: once is enough
def answer(name: str) -> tuple[Result, set]:
    return run(next(program for program in collect() if program.name == name))


def run(program: Program, **options) -> tuple[Result, set]:
    seen: set = set()

    def invariant(*state) -> bool:
        seen.add(program.see(*state))
        return program.invariant is None or program.invariant(*state)

    result = explore(
        *program.workers, setup=program.setup, invariant=invariant, **{**program.options, **options}
    )
    for outcome in result.outcomes:
        if "deadlock of" in outcome:
            seen.add("deadlock")
        elif "endless loop of" not in outcome:
            seen.update(re.findall(r"(?:^|; )[A-Z]: (\w+)", outcome))
    return result, seen


@pytest.mark.parametrize("program", collect(), ids=str)
def test_verdict_and_outcomes_are_those_that_are_known(program: Program) -> None:
    result, seen = answer(program.name)

    assert (result.verdict, seen) == (program.verdict, program.outcomes), str(result)
    assert sum(result.outcomes.values()) == result.schedules


@pytest.mark.parametrize("program", collect(), ids=str)
def test_the_engine_answers_as_it_always_has(program: Program) -> None:
    assert frozen(answer(program.name)[0]) == ALWAYS.get(program.name)


def test_nothing_is_frozen_of_which_there_is_no_program() -> None:
    assert sorted(ALWAYS) == sorted(program.name for program in collect())


@pytest.mark.parametrize("program", collect(), ids=str)
def test_every_order_that_is_shown_can_be_repeated(program: Program) -> None:
    result, _ = answer(program.name)

    for schedule in result.examples.values():
        assert replay(schedule, *program.workers, setup=program.setup).order == schedule.order
