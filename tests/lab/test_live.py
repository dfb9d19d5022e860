"""The live view without a page: as a display, as a factory in a thread, and how both end."""

import itertools
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
import pytest
from conftest import MakeClip, colour, wait_until

from factory_lib import Camera, FactoryController, MotionDetector, MotionPreset, open_video, run_factory
from factory_lib.errors import DisplayError, FactoryError
from factory_lib.lab import LiveView, live, sender
from factory_lib.lab.gauges import LINE, PAST, WIDTH, Gauges
from factory_lib.report import CameraReport
from factory_lib.resources import resource_path
from factory_lib.video import Frame, VideoSource


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


def told(view: LiveView) -> dict[str, list[str]]:
    """Read the counts from the view's text."""
    return {cells[0]: cells[1:] for cells in map(str.split, str(view).splitlines()) if len(cells) == 5}


def frames(count: int = sys.maxsize) -> Iterator[Frame]:
    picture = colour(40, 40, 40, (240, 240))
    return (Frame(picture, index, index / 30) for index in itertools.islice(itertools.count(), count))


def factory_of(*sources: Any) -> Callable[[LiveView], Any]:
    """Make a factory with a camera for each source, as a learner would."""

    def factory(view: LiveView) -> Any:
        events: queue.Queue[Any] = queue.Queue(8)
        cameras = [
            Camera(f"Cam{number}", source, MotionDetector(MotionPreset()))
            for number, source in enumerate(sources, 1)
        ]
        with FactoryController() as controller:
            view.look_at(cameras, controller, events)
            return run_factory(cameras, controller, view, events=events)

    return factory


@pytest.fixture
def endless(make_clip: MakeClip) -> Iterator[list[VideoSource]]:
    sources = [open_video(make_clip(f"{n}.mp4", size=(240, 240)), pace=1, loop=True) for n in (1, 2)]
    yield sources
    for source in sources:
        source.close()


# A factory in a thread


def test_the_two_clips_run_in_the_background_and_the_counts_agree_with_the_report(
    capsys: pytest.CaptureFixture[str],
) -> None:
    view = LiveView(pace=0)
    view.start()
    assert "factory_0" in threads()
    report = view.join(timeout=90)

    assert [len(one.detections) for one in report.cameras.values()] == [26, 26]
    assert told(view) == {
        "camera": ["read", "shown", "dropped", "detected"],
        **{
            name: [f"{n:,}" for n in (one.read, one.delivered, one.dropped, len(one.detections))]
            for name, one in report.cameras.items()
        },
    }
    assert re.match(r"After \d+\.\d s: ended\.\n", str(view))
    assert re.search(r"^Queue: \d waiting now, \d at most, room for 8\.$", str(view), re.M)
    assert str(view).endswith(
        "Board: red off, orange off, green off, belt stands, actuator 1: 26 pushes, actuator 2: 26 pushes."
    )
    assert capsys.readouterr().out == f"{view}\n"


def test_stop_ends_it_and_it_can_be_started_again(endless: list[VideoSource]) -> None:
    view = LiveView(factory_of(*endless))
    view.start()
    assert wait_until(lambda: view._gauges.shown["Cam1", "live"] > 3)
    with pytest.raises(DisplayError, match=r"After 0 s the factory is still running\. Call stop\(\) first\."):
        view.join(timeout=0)
    view.start()  # it is running already: nothing happens
    view.stop()
    report = view.join(timeout=20)

    assert report.cameras["Cam1"].read > 3
    assert ": stopped.\n" in str(view)
    assert [source._capture for source in endless] == [None, None]
    assert wait_until(lambda: not {"LiveView", "factory_0"} & threads())

    view.start()  # its cameras are closed by now: they have no more frames
    assert view.join(timeout=20).cameras["Cam1"].read == 0
    assert told(view)["Cam1"] == ["?", "0", "?", "0"]


def test_started_again_it_forgets_what_the_run_before_had() -> None:
    factories = iter([factory_of(frames(5)), lambda view: 1 / 0])
    view = LiveView(lambda view: next(factories)(view))
    view.start()
    view.join(timeout=20)
    assert told(view)["Cam1"][0] == "5"
    view.start()
    with pytest.raises(ZeroDivisionError):
        view.join(timeout=20)

    assert list(told(view)) == ["camera"]


def test_stop_before_the_first_frame_is_not_lost() -> None:
    may_begin = threading.Event()

    def late(view: LiveView) -> Any:
        assert may_begin.wait(timeout=20)
        return factory_of(frames(), frames())(view)

    view = LiveView(late)
    view.start()
    view.stop()
    may_begin.set()

    assert view.join(timeout=20).seconds < 20
    assert ": stopped.\n" in str(view)


def test_a_camera_that_fails_at_frame_100_is_heard() -> None:
    def failing() -> Iterator[Frame]:
        yield from frames(100)
        raise OSError("the cable")

    view = LiveView(factory_of(frames(), failing()))
    view.start()
    with pytest.raises(OSError, match="the cable"):
        view.join(timeout=20)

    assert ": ended by an error. OSError: the cable.\n" in str(view)
    assert told(view)["Cam2"][0] == "100"


def test_a_missing_clip_is_a_sentence() -> None:
    view = LiveView(lambda view: open_video(resource_path("conveyor3.mp4")))
    view.start()
    with pytest.raises(FactoryError, match=r"There is no conveyor3\.mp4"):
        view.join(timeout=20)

    assert re.search(
        r": ended by an error\. There is no conveyor3\.mp4 in .*requirements\.txt' there\.\n", str(view)
    )


def test_after_so_many_seconds_it_stops() -> None:
    view = LiveView(factory_of(frames()), seconds=0.2)
    view.start()
    view.join(timeout=20)

    assert ": stopped, as seconds=0.2 says.\n" in str(view)


def test_a_second_view_stops_the_first_for_good(endless: list[VideoSource]) -> None:
    first, second = LiveView(factory_of(*endless)), LiveView(factory_of(frames()))
    first.start()
    assert wait_until(lambda: first._gauges.shown["Cam1", "live"] > 0)
    second.start()

    assert first.join(timeout=0).cameras["Cam1"].read > 0
    assert ": stopped, since a newer view began.\n" in str(first)
    assert [source._capture for source in endless] == [None, None]
    assert not first.poll()
    for use in (first.start, lambda: first.show("Cam1 live", colour(0, 0, 0))):
        with pytest.raises(DisplayError, match="A newer LiveView has taken this one's place"):
            use()
    assert second.poll()
    second.stop()
    second.join(timeout=20)


def test_a_loop_that_shows_on_though_it_was_stopped_ends_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sender, "PATIENCE", 0.1)

    def deaf(view: LiveView) -> None:
        while True:
            view.show("Cam1 live", colour(0, 0, 0))

    view = LiveView(deaf)
    view.start()
    view.stop()
    with pytest.raises(
        DisplayError, match=r"still shows pictures\. Let the loop end once view\.poll\(\) is False"
    ):
        view.join(timeout=20)


def test_a_loop_that_neither_asks_nor_shows_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "PATIENCE", 0.1)
    release = threading.Event()
    first, second = LiveView(lambda view: release.wait(timeout=20)), LiveView(factory_of(frames()))
    first.start()
    try:
        with pytest.raises(DisplayError, match="its main loop goes on though poll"):
            second.start()
        assert not first.poll()
    finally:
        release.set()
        first.join(timeout=20)


def test_its_speed_is_that_of_the_sources_it_was_told(endless: list[VideoSource]) -> None:
    view = LiveView(pace=2)
    cameras = [Camera("Cam1", endless[0], MotionDetector()), Camera("Cam2", [], MotionDetector())]
    view.look_at(cameras)
    view.pace = 0.5

    assert (view.pace, endless[0].pace, endless[1].pace) == (0.5, 0.5, 1.0)


# A display for somebody else's main loop


def test_a_main_loop_of_ones_own_uses_it_as_any_display(capsys: pytest.CaptureFixture[str]) -> None:
    cameras = [Camera(f"Cam{n}", frames(40), MotionDetector(MotionPreset())) for n in (1, 2)]
    view = LiveView()
    assert view.poll()
    view.look_at(cameras)
    with FactoryController() as controller:
        run_factory(cameras, controller, view, drop_live=False)
    view.close()
    view.close()

    assert told(view)["Cam2"] == ["40", "40", "0", "0"]
    assert "Queue: nobody told the view which.\nBoard: nobody told the view which." in str(view)
    assert capsys.readouterr().out == f"{view}\n"
    with pytest.raises(DisplayError, match="never started"):
        view.join(timeout=0)


def test_what_nobody_told_the_view_is_a_question_mark_and_titles_are_taken_as_they_are() -> None:
    view = LiveView()
    for title in ("Cam1 live", "Cam1 live", "Cam1 detected", "VIDEO:Cam2 live", "mask"):
        view.show(title, colour(0, 0, 0))
    view.close()

    assert told(view) == {
        "camera": ["read", "shown", "dropped", "detected"],
        "Cam1": ["?", "2", "?", "1"],
        "VIDEO:Cam2": ["?", "1", "?", "0"],
        "mask": ["?", "1", "?", "0"],
    }


def test_stop_makes_poll_false_until_the_next_use() -> None:
    view = LiveView()
    view.show("Cam1 live", colour(0, 0, 0))
    assert view.poll()
    view.stop()
    assert not view.poll()
    view.close()
    view.show("Cam1 live", colour(0, 0, 0))
    assert view.poll()
    view.close()

    assert told(view)["Cam1"] == ["?", "1", "?", "0"]


def test_a_main_loop_that_goes_away_without_a_word_leaves_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "IDLE", 0.1)
    view = LiveView()
    view.show("Cam1 live", colour(0, 0, 0))

    assert wait_until(lambda: "LiveView" not in threads())
    assert ": ended, since nothing was shown for 0.1 s.\n" in str(view)
    view.show("Cam1 live", colour(0, 0, 0))
    assert view.poll()
    view.close()


# What is refused


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LiveView([1]), r"LiveView was given a list, and it needs a function\. Write your main loop"),  # type: ignore[arg-type]
        (lambda: LiveView(fps=None), r"Without a cap \(fps=None\) the page falls behind.*seconds=5"),
        (lambda: LiveView(fps=None, seconds=31), "up to 30"),
        (lambda: LiveView(fps=0), "With fps=0 no picture is ever sent"),
        (lambda: LiveView().show("", "Cam1"), "What is to be shown as '' is no image, but str"),  # type: ignore[arg-type]
        (lambda: LiveView().show("Cam1 live", np.zeros((4, 4))), "no image, but ndarray"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_done_is_a_sentence(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(DisplayError, match=message):
        make()


# What is drawn


def test_the_queue_s_line_goes_from_empty_to_full() -> None:
    events: queue.Queue[int] = queue.Queue(4)
    gauges = Gauges()
    gauges.look_at((), None, events)
    gauges.sample(0.0)
    gauges.sample(PAST)
    for _ in range(4):
        events.put(0, timeout=1)
    for moment in (0.5, 1.0):
        gauges.sample(PAST + moment * PAST / 2)
    picture = cv2.imdecode(np.frombuffer(gauges.line(), np.uint8), cv2.IMREAD_GRAYSCALE)

    # What is too old is gone; from the middle it rises, and from three quarters on it is full.
    assert [int(np.argmin(picture[:, x])) for x in (WIDTH // 2, WIDTH - 2)] == pytest.approx(
        [LINE - 5, 5], abs=2
    )
    assert picture[:, : WIDTH // 2 - 5].min() > 100
    assert gauges.queue() == "Queue: 4 waiting now, 4 at most, room for 4."


def test_a_part_in_the_queue_between_two_moments_is_seen() -> None:
    events: queue.Queue[int] = queue.Queue(0)
    gauges = Gauges()
    gauges.look_at((), None, events)
    events.put(0)
    gauges.peek()
    events.get(timeout=1)
    gauges.sample(1.0)

    assert gauges.queue() == "Queue: 1 waiting now, 1 at most, no bound."


def test_the_board_is_told_in_words_and_never_by_colour_alone() -> None:
    gauges = Gauges()
    with FactoryController() as controller:
        gauges.look_at((), controller, None)
        controller.system_start()
        controller.push_actuator(2)
        drawn = gauges.board(drawn=True)
        words = "red off, orange off, green on, belt runs, actuator 1: 0 pushes, actuator 2: 1 push"
        assert gauges.board() == f"Board: {words}."
        plain = re.sub(r"</?(span|div|b)\b[^>]*>", "", drawn)
        assert re.sub("<br>|&emsp;", ", ", plain) == words
        # What is on is bold; the actuator that has pushed since the last look is out, for that look.
        assert re.findall("<b>(.*?)</b>", drawn) == ["green on", "belt runs", "actuator 2: 1 push"]
        assert re.findall("<b>(.*?)</b>", gauges.board(drawn=True)) == ["green on", "belt runs"]


def test_what_remains_has_pictures_with_words_and_escapes_names() -> None:
    gauges = Gauges()
    gauges.look_at([Camera("Cam<1>", [], MotionDetector())], None, None)
    gauges.cameras["Cam<1>"].report = CameraReport("Cam<1>", read=1234, delivered=1234)
    gauges.words = "1 < 2"
    pictures = {("Cam<1>", "live"): colour(9, 9, 9, (480, 640)), ("Cam<1>", "detected"): colour(9, 9, 9)}
    bundle = gauges.bundle(pictures)

    alts = re.findall(r'<img alt="([^"]*)" width="(\d+)"', bundle["text/html"])
    assert alts == [
        ("Cam&lt;1&gt;: the last picture", "400"),
        ("Cam&lt;1&gt;: the last part detected", "112"),
    ]
    assert "<p>1 &lt; 2</p>" in bundle["text/html"]
    assert "<b>Cam&lt;1&gt;</b>" in bundle["text/html"]
    assert "1,234" in bundle["text/html"]
    assert bundle["text/plain"] == str(gauges)


# What only a process of its own can show

ENDS = """
import sys, time
from factory_lib import *
from factory_lib.lab import LiveView

def factory(view):
    clips = ("conveyor.mp4", "conveyor2.mp4")
    sources = [open_video(resource_path(name), pace=1, loop=True) for name in clips]
    cameras = [Camera(f"Cam{n}", source, MotionDetector(MotionPreset())) for n, source in enumerate(sources)]
    with FactoryController() as controller:
        run_factory(cameras, controller, view)
    print("closed", [source._capture for source in sources], flush=True)

view = LiveView(factory)
view.start()
while not view._gauges.shown:
    time.sleep(0.01)
"""


def test_a_script_that_ends_without_join_stops_the_view_and_its_cameras() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDS],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "closed [None, None]\n" in done.stdout
    assert re.search(r"^After .* s: stopped\.$", done.stdout, re.M)
