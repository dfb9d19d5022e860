import json
import os
import queue
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator

import numpy as np
import pytest
from conftest import Image, MakeClip, turns, wait_until

from factory_lib import factory
from factory_lib.controller import FactoryController
from factory_lib.display import NoDisplay
from factory_lib.errors import ControllerError, FactoryError
from factory_lib.factory import Camera, run_factory, watch_camera
from factory_lib.motion import Detection, MotionDetector
from factory_lib.preset import MotionPreset
from factory_lib.report import CameraReport, FactoryReport
from factory_lib.video import Frame, open_video

EMPTY = np.full((240, 240, 3), 40, np.uint8)
PART = EMPTY.copy()
PART[20:210] = 200
PERIOD = 10


def belt(frames: int) -> Iterator[Frame]:
    """Give frames in which one part passes in every ten, detectable in the frames 3, 13, 23, ..."""
    for index in range(frames):
        yield Frame(PART if index % PERIOD in (3, 4) else EMPTY, index, index / 30)


def endless() -> Iterator[Frame]:
    return belt(sys.maxsize)


def expected(frames: int) -> list[Detection]:
    return [Detection(index, index / 30) for index in range(3, frames, PERIOD)]


def camera(name: str, source: Iterable[Frame]) -> Camera:
    return Camera(name, source, MotionDetector(MotionPreset()))


class Recorder:
    """A display that keeps the titles it was shown, and can be slow, closed or broken."""

    def __init__(self, delay: float = 0.0, most: int | None = None, broken_at: int | None = None) -> None:
        self.titles: list[str] = []
        self.delay, self.most, self.broken_at = delay, most, broken_at
        self.threads: set[str] = set()

    def show(self, title: str, image: Image) -> None:
        self.titles.append(title)
        self.threads.add(threading.current_thread().name)
        if self.broken_at == len(self.titles):
            raise RuntimeError("the screen fell down")
        time.sleep(self.delay)

    def poll(self) -> bool:
        return self.most is None or len(self.titles) < self.most

    def close(self) -> None:
        pass


def check_accounts(cameras: Iterable[Camera]) -> None:
    for one in cameras:
        assert one.report.read == one.report.delivered + one.report.dropped


# The thread's body on its own


def run_alone(source: Iterable[Frame], maxsize: int = 0, **options: object) -> list[tuple[str, object]]:
    events: queue.Queue[tuple[str, object]] = queue.Queue(maxsize)
    try:
        watch_camera("Cam1", source, MotionDetector(MotionPreset()), events, threading.Event(), **options)  # type: ignore[arg-type]
    finally:
        taken = [events.get_nowait() for _ in range(events.qsize())]
        run_alone.last = taken  # type: ignore[attr-defined]
    return taken


def test_a_camera_puts_each_frame_each_part_and_one_done_in_order() -> None:
    events = run_alone(belt(14))

    live, detected = "VIDEO:Cam1 live", "VIDEO:Cam1 detected"
    assert [name for name, _ in events] == [*[live] * 4, detected, *[live] * 10, detected, "DONE"]
    assert events[-1] == ("DONE", "Cam1")
    assert events[3][1] is PART
    assert events[4][1].shape == (224, 224, 3)  # type: ignore[attr-defined]
    assert detected[6:] == "Cam1 detected"


def test_a_full_queue_drops_live_frames_and_counts_them() -> None:
    report = CameraReport("Cam1")
    events = run_alone(belt(3), maxsize=4, report=report)
    assert (report.read, report.dropped, len(events)) == (3, 0, 4)

    events_queue: queue.Queue[tuple[str, object]] = queue.Queue(2)
    stop = threading.Event()
    thread = threading.Thread(
        target=watch_camera,
        args=("Cam1", belt(3), MotionDetector(MotionPreset()), events_queue, stop),
        kwargs={"report": (full := CameraReport("Cam1"))},
    )
    thread.start()
    assert wait_until(lambda: full.dropped == 1)
    taken = [events_queue.get(timeout=5) for _ in range(3)]
    thread.join(timeout=5)
    assert [name for name, _ in taken] == ["VIDEO:Cam1 live", "VIDEO:Cam1 live", "DONE"]
    assert (full.read, full.dropped) == (3, 1)


def test_a_camera_that_fails_still_says_done_sets_stop_and_raises() -> None:
    def failing() -> Iterator[Frame]:
        yield from belt(2)
        raise OSError("cable")

    events: queue.Queue[tuple[str, object]] = queue.Queue()
    stop = threading.Event()
    with pytest.raises(OSError, match="cable"):
        watch_camera("Cam1", failing(), MotionDetector(MotionPreset()), events, stop)

    assert [events.get_nowait()[0] for _ in range(events.qsize())] == ["VIDEO:Cam1 live"] * 2 + ["DONE"]
    assert stop.is_set()


def test_a_source_that_fails_to_close_still_says_done_and_sets_stop() -> None:
    class Stuck(list[Frame]):
        def close(self) -> None:
            raise OSError("the driver hangs")

    events: queue.Queue[tuple[str, object]] = queue.Queue()
    stop = threading.Event()
    with pytest.raises(OSError, match="the driver hangs"):
        watch_camera("Cam1", Stuck(), MotionDetector(MotionPreset()), events, stop)

    assert events.get_nowait() == ("DONE", "Cam1")
    assert stop.is_set()


def test_stop_ends_a_camera_at_its_next_frame_and_closes_its_source(make_clip: MakeClip) -> None:
    source = open_video(make_clip(size=(240, 240)), loop=True)
    events: queue.Queue[tuple[str, object]] = queue.Queue()
    stop = threading.Event()
    stop.set()

    report = watch_camera("Cam1", source, MotionDetector(MotionPreset()), events, stop)

    assert report.read == 0
    assert events.get_nowait() == ("DONE", "Cam1")
    assert source._capture is None


def test_a_consumer_that_is_gone_cannot_hang_a_stopped_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(factory, "STOP_PATIENCE", 0.2)
    events: queue.Queue[tuple[str, object]] = queue.Queue(1)
    stop = threading.Event()
    caught: list[BaseException] = []

    def body() -> None:
        try:
            watch_camera("Cam1", endless(), MotionDetector(MotionPreset()), events, stop)
        except FactoryError as error:
            caught.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    stop.wait(0.3)  # it meanwhile waits with the first detection
    stop.set()
    thread.join(timeout=10)

    assert not thread.is_alive()
    assert "Cam1's detection in frame 3 was not taken off the queue" in str(caught[0])


def test_waiting_live_frames_give_up_at_once_when_stopped() -> None:
    events: queue.Queue[tuple[str, object]] = queue.Queue(1)
    stop, report = threading.Event(), CameraReport("Cam1")
    thread = threading.Thread(
        target=watch_camera,
        args=("Cam1", belt(3), MotionDetector(MotionPreset()), events, stop),
        kwargs={"report": report, "drop_live": False},
    )
    thread.start()
    assert wait_until(lambda: report.read == 2)
    stop.set()
    assert wait_until(lambda: report.dropped == 1)
    assert [events.get(timeout=5)[0] for _ in range(2)] == ["VIDEO:Cam1 live", "DONE"]
    thread.join(timeout=5)


# The whole factory


def test_the_factory_shows_everything_and_accounts_for_it() -> None:
    screen = Recorder()
    cameras = [camera("Cam1", belt(100)), camera("Cam2", belt(57))]
    with FactoryController() as controller:
        report = run_factory(cameras, controller, screen, drop_live=False)
        assert [what for _, what in controller.log] == [
            "green on",
            "conveyor on",
            "conveyor off",
            "green off",
            "red on",
        ]

    one, two = report.cameras["Cam1"], report.cameras["Cam2"]
    assert (one.read, one.delivered, one.dropped, one.detections) == (100, 100, 0, expected(100))
    assert (two.read, two.delivered, two.dropped, two.detections) == (57, 57, 0, expected(57))
    assert {title: screen.titles.count(title) for title in set(screen.titles)} == {
        "Cam1 live": 100,
        "Cam1 detected": 10,
        "Cam2 live": 57,
        "Cam2 detected": 6,
    }
    assert screen.threads == {"MainThread"}
    assert 1 <= report.deepest_queue <= factory.QUEUE_SIZE
    assert report.seconds > 0
    assert one.fps > 0


def test_a_slow_display_drops_live_frames_but_no_part() -> None:
    cameras = [camera("Cam1", belt(200)), camera("Cam2", belt(200))]
    seen = []
    with FactoryController() as controller:
        report = run_factory(
            cameras,
            controller,
            Recorder(delay=0.005),
            on_detection=lambda name, detection, crop: seen.append((name, detection)),
        )

    assert sum(one.dropped for one in report.cameras.values()) > 0
    check_accounts(cameras)
    for name, one in report.cameras.items():
        assert one.read == 200
        assert one.detections == expected(200)
        assert [detection for who, detection in seen if who == name] == expected(200)


def test_a_slow_display_that_all_live_frames_wait_for_drops_none() -> None:
    cameras = [camera("Cam1", belt(40)), camera("Cam2", belt(40))]
    with FactoryController() as controller:
        run_factory(cameras, controller, Recorder(delay=0.002), drop_live=False, events=queue.Queue(1))

    assert [(one.report.delivered, one.report.dropped) for one in cameras] == [(40, 0), (40, 0)]


def test_detections_come_with_their_crop() -> None:
    crops = []
    with FactoryController() as controller:
        run_factory(
            [camera("Cam1", belt(20))],
            controller,
            NoDisplay(),
            on_detection=lambda name, detection, crop: crops.append((name, detection.frame, crop)),
        )

    assert [(name, frame) for name, frame, _ in crops] == [("Cam1", 3), ("Cam1", 13)]
    assert all(np.array_equal(crop, PART[10:234, 0:224]) for _, _, crop in crops)


def test_windows_stay_alive_while_no_frame_comes() -> None:
    polled = threading.Semaphore(0)

    def slow() -> Iterator[Frame]:
        yield from belt(1)
        for _ in range(5):  # one for the frame, the others without any
            assert polled.acquire(timeout=20)
        yield Frame(EMPTY, 1, 1.0)

    screen = Recorder()
    screen.poll = lambda: polled.release() or True  # type: ignore[method-assign, func-returns-value]
    cameras = [camera("Cam1", slow())]
    with FactoryController() as controller:
        run_factory(cameras, controller, screen)

    assert cameras[0].report.delivered == 2


def test_one_camera_that_ends_does_not_end_the_other() -> None:
    screen = Recorder()
    cameras = [camera("Cam1", belt(0)), camera("Cam2", belt(300))]
    with FactoryController() as controller:
        run_factory(cameras, controller, screen, drop_live=False)

    assert [one.report.delivered for one in cameras] == [0, 300]


@pytest.mark.parametrize("how", ["seconds", "stop", "display"])
def test_an_endless_factory_stops_when_it_is_asked_to(how: str) -> None:
    cameras = [camera("Cam1", endless()), camera("Cam2", endless())]
    stop = threading.Event()
    timer = threading.Timer(0.2, stop.set)
    if how == "stop":
        timer.start()
    with FactoryController() as controller:
        report = run_factory(
            cameras,
            controller,
            Recorder(most=100 if how == "display" else None),
            seconds=0.2 if how == "seconds" else None,
            stop=stop,
        )
        assert (controller.conveyor, controller.red) == (False, True)
    if how == "stop":
        timer.join()

    check_accounts(cameras)
    assert stop.is_set()
    assert report.cameras["Cam1"].read > 0


def test_no_part_is_lost_however_the_factory_is_stopped() -> None:
    rng = random.Random(5)
    for _ in range(20):
        cameras = [camera("Cam1", endless()), camera("Cam2", endless())]
        seen: dict[str, list[Detection]] = {"Cam1": [], "Cam2": []}
        with FactoryController() as controller:
            run_factory(
                cameras,
                controller,
                Recorder(delay=rng.choice([0.0, 0.001]), most=rng.randint(1, 60)),
                events=queue.Queue(rng.choice([1, 2, 8])),
                on_detection=lambda name, detection, crop, seen=seen: seen[name].append(detection),
            )
        check_accounts(cameras)
        for one in cameras:
            assert seen[one.name] == one.report.detections


def test_a_source_that_fails_at_frame_100_is_heard_and_stops_the_other() -> None:
    def failing() -> Iterator[Frame]:
        yield from belt(100)
        raise OSError("cable")

    cameras = [camera("Cam1", endless()), camera("Cam2", failing())]
    with FactoryController() as controller:
        with pytest.raises(OSError, match="cable"):
            run_factory(cameras, controller, NoDisplay(), drop_live=False)
        assert not controller.conveyor

    assert cameras[1].report.read == 100
    check_accounts(cameras)


def test_a_detector_that_fails_is_heard() -> None:
    small = [Frame(np.zeros((48, 64, 3), np.uint8), 0, 0.0)]
    with FactoryController() as controller, pytest.raises(FactoryError, match="ROI reaches to"):
        run_factory([camera("Cam1", small), camera("Cam2", endless())], controller, NoDisplay())


@pytest.mark.parametrize("part", ["show", "poll", "on_detection"])
def test_a_failing_display_is_heard_and_everything_is_released(part: str, make_clip: MakeClip) -> None:
    sources = [open_video(make_clip(f"{n}.mp4", size=(240, 240)), loop=True) for n in (1, 2)]
    cameras = [camera("Cam1", sources[0]), camera("Cam2", sources[1]), camera("Cam3", endless())]
    screen = Recorder(broken_at=50 if part == "show" else None)

    def fail(*_: object) -> bool:
        raise RuntimeError("the screen fell down")

    if part == "poll":
        screen.poll = fail  # type: ignore[method-assign]
    with FactoryController() as controller:
        with pytest.raises(RuntimeError, match="the screen fell down"):
            run_factory(cameras, controller, screen, on_detection=fail if part == "on_detection" else None)
        assert not controller.conveyor

    assert [source._capture for source in sources] == [None, None]
    check_accounts(cameras)


def test_a_controller_that_cannot_start_releases_the_sources(make_clip: MakeClip) -> None:
    controller = FactoryController()
    controller.close()
    source = open_video(make_clip())

    with pytest.raises(ControllerError):
        run_factory([camera("Cam1", source)], controller, NoDisplay())

    assert source._capture is None


def test_a_main_loop_that_was_away_too_long_still_comes_to_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(factory, "STOP_PATIENCE", 0.1)

    class Asleep(Recorder):
        def show(self, title: str, image: Image) -> None:
            if not self.titles:
                stop.set()
                assert wait_until(lambda: all(one.report.seconds > 0 for one in cameras))
                time.sleep(5 * factory.TICK)  # until after their last try to say DONE
            super().show(title, image)

    stop = threading.Event()
    plain = [Frame(EMPTY, index, index / 30) for index in range(50)]
    cameras = [camera("Cam1", plain), camera("Cam2", plain)]
    with FactoryController() as controller:
        run_factory(cameras, controller, Asleep(), stop=stop, events=queue.Queue(1))

    check_accounts(cameras)


@pytest.mark.parametrize("names", [[], ["Cam1", "Cam1"]])
def test_cameras_need_names_that_differ(names: list[str]) -> None:
    with FactoryController() as controller, pytest.raises(FactoryError, match="names that differ"):
        run_factory([camera(name, belt(1)) for name in names], controller, NoDisplay())


def test_the_report_turns_into_json_with_the_documented_keys() -> None:
    report = FactoryReport(
        {"Cam1": CameraReport("Cam1", "a.mp4", 20, 15, 5, [Detection(3, 0.1)], 2.0)}, 2.5, 4
    )

    assert json.loads(json.dumps(report.as_dict())) == {
        "cameras": {
            "Cam1": {
                "source": "a.mp4",
                "read": 20,
                "delivered": 15,
                "dropped": 5,
                "detections": [{"frame": 3, "time": 0.1}],
                "fps": 10.0,
            }
        },
        "seconds": 2.5,
        "deepest_queue": 4,
    }


def test_a_camera_report_names_its_source(make_clip: MakeClip) -> None:
    path = make_clip()
    with open_video(path) as source:
        assert camera("Cam1", source).report.source == str(path)
    assert camera("Cam1", []).report.source == "list"


# What only a process of its own can show

MEMORY = """
import sys, time, psutil
from factory_lib import *

class Slow(NoDisplay):
    def show(self, title, image):
        time.sleep(0.1)
        memory.append(process.memory_info().rss)

process, memory, seen = psutil.Process(), [], []
cameras = [
    Camera(f"Cam{n}", open_video(resource_path(f"conveyor{clip}.mp4"), loop=True), MotionDetector(preset))
    for n, clip, preset in (
        (1, "", MotionPreset()), (2, "2", MotionPreset.load(resource_path("motion.cfg"), "cam2")),
    )
]
with FactoryController() as controller:
    report = run_factory(cameras, controller, Slow(), seconds=SECONDS,
                         on_detection=lambda name, detection, crop: seen.append((name, detection)))
for one in report.cameras.values():
    assert one.read == one.delivered + one.dropped, one
    assert one.dropped > 0
    assert [detection for name, detection in seen if name == one.name] == one.detections
assert len(seen) >= 100 * SECONDS / 60, len(seen)
early, late = memory[len(memory) // 6], max(memory[len(memory) // 2 :])
print(f"{(late - early) / 1e6:.1f}")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows counts memory otherwise")
@pytest.mark.timeout(180)
@pytest.mark.parametrize("seconds", [4, pytest.param(60, marks=pytest.mark.slow)])
def test_memory_stays_level_with_a_consumer_that_takes_100_ms(seconds: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEMORY.replace("SECONDS", str(seconds))],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=150,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    # Eight frames may wait in the queue: 7.4 MB. An unbounded one would grow by a gigabyte.
    assert float(done.stdout) < 20


INTERRUPTED = """
import signal, threading
from factory_lib import *
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job's children would ignore it
sources = [open_video(resource_path(f"conveyor{n}.mp4"), loop=True) for n in ("", "2")]
cameras = [Camera(f"Cam{n}", source, MotionDetector(MotionPreset())) for n, source in enumerate(sources)]
class Ready(NoDisplay):
    def show(self, title, image):
        print("ready", flush=True)
        self.show = super().show

with FactoryController() as controller:
    try:
        run_factory(cameras, controller, Ready(), drop_live=False)
    except KeyboardInterrupt:
        belt = "moves" if controller.conveyor else "stands"
        alive = [thread.name for thread in threading.enumerate()]
        print("heard", belt, alive, [source._capture for source in sources], flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
@pytest.mark.parametrize("turn", turns(10, quick=2))
def test_ctrl_c_at_a_random_moment_stops_threads_belt_and_captures(turn: int) -> None:
    rng = random.Random(7 + turn)
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(rng.uniform(0.0, 0.5))
        os.kill(process.pid, 2)
        output, errors = process.communicate(timeout=30)
    assert (output, errors) == ("heard stands ['MainThread'] [None, None]\n", "")
    assert process.returncode == 0
