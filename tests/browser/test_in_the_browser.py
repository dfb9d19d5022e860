"""What a learner does with mouse and keyboard in a lesson."""

from collections.abc import Callable, Iterator

import nbformat
import pytest
from browser import NOTEBOOKS, Lab, running_lab
from nbformat import NotebookNode

from factory_lib import MotionPreset

pytestmark = pytest.mark.timeout(300)

Lesson = Callable[..., NotebookNode]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture
def lesson(request: pytest.FixtureRequest) -> Lesson:
    """Read a lesson; cells that only measure, and that no later cell needs, stay in it with --slow."""

    def read(name: str, only_measuring: str) -> NotebookNode:
        notebook: NotebookNode = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
        assert set(only_measuring.split()) <= {cell.id for cell in notebook.cells}
        if not request.config.getoption("slow"):
            notebook.cells = [cell for cell in notebook.cells if cell.id not in only_measuring.split()]
        return notebook

    return read


def test_a_guess_is_noted_and_the_tuner_follows_its_sliders_and_saves(lab: Lab, lesson: Lesson) -> None:
    with lab.opened(lesson("01_motion_detect", "count-passing check-tune")) as notebook:
        notebook.run_all()

        guess = notebook.find("input[placeholder='your guess']")
        guess.fill("many")
        notebook.page.get_by_text("is not a number").wait_for(timeout=10_000)
        guess.fill("90")
        notebook.page.get_by_text("(noted: 90)").wait_for(timeout=10_000)
        notebook.run_cell('reveal("share"')
        notebook.page.get_by_text("you said 90 %, it was 17.5 %").wait_for(timeout=10_000)

        # After all cells have run: a later cell must not have taken what the tuner works with.
        cell = notebook.find(".jp-CodeCell", 'MotionTuner("conveyor.mp4"')
        chart, pictures = cell.locator("svg[role=img]"), cell.locator("img.widget-image")
        chart.wait_for(timeout=60_000)
        assert "26 detections: found 26, missed 0, false 0" in (chart.get_attribute("aria-label") or "")
        before = [picture.get_attribute("src") for picture in pictures.all()]
        assert len(before) == 4

        # The threshold to its end: nothing is bright. What the pass over the clip knows is there at once.
        threshold = cell.locator(".widget-hslider", has_text="threshold")
        threshold.locator("[role=slider]").focus()
        notebook.page.keyboard.press("End")
        cell.get_by_text("0 detections: found 0, missed 26, false 0").wait_for(timeout=20_000)
        cell.locator("svg[role=img][aria-label*='missed 26']").wait_for(timeout=20_000)
        after = [picture.get_attribute("src") for picture in pictures.all()]
        assert sum(new != old for new, old in zip(after, before, strict=True)) >= 1

        # Another ROI: the clip is looked at again, behind the page's back.
        cell.locator(".widget-hslider", has_text="roi y").locator("[role=slider]").last.focus()
        notebook.page.keyboard.press("ArrowLeft")
        cell.get_by_text("The whole clip is being looked at").wait_for(timeout=20_000)
        chart.wait_for(timeout=60_000)

        cell.get_by_role("button", name="Save").click()
        cell.get_by_text("Saved as [default] in").wait_for(timeout=20_000)
        saved = MotionPreset.load(notebook.folder / "motion.cfg")
        assert saved == MotionPreset(threshold=255, roi_bottom_right=(212, 89))


def test_run_all_in_a_lesson_with_blanks_goes_to_its_end_and_says_what_is_left(
    lab: Lab, lesson: Lesson
) -> None:
    measuring = "run-daemon run-many run-done run-consumers by-hand download run-depth"
    with lab.opened(lesson("04_multithread", measuring)) as notebook:
        notebook.run_all()

        for exercise in ("04-threads", "04-backpressure"):
            cell = notebook.find(".jp-CodeCell", f'check("{exercise}"')
            assert "Not yet. Nothing is there yet" in (cell.text_content() or "")
        notebook.find("h2", "Remember")


def test_who_plays_the_scheduler_can_lose_a_count_and_run_all_goes_to_the_end(
    lab: Lab, lesson: Lesson
) -> None:
    with lab.opened(lesson("05_race_condition", "reveal-three run-price")) as notebook:
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
