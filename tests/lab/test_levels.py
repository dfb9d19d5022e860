"""The race lab's levels: each can be lost, be won by playing, and be read."""

import pytest

from factory_lib import FactoryError
from factory_lib.lab import level
from factory_lib.lab.content import level_names


@pytest.mark.parametrize("name", level_names())
def test_some_order_breaks_it_and_some_order_does_not(name: str) -> None:
    result = level(name).explore()

    assert result.exhausted
    assert result.verdict in ("violated", "deadlock")
    assert set(result.bad) < set(result.outcomes)


@pytest.mark.parametrize("name", level_names())
def test_the_shortest_order_that_breaks_it_wins_the_game(name: str) -> None:
    found = level(name).explore().counterexample
    assert found is not None
    game = level(name).play()

    for thread in found.order:
        assert not game.won
        game.step(thread)

    assert game.won
    assert game.schedule.outcome == found.outcome


@pytest.mark.parametrize("name", level_names())
def test_it_shows_its_story_and_the_code_of_its_state_and_workers(name: str) -> None:
    one = level(name)

    # A notebook stores the one, print shows the other.
    for text in (repr(one), str(one)):
        assert text.startswith(one.story)
        assert f"class {one.setup.__name__}:" in text
        assert text.count("def ") >= 2
        assert "LEVEL" not in text
    assert one.story.split(".")[0][:20] in one._repr_html_()


def test_other_workers_are_tried_on_the_same_state() -> None:
    def nobody(belt: object) -> None:
        pass

    result = level("count").explore(nobody, nobody)

    assert dict(result.outcomes) == {"count=0": 1}


def test_a_level_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(FactoryError, match="There is no level 'cuont'. Name one of accounts, count, "):
        level("cuont")
