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


def test_who_plays_the_scheduler_can_lose_a_count_and_run_all_goes_to_the_end(tmp_path: Path) -> None:
    with opened("05_race_condition.ipynb", tmp_path) as notebook:
        notebook.run_all()

        notebook.find("h2", "Remember")
        cell = notebook.find(".jp-CodeCell", "play(decrease, increase")
        cell.get_by_text("Choose who goes on.").wait_for(timeout=10_000)
        for number, thread in enumerate("ABBBAA", start=1):
            cell.locator("button", has_text=f"{thread} goes on").click()
            cell.get_by_text(f"step {number}").first.wait_for(timeout=10_000)
        cell.get_by_text("You broke it").first.wait_for(timeout=10_000)
        assert "loses the other's write" in (cell.text_content() or "")
        cell.locator("button", has_text="undo").click()
        cell.locator("button", has_text="A goes on").wait_for(timeout=10_000)

        answer = notebook.find(".jp-CodeCell", 'check("05-break"')
        assert "Not yet. Give an order" in (answer.text_content() or "")
