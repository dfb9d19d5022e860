import os
import queue
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from multiprocessing import connection
from pathlib import Path

import numpy as np
import psutil
import pytest
from conftest import Image, MakeClip, turns, wait_until
from processes_work import FATAL_FRAME, PART, Belt, Bomb, Device, Doomed, Finicky, detector, expected
from ring_work import left_in_the_system, still_at_work

from factory_lib.controller import FactoryController
from factory_lib.display import NoDisplay
from factory_lib.errors import ControllerError, FactoryError, VideoError
from factory_lib.factory import Camera, run_factory
from factory_lib.motion import MotionDetector
from factory_lib.preset import MotionPreset
from factory_lib.processes import pool as processes
from factory_lib.report import FactoryReport
from factory_lib.resources import resource_path
from factory_lib.video import Frame, open_video

# At how many moments a camera's process is killed.
KILLS = 50


def children(number: int | None = None) -> list[psutil.Process]:
    """Return the processes that one has started, without Python's own helper, which ends with that."""
    found = []
    for one in psutil.Process(number).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if "resource_tracker" not in " ".join(one.cmdline()):
                found.append(one)
    return found


@pytest.fixture(autouse=True)
def no_process_and_no_memory_is_left(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    yield
    assert children() == []
    assert left_in_the_system() == []
    assert capfd.readouterr().err == ""  # neither we nor a camera's process says anything


class Recorder:
    """Keeps every event, and can be slow, closed or broken."""

    def __init__(self, delay: float = 0.0, most: int | None = None, broken_at: int | None = None) -> None:
        self.events: list[tuple[str, Image]] = []
        self.delay, self.most, self.broken_at = delay, most, broken_at

    def show(self, title: str, image: Image) -> None:
        self.events.append((title, image))
        if self.broken_at == len(self.events):
            raise RuntimeError("the screen fell down")
        time.sleep(self.delay)

    def poll(self) -> bool:
        return self.most is None or len(self.events) < self.most

    def close(self) -> None:
        pass


def camera(name: str, source: Iterable[Frame], eye: MotionDetector | None = None) -> Camera:
    return Camera(name, source, eye or detector())


def run(cameras: list[Camera], display: object = None, lost: int = 0, **options: object) -> FactoryReport:
    """Run it in processes; whatever happens, the belt stands and the accounts balance.

    With threads, too, a frame that the detector fails at is read and neither delivered nor dropped: `lost`.
    """
    with FactoryController() as controller:
        try:
            return run_factory(
                cameras,
                controller,
                display or NoDisplay(),  # type: ignore[arg-type]
                **{"workers": "processes", **options},  # type: ignore[arg-type]
            )
        finally:
            assert not controller.conveyor
            reports = [one.report for one in cameras]
            assert sum(one.read - one.delivered - one.dropped for one in reports) == lost


# The same as threads


def shipped() -> list[Camera]:
    settings = (("Cam1", "conveyor.mp4", "default"), ("Cam2", "conveyor2.mp4", "cam2"))
    return [
        Camera(
            name,
            open_video(resource_path(clip)),
            MotionDetector(MotionPreset.load(resource_path("motion.cfg"), key)),
        )
        for name, clip, key in settings
    ]


def test_processes_find_what_threads_find_and_report_the_same_on_both_shipped_clips() -> None:
    reports, crops = {}, {}
    for workers in ("threads", "processes"):
        seen = crops[workers] = {"Cam1": [], "Cam2": []}
        reports[workers] = run(
            shipped(),
            workers=workers,
            drop_live=False,
            on_detection=lambda name, detection, crop, seen=seen: seen[name].append((detection, crop)),
        )

    threads, others = reports["threads"], reports["processes"]
    for name in ("Cam1", "Cam2"):
        mine, theirs = others.cameras[name], threads.cameras[name]
        assert mine.detections == theirs.detections
        assert len(mine.detections) >= 24
        assert (mine.read, mine.delivered, mine.dropped) == (theirs.read, theirs.delivered, 0)
        assert (mine.name, mine.source) == (theirs.name, theirs.source)
        assert mine.seconds > 0
        assert [detection for detection, _ in crops["processes"][name]] == mine.detections
        pairs = zip(crops["processes"][name], crops["threads"][name], strict=True)
        assert all(np.array_equal(one, other) for (_, one), (_, other) in pairs)
    assert 1 <= others.deepest_queue <= 8


def test_the_events_of_each_camera_are_those_of_a_thread_in_the_same_order() -> None:
    screens = {}
    for workers in ("threads", "processes"):
        screens[workers] = Recorder()
        run(
            [camera("Cam1", Belt(40)), camera("Cam2", Belt(25))],
            screens[workers],
            workers=workers,
            drop_live=False,
        )

    for name, frames in (("Cam1", 40), ("Cam2", 25)):
        mine, theirs = (
            [event for event in screens[workers].events if event[0].startswith(name)]
            for workers in ("processes", "threads")
        )
        assert [title for title, _ in mine] == [title for title, _ in theirs]
        assert len(mine) == frames + len(expected(frames))
        # Kept until now, and still what was shown: a display may keep what it gets.
        assert all(np.array_equal(one, other) for (_, one), (_, other) in zip(mine, theirs, strict=True))
        assert all(image.flags.writeable for _, image in mine)


def test_a_slow_display_drops_live_frames_but_no_part() -> None:
    seen = []
    cameras = [camera("Cam1", Belt(200)), camera("Cam2", Belt(200))]
    report = run(
        cameras,
        Recorder(delay=0.005),
        on_detection=lambda name, detection, crop: seen.append((name, detection)),
    )

    assert sum(one.dropped for one in report.cameras.values()) > 0
    for name, one in report.cameras.items():
        assert one.read == 200
        assert one.detections == expected(200)
        assert [detection for who, detection in seen if who == name] == expected(200)


def test_counts_are_alive_while_it_runs() -> None:
    cameras = [camera("Cam1", Belt(300))]
    counts = []

    class Watcher(Recorder):
        def show(self, title: str, image: Image) -> None:
            report = cameras[0].report
            counts.append((report.read, len(report.detections)))
            assert report.read <= report.delivered + report.dropped

    run(cameras, Watcher(), drop_live=False)

    assert counts == sorted(counts)
    assert len({read for read, _ in counts}) == 300
    assert {parts for _, parts in counts} == set(range(31))


@pytest.mark.parametrize("shape", [(240, 320, 3), (480, 640, 3), (720, 1280, 3)])
def test_frames_of_any_size_come_home_whole(shape: tuple[int, int, int]) -> None:
    image = np.random.default_rng(1).integers(0, 255, shape, np.uint8)
    screen = Recorder()
    run([camera("Cam1", [Frame(image, 0, 0.0), Frame(image[::-1], 1, 0.1)])], screen, drop_live=False)

    live = [picture for title, picture in screen.events if title == "Cam1 live"]
    assert np.array_equal(live[0], image)
    assert np.array_equal(live[1], image[::-1])


# What a camera's source may be


def test_a_clip_is_closed_here_and_opened_there_at_its_pace(make_clip: MakeClip) -> None:
    source = open_video(make_clip(size=(240, 240), frames=30), pace=4)
    report = run([camera("Cam1", source)], drop_live=False)

    assert source._capture is None
    assert report.cameras["Cam1"].read == 30
    assert report.cameras["Cam1"].seconds >= 29 / 30 / 4


def test_a_device_that_can_be_open_only_once_is_closed_here_before_it_is_opened_there(tmp_path: Path) -> None:
    mark = tmp_path / "open"
    report = run([camera("Cam1", Device(str(mark)))])

    assert report.cameras["Cam1"].read == 5
    assert not mark.exists()  # and closed there at the end


def test_an_iterator_that_can_be_pickled_loses_no_frame() -> None:
    frames = list(Belt(20))
    report = run([camera("Cam1", iter(frames)), camera("Cam2", []), camera("Cam3", tuple(frames))])

    assert {name: one.read for name, one in report.cameras.items()} == {"Cam1": 20, "Cam2": 0, "Cam3": 20}
    assert report.cameras["Cam1"].detections == report.cameras["Cam3"].detections == expected(20)


def test_what_cannot_go_to_a_process_is_said_in_one_sentence_and_stops_the_others() -> None:
    other = Belt()
    with pytest.raises(
        FactoryError, match=r"Cam2's source cannot be sent to a process: .*generator.* Give what"
    ):
        run([camera("Cam1", other), camera("Cam2", (frame for frame in Belt(5)))])
    assert other.is_closed

    eye = detector()
    eye.memory = lambda: None  # type: ignore[attr-defined]
    with pytest.raises(FactoryError, match="Cam1's detector cannot be sent to a process"):
        run([camera("Cam1", Belt(5), eye)])


def test_a_clip_that_has_begun_cannot_go_to_a_process(make_clip: MakeClip) -> None:
    with open_video(make_clip(size=(240, 240))) as source:
        next(source)
        with pytest.raises(VideoError, match="cannot go to another process: .* its first frame was taken"):
            run([camera("Cam1", source)])


def test_a_source_that_fails_where_it_is_unpacked_is_heard() -> None:
    with pytest.raises(RuntimeError, match="no such device here"):
        run([camera("Cam1", Bomb()), camera("Cam2", Belt())])


def test_a_queue_for_threads_and_a_wrong_word_are_refused() -> None:
    with pytest.raises(FactoryError, match="each camera has its own ring"):
        run([camera("Cam1", Belt(1))], events=queue.Queue(3))
    with pytest.raises(FactoryError, match="workers='fibres' is neither"):
        run([camera("Cam1", Belt(1))], workers="fibres")


# How it ends


@pytest.mark.parametrize("how", ["seconds", "stop", "display"])
def test_an_endless_factory_stops_when_it_is_asked_to(how: str) -> None:
    cameras = [camera("Cam1", Belt()), camera("Cam2", Belt())]
    stop = threading.Event()
    seen: dict[str, list[object]] = {"Cam1": [], "Cam2": []}

    class Screen(Recorder):
        def show(self, title: str, image: Image) -> None:
            super().show(title, image)
            if how == "stop" and len(self.events) == 50:
                stop.set()

    run(
        cameras,
        Screen(most=50 if how == "display" else None),
        seconds=0.5 if how == "seconds" else None,
        stop=stop,
        on_detection=lambda name, detection, crop: seen[name].append(detection),
    )

    assert stop.is_set()
    assert {one.name: one.report.detections for one in cameras} == seen


def test_a_factory_that_is_stopped_before_its_processes_have_begun_ends_without_error() -> None:
    stop = threading.Event()
    stop.set()
    report = run([camera("Cam1", Belt()), camera("Cam2", Belt())], stop=stop)

    assert all(one.read == 0 for one in report.cameras.values())


def test_a_source_that_fails_at_frame_100_is_heard_and_stops_the_other() -> None:
    cameras = [camera("Cam1", Belt()), camera("Cam2", Belt(what="fails", at=100))]
    with pytest.raises(OSError, match="cable") as caught:
        run(cameras, drop_live=False)

    assert cameras[1].report.read == 100
    assert cameras[1].report.detections == expected(100)
    assert "in happen" in caught.value.__notes__[0]  # where it happened


def test_a_detector_that_fails_is_heard() -> None:
    with pytest.raises(ArithmeticError, match="too bright"):
        run([camera("Cam1", Belt(), Finicky(MotionPreset())), camera("Cam2", Belt())], lost=1)
    with pytest.raises(FactoryError, match="ROI reaches to"):
        run([camera("Cam1", [Frame(np.zeros((48, 64, 3), np.uint8), 0, 0.0)])], lost=1)


def test_an_error_that_cannot_be_sent_is_heard_in_words() -> None:
    with pytest.raises(FactoryError, match="Cam1's process failed: Strange: strange"):
        run([camera("Cam1", Belt(what="raises strangely", at=5))])


def test_a_frame_of_another_size_in_mid_stream_is_said() -> None:
    frames = [Frame(PART, 0, 0.0), Frame(np.zeros((250, 240, 3), np.uint8), 1, 0.1)]
    with pytest.raises(FactoryError, match=r"Cam1's image is uint8 of shape \(250, 240, 3\)"):
        run([camera("Cam1", frames)], lost=1)


@pytest.mark.parametrize("part", ["show", "poll", "on_detection"])
def test_a_failing_display_is_heard_and_everything_is_released(part: str) -> None:
    screen = Recorder(broken_at=30 if part == "show" else None)

    def fail(*_: object) -> bool:
        raise RuntimeError("the screen fell down")

    if part == "poll":
        screen.poll = fail  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="the screen fell down"):
        run(
            [camera("Cam1", Belt()), camera("Cam2", Belt())],
            screen,
            on_detection=fail if part == "on_detection" else None,
        )


def test_a_controller_that_cannot_start_starts_no_process(make_clip: MakeClip) -> None:
    controller = FactoryController()
    controller.close()
    source = open_video(make_clip())
    with pytest.raises(ControllerError):
        run_factory([camera("Cam1", source)], controller, NoDisplay(), workers="processes")

    assert source._capture is None


class Witness(Recorder):
    """Lets the doomed Cam1 come to its point once Cam2 is at work, and counts what Cam2 shows after that."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder, self.after = folder, 0

    def show(self, title: str, image: Image) -> None:
        super().show(title, image)
        if title == "Cam2 live":
            (self.folder / "go").touch()
            self.after += (self.folder / "gone").exists()


def run_doomed(point: str, frames: int, parts: int, screen: Witness, stop: threading.Event) -> list[Camera]:
    """Run until Cam1 has killed itself at the point; it is heard, and what it had sent is here and shown."""
    source = Belt(60) if point.startswith("report") else Belt()
    cameras = [camera(Doomed("Cam1", point, screen.folder), source), camera("Cam2", Belt())]
    seen: dict[str, list[object]] = {"Cam1": [], "Cam2": []}
    with pytest.raises(FactoryError, match=r"Cam1's process was killed by SIGKILL"):
        run(
            cameras,
            screen,
            stop=stop,
            drop_live=False,
            on_detection=lambda name, detection, _: seen[name].append(detection),
        )

    assert (screen.folder / "gone").read_text(encoding="utf-8") == point
    for one in cameras:
        assert seen[one.name] == one.report.detections
        assert one.report.detections == expected(10 * len(seen[one.name]))
    assert (cameras[0].report.read, cameras[0].report.dropped, len(seen["Cam1"])) == (frames, 0, parts)
    assert [title for title, _ in screen.events].count("Cam1 live") == frames
    assert cameras[1].report.seconds > 0  # it was not lost: its own report came home
    return cameras


@pytest.mark.parametrize(
    ("point", "frames", "parts"),
    [
        ("hello unsent", 0, 0),
        ("hello sent", 0, 0),
        ("ready sent", 0, 0),
        ("no frame read", 0, 0),
        ("slot reserved", FATAL_FRAME, 1),
        ("frame copied", FATAL_FRAME, 1),
        ("frame sent", FATAL_FRAME + 1, 1),
        ("half a part sent", FATAL_FRAME + 1, 1),
        ("part sent", FATAL_FRAME + 1, 2),
        ("report unsent", 60, 6),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_process_killed_at_each_point_stops_the_other(
    point: str, frames: int, parts: int, tmp_path: Path
) -> None:
    # Cam2 is endless and nobody else stops it: that this returns is what the name says.
    cameras = run_doomed(point, frames, parts, Witness(tmp_path), threading.Event())

    assert cameras[0].report.seconds == 0  # its own report did not come home


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_process_killed_after_its_report_is_heard_last(tmp_path: Path) -> None:
    stop = threading.Event()

    class Screen(Witness):
        def poll(self) -> bool:
            # All of Cam1 is here: no reason to stop the other, until this display is closed.
            assert self.after >= 20 or not stop.is_set()
            return self.after < 20

    cameras = run_doomed("report sent", 60, 6, Screen(tmp_path), stop)

    assert cameras[0].report.seconds > 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_frame_sent_just_before_the_end_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = camera(Doomed("Cam1", "frame sent", tmp_path), Belt())
    poll = connection.Connection.poll

    def late(line: "connection.Connection[object, object]", timeout: float = 0.0) -> bool:
        # No image is there, and the process was still alive: between this and the look at the line it
        # sends one and is killed.
        if one.report.read == FATAL_FRAME and not (tmp_path / "go").exists():
            (tmp_path / "go").touch()
            assert wait_until(lambda: children() == [])
        return poll(line, timeout)

    monkeypatch.setattr(connection.Connection, "poll", late)
    with pytest.raises(FactoryError, match=r"Cam1's process was killed by SIGKILL"):
        run([one], drop_live=False)

    assert (tmp_path / "gone").exists()
    assert one.report.read == FATAL_FRAME + 1


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_camera_process_that_is_killed_at_a_random_moment_is_heard_and_the_other_ends_cleanly() -> None:
    rng = random.Random(2)
    for _ in range(KILLS):
        cameras = [camera("Cam1", Belt()), camera("Cam2", Belt())]
        seen: dict[str, list[object]] = {"Cam1": [], "Cam2": []}
        killed = threading.Event()
        delay, place = rng.uniform(0.0, 0.9), rng.randrange(2)

        def kill(delay: float = delay, place: int = place, killed: threading.Event = killed) -> None:
            assert wait_until(lambda: len(children()) == 2)
            killed.wait(delay)  # the moment
            children()[place].kill()
            killed.set()

        thread = threading.Thread(target=kill)
        thread.start()
        with pytest.raises(FactoryError, match=r"Cam[12]'s process was killed by SIGKILL"):
            run(cameras, on_detection=lambda name, detection, _, seen=seen: seen[name].append(detection))
        thread.join(timeout=30)
        for one in cameras:
            assert seen[one.name] == one.report.detections
            assert one.report.detections == expected(10 * len(seen[one.name]))


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("dies", "was killed by SIGKILL"),
        ("exits 7", "ended with exit code 7"),
        ("exits 0", "ended with exit code 0"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_all_that_a_dying_process_had_sent_is_shown_first(what: str, words: str) -> None:
    screen = Recorder()
    cameras = [camera("Cam1", Belt(what=what, at=25)), camera("Cam2", Belt(60))]
    with pytest.raises(FactoryError, match=f"Cam1's process {words}"):
        run(cameras, screen, drop_live=False)

    assert cameras[0].report.read == 25
    assert cameras[0].report.detections == expected(25)


def test_a_process_that_hangs_when_it_is_to_stop_is_ended_by_force(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PATIENCE", 0.4)
    screen = Recorder(most=5)  # the display is closed after the last frame that comes
    with pytest.raises(FactoryError, match=r"Cam1's process did not end within 0\.4 s of being told to"):
        run([camera("Cam1", Belt(what="hangs", at=4))], screen, drop_live=False)

    assert [title for title, _ in screen.events] == [*["Cam1 live"] * 4, "Cam1 detected"]


@pytest.mark.parametrize("moment", ["running", "hanging"])
def test_the_cameras_of_a_killed_factory_end_by_themselves(moment: str, tmp_path: Path) -> None:
    script = FACTORY.replace("TESTS", repr(str(Path(__file__).parent.parent)))
    belts = (
        "Belt(pid_file='a')",
        "HastyBelt(pid_file='b', what='hangs', at=1)" if moment == "hanging" else "Belt(pid_file='b')",
    )
    path = tmp_path / "program.py"
    path.write_text(script.replace("BELTS", ", ".join(belts)), encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, str(path)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as factory:
        assert factory.stdout is not None
        assert factory.stdout.readline() == "both\n"
        family = [int((tmp_path / name).read_text(encoding="utf-8")) for name in ("a", "b")]
        factory.kill()
        assert still_at_work(family, seconds=30) == []
        _, errors = factory.communicate(timeout=30)
    assert errors == ""


FACTORY = """
import signal, sys
sys.path.insert(0, TESTS)
from factory_lib import Camera, FactoryController, NoDisplay, run_factory
from processes_work import Belt, HastyBelt, detector

class Screen(NoDisplay):
    titles = set()
    def show(self, title, image):
        self.titles.add(title)
        if self.titles >= {"Cam0 live", "Cam1 live"}:
            print("both", flush=True)
            self.show = super().show

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    print("begun", flush=True) if "--early" in sys.argv else None
    cameras = [Camera(f"Cam{n}", belt, detector()) for n, belt in enumerate([BELTS])]
    with FactoryController() as controller:
        try:
            run_factory(cameras, controller, Screen(), workers="processes")
        except KeyboardInterrupt:
            print("heard", "moves" if controller.conveyor else "stands", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT to a group")
@pytest.mark.parametrize("early", [False, True], ids=["running", "starting"])
@pytest.mark.parametrize("turn", turns(2, quick=1))
def test_ctrl_c_which_reaches_every_process_is_heard_by_the_factory_alone(
    early: bool, turn: int, tmp_path: Path
) -> None:
    rng = random.Random(9 + turn)
    path = tmp_path / "program.py"
    path.write_text(
        FACTORY.replace("TESTS", repr(str(Path(__file__).parent.parent))).replace("BELTS", "Belt(), Belt()"),
        encoding="utf-8",
    )
    with subprocess.Popen(
        [sys.executable, str(path), *(["--early"] if early else [])],
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as factory:
        assert factory.stdout is not None
        factory.stdout.readline()
        if early:
            assert wait_until(lambda: children(factory.pid) != [])
        time.sleep(rng.uniform(0.0, 0.2))  # the moment
        family = [one.pid for one in children(factory.pid)]
        os.killpg(factory.pid, signal.SIGINT)
        output, errors = factory.communicate(timeout=60)
    assert (output.splitlines()[-1], errors) == ("heard stands", "")
    assert factory.returncode == 0
    assert still_at_work(family, seconds=10) == []


UNGUARDED = """
from factory_lib import *
clip = open_video(resource_path("conveyor.mp4"))
with FactoryController() as controller:
    try:
        cameras = [Camera("Cam1", clip, MotionDetector(MotionPreset()))]
        run_factory(cameras, controller, NoDisplay(), workers="processes")
    except FactoryError as error:
        print(error)
"""


def test_a_program_without_its_guard_is_told_of_it(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(UNGUARDED, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(path)], capture_output=True, text=True, encoding="utf-8", timeout=60, check=False
    )

    assert "Cam1's process ended with exit code 1" in done.stdout
    assert "if __name__ == '__main__'" in done.stdout
