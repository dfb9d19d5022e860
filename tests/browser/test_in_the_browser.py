"""What a learner does with mouse and keyboard in a lesson."""

from pathlib import Path

import pytest
from browser import opened

pytestmark = pytest.mark.timeout(300)


def test_a_guess_is_noted_and_stands_beside_the_measurement_and_the_slider_changes_its_picture(
    tmp_path: Path,
) -> None:
    with opened("01_motion_detect.ipynb", tmp_path) as notebook:
        notebook.run_all()

        guess = notebook.find("input[placeholder='your guess']")
        guess.fill("many")
        notebook.page.get_by_text("is not a number").wait_for(timeout=10_000)
        guess.fill("90")
        notebook.page.get_by_text("(noted: 90)").wait_for(timeout=10_000)
        notebook.run_cell('reveal("share"')
        notebook.page.get_by_text("you said 90 %, it was 17.5 %").wait_for(timeout=10_000)

        # After all cells have run: a later cell must not have taken what the slider works with.
        slider = notebook.find("[role=slider]")
        picture = notebook.page.locator(".jp-OutputArea img[src^=blob]").first
        before = picture.screenshot()
        slider.focus()
        for _ in range(8):
            notebook.page.keyboard.press("PageUp")
        notebook.page.wait_for_function(
            "() => document.querySelector('.widget-readout').textContent !== '127'"
        )
        notebook.page.wait_for_timeout(1000)
        assert picture.screenshot() != before


def test_run_all_in_a_lesson_with_blanks_goes_to_its_end_and_says_what_is_left(tmp_path: Path) -> None:
    with opened("04_multithread.ipynb", tmp_path) as notebook:
        notebook.run_all()

        for exercise in ("04-threads", "04-backpressure"):
            cell = notebook.find(".jp-CodeCell", f'check("{exercise}"')
            assert "Not yet. Nothing is there yet" in (cell.text_content() or "")
        notebook.find("h2", "Remember")
