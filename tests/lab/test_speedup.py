"""The chart of what more workers bring: each curve to be told without its colour, and all of it in words."""

from typing import Any

import pytest

from factory_lib.lab import speedup

CURVES = {"measured": {1: 1.0, 2: 1.76, 8: 1.8}, "computed": {8: 4.7, 1: 1.0}}


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return what is given to `chart`: figure and alt text."""
    shown: list[Any] = []
    monkeypatch.setattr(speedup, "chart", lambda figure, alt: shown.extend((figure, alt)))
    return shown


def test_outside_a_notebook_the_curves_are_told_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    speedup.scaling(CURVES, cores=2)

    assert capsys.readouterr().out == (
        "How many times as fast more workers are. measured: 1 with 1, 1.76 with 2, 1.8 with 8. "
        "computed: 1 with 1, 4.7 with 8. There are 2 cores. "
        "The dashed line is in proportion: 2 with 2 workers, 8 with 8.\n"
    )


def test_curves_differ_in_mark_and_line_and_the_cores_are_marked(drawn: list[Any]) -> None:
    speedup.scaling(CURVES, cores=2)

    [axes] = drawn[0].axes
    lines = {line.get_label(): (line.get_marker(), line.get_linestyle()) for line in axes.lines}
    assert list(lines) == ["in proportion", "measured", "computed", "2 cores"]
    assert len(set(lines.values())) == 4
    assert {text.get_text() for text in axes.texts} == {"1.76", "1.8", "4.7"}


def test_cores_beyond_the_picture_are_only_told(drawn: list[Any]) -> None:
    speedup.scaling({"measured": {1: 1.0, 2: 1.9}}, cores=16)

    assert len(drawn[0].axes[0].lines) == 2
    assert "There are 16 cores." in drawn[1]


def test_what_is_in_proportion_leaves_the_picture_rather_than_making_the_rest_small(drawn: list[Any]) -> None:
    speedup.scaling({"measured": {1: 1.0, 32: 5.0}})

    assert drawn[0].axes[0].get_ylim() == (0, 8)


def test_nothing_to_draw_is_no_error(drawn: list[Any]) -> None:
    speedup.scaling({})

    assert drawn[1].startswith("How many times as fast more workers are.")
