import http.server
import itertools
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from conftest import MakeClip, unreadable

from factory_lib import video
from factory_lib.errors import VideoError
from factory_lib.video import open_video


def greys(source: video.VideoSource) -> list[int]:
    """The grey levels of all frames, in the steps of 8 that compression leaves intact."""
    return [round(float(frame.image.mean()) / 8) for frame in source]


def test_every_frame_comes_once_in_order_with_index_and_time(make_clip: MakeClip) -> None:
    with open_video(make_clip(frames=30, fps=25.0)) as source:
        assert (source.fps, source.size, source.frame_count, source.is_live) == (25.0, (64, 48), 30, False)
        frames = list(source)

    assert [round(frame.image.mean() / 8) for frame in frames] == list(range(30))
    assert [frame.index for frame in frames] == list(range(30))
    assert [frame.time for frame in frames] == pytest.approx([index / 25 for index in range(30)])
    assert frames[0].image.shape == (48, 64, 3)
    assert frames[0].image.dtype == np.uint8


def test_times_are_those_of_the_container_where_frames_are_not_evenly_spaced(tmp_path: Path) -> None:
    path, stamps = tmp_path / "uneven.mp4", [0, 33, 66, 500, 533, 2000]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for stamp in stamps:
            picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 90, np.uint8), format="bgr24")
            picture.pts, picture.time_base = stamp, Fraction(1, 1000)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())

    assert [frame.time for frame in open_video(path)] == pytest.approx([s / 1000 for s in stamps], abs=1e-3)


def test_a_plain_for_loop_reads_to_the_end_and_releases_the_file(make_clip: MakeClip) -> None:
    source = open_video(make_clip())

    assert greys(source) == list(range(30))

    assert source._capture is None
    assert list(source) == []


def test_leaving_the_with_block_early_releases_the_file(make_clip: MakeClip) -> None:
    with open_video(make_clip()) as source:
        next(source)
    assert source._capture is None
    assert list(source) == []
    source.close()


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_breaking_out_of_a_plain_for_loop_releases_the_file(make_clip: MakeClip) -> None:
    path = make_clip()

    def holds() -> bool:
        links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
        return any(os.path.realpath(link) == str(path.resolve()) for link in links)

    source = open_video(path)
    next(source)
    assert holds()
    del source
    for _ in open_video(path):
        break

    assert not holds()


def test_a_source_can_be_closed_from_another_thread_while_it_is_read(make_clip: MakeClip) -> None:
    source = open_video(make_clip(), loop=True)
    read = []
    thread = threading.Thread(target=lambda: read.extend(frame.index for frame in source))
    thread.start()
    while source._index < 100:
        time.sleep(0.001)

    source.close()
    thread.join(timeout=10)

    assert not thread.is_alive()
    assert read == list(range(len(read)))


def test_a_source_that_was_pickled_is_opened_again_from_its_beginning(make_clip: MakeClip) -> None:
    with open_video(make_clip(frames=6), pace=1000, loop=True) as source:
        data = pickle.dumps(source)
        with pickle.loads(data) as other:
            assert (other.name, other.size, other.pace) == (source.name, source.size, 1000)
            assert [frame.index for frame in itertools.islice(other, 8)] == list(range(8))  # it loops
        assert next(source).index == 0  # and this one goes on

        with pytest.raises(VideoError, match="its first frame was taken. Open it again"):
            pickle.dumps(source)
    with pytest.raises(VideoError, match="cannot go to another process: it is closed"):
        pickle.dumps(source)


def test_loop_starts_again_and_index_and_time_go_on(make_clip: MakeClip) -> None:
    with open_video(make_clip(frames=10, fps=10.0), loop=True) as source:
        frames = list(itertools.islice(source, 25))

    assert [round(frame.image.mean() / 8) for frame in frames] == [*range(10), *range(10), *range(5)]
    assert [frame.index for frame in frames] == list(range(25))
    assert [frame.time for frame in frames] == pytest.approx([index / 10 for index in range(25)])


def test_pace_waits_until_each_frame_is_due(make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch) -> None:
    now, slept = [100.0], []

    class Clock:
        @staticmethod
        def monotonic() -> float:
            return now[0]

        @staticmethod
        def sleep(seconds: float) -> None:
            slept.append(seconds)
            now[0] += seconds

    monkeypatch.setattr(video, "time", Clock)
    with open_video(make_clip(frames=5, fps=10.0), pace=True) as source:
        for frame in source:
            # The third frame takes its consumer 0.25 s: the next ones are late and do not wait.
            now[0] += 0.25 if frame.index == 2 else 0.01

    assert slept == pytest.approx([0.0, 0.09, 0.09, 0.0, 0.0])


def test_pace_is_a_speed_that_can_be_changed_while_it_plays(
    make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, slept = [100.0], []

    class Clock:
        @staticmethod
        def monotonic() -> float:
            return now[0]

        @staticmethod
        def sleep(seconds: float) -> None:
            slept.append(round(seconds, 6))
            now[0] += seconds

    monkeypatch.setattr(video, "time", Clock)
    paces = {2: 1.0, 4: 0.0, 6: 4.0}
    with open_video(make_clip(frames=9, fps=10.0), pace=2) as source:
        for frame in source:
            source.pace = paces.get(frame.index, source.pace)
            if frame.index == 5:
                now[0] += 50.0  # its consumer was away: what is long past is not made up for

    assert slept == [0.0, 0.05, 0.05, 0.1, 0.1, 0.0, 0.025]


def test_without_pace_nothing_waits(make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video.time, "sleep", lambda seconds: pytest.fail("slept"))

    assert len(list(open_video(make_clip()))) == 30


def test_a_recording_without_timestamps_gets_times_from_its_rate(make_clip: MakeClip) -> None:
    path = make_clip("clip.avi", frames=6, fps=20.0, codec="MJPG")

    class Untimed:
        """A capture that knows no time, as some containers do."""

        def __init__(self) -> None:
            self.capture = cv2.VideoCapture(str(path))
            self.read, self.release = self.capture.read, self.capture.release

        def get(self, key: int) -> float:
            return 0.0 if key == cv2.CAP_PROP_POS_MSEC else self.capture.get(key)

    source = video.VideoSource("clip", Untimed, False, False, False)  # type: ignore[arg-type]

    assert [frame.time for frame in source] == pytest.approx([index / 20 for index in range(6)])


def test_hangul_and_spaces_in_a_path_are_fine(make_clip: MakeClip, tmp_path: Path) -> None:
    folder = tmp_path / "공장 실습"
    folder.mkdir()
    path = make_clip().rename(folder / "벨트 1.mp4")

    assert greys(open_video(path)) == list(range(30))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, r"There is no clip .*clip\.mp4\. Check the path; the current folder is"),
        (lambda path: path.mkdir(), r"clip\.mp4 is a folder, not a clip\."),
        (lambda path: path.touch(), r"clip\.mp4 is empty \(0 bytes\)\."),
        (lambda path: path.write_text("no video " * 99, encoding="utf-8"), r"clip\.mp4 is not a video that"),
    ],
    ids=["missing", "folder", "empty", "text"],
)
def test_what_cannot_be_opened_is_one_error(tmp_path: Path, make, words: str, capfd) -> None:
    make(tmp_path / "clip.mp4")

    with pytest.raises(VideoError, match=words) as caught:
        open_video(tmp_path / "clip.mp4")

    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_a_clip_cut_off_before_its_index_is_not_a_video(make_clip: MakeClip, capfd) -> None:
    path = make_clip()  # written with the index (moov) at the end
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    with pytest.raises(VideoError, match="not a video that FFmpeg can read, or it was cut off"):
        open_video(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("loop", [False, True])
def test_a_recording_that_ends_early_gives_its_frames_and_then_an_error(
    make_clip: MakeClip, loop: bool, capfd
) -> None:
    path = make_clip("half.mp4", frames=1)
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=30, options={"g": "10", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        noise = np.random.default_rng(0)
        for _ in range(200):
            picture = noise.integers(0, 256, (48, 64, 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode())
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    source, read = open_video(path, loop=loop), 0

    with pytest.raises(
        VideoError, match=r"half\.mp4 ends early: frame \d+ of 200 cannot be read\. .*damaged"
    ):
        for _ in source:
            read += 1

    assert 50 < read < 150
    assert source._capture is None
    assert capfd.readouterr() == ("", "")


def test_a_container_that_estimates_its_length_does_not_end_early(make_clip: MakeClip) -> None:
    path = make_clip("clip.webm", frames=90, codec="VP80")

    assert len(list(open_video(path))) == 90


def test_a_video_without_a_single_frame_is_refused(tmp_path: Path) -> None:
    class Empty:
        released = False

        def get(self, key: int) -> float:
            return 0.0

        def read(self) -> tuple[bool, None]:
            return False, None

        def release(self) -> None:
            self.released = True

    capture = Empty()
    with pytest.raises(VideoError, match="clip has no frames"):
        video.VideoSource("clip", lambda: capture, False, False, False)  # type: ignore[arg-type, return-value]
    assert capture.released


@pytest.mark.skipif(sys.platform == "win32", reason="has no read permission to take away")
def test_a_clip_that_may_not_be_read_is_one_error(make_clip: MakeClip) -> None:
    path = make_clip()
    with unreadable(path), pytest.raises(VideoError, match=r"cannot be read: Permission denied\."):
        open_video(path)


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


class CameraHandler(QuietHandler):
    """A network camera that sends 20 pictures and then loses its connection."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        for index in range(20):
            jpeg = cv2.imencode(".jpg", np.full((48, 64, 3), 8 * index, np.uint8))[1].tobytes()
            self.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\n")
            self.wfile.write(b"Content-Length: %d\r\n\r\n%b\r\n" % (len(jpeg), jpeg))


@contextmanager
def served(handler: object) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:  # type: ignore[arg-type]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(timeout=10)


def test_a_recording_on_a_web_server_is_a_recording(make_clip: MakeClip, tmp_path: Path) -> None:
    make_clip("clip.mp4")
    with served(partial(QuietHandler, directory=str(tmp_path))) as address:
        source = open_video(f"{address}/clip.mp4")
        assert (source.is_live, source.frame_count) == (False, 30)
        assert greys(source) == list(range(30))
        with open_video(f"{address}/clip.mp4", loop=True) as source:
            assert [frame.index for frame in itertools.islice(source, 45)] == list(range(45))
        with pytest.raises(VideoError, match="Nothing that can be played answers at http://127"):
            open_video(f"{address}/other.mp4")


def test_a_network_camera_is_live_and_an_error_when_it_stops() -> None:
    with served(CameraHandler) as address:
        source, times = open_video(f"{address}/stream.mjpg"), []
        assert (source.is_live, source.frame_count) == (True, None)
        before = time.monotonic()
        with pytest.raises(VideoError, match=r"stream\.mjpg stopped after 20 frames\. Check its cable"):
            for frame in source:
                times.append(frame.time)

    assert times == sorted(times)
    assert before <= times[0] <= times[-1] <= time.monotonic()
    assert source._capture is None


class FakeCamera:
    """A USB camera as OpenCV shows one, for machines without: it gives five frames, then is unplugged."""

    def __init__(self, source: int, backend: int, parameters: list[int]) -> None:
        self.there, self.left = source in (0, 2), 5

    def isOpened(self) -> bool:
        return self.there

    def get(self, key: int) -> float:
        known = {
            cv2.CAP_PROP_FRAME_WIDTH: 640.0,
            cv2.CAP_PROP_FRAME_HEIGHT: 480.0,
            cv2.CAP_PROP_FRAME_COUNT: -1.0,
        }
        return known.get(key, 0.0)

    def read(self) -> tuple[bool, object]:
        self.left -= 1
        return (True, np.zeros((480, 640, 3), np.uint8)) if self.left >= 0 else (False, None)

    def release(self) -> None:
        self.there = False


def test_a_camera_gives_live_frames_on_the_monotonic_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", FakeCamera)
    before = time.monotonic()
    source, frames = open_video(0, pace=True, loop=True), []
    assert (source.is_live, source.frame_count, source.fps, source.size) == (True, None, 0.0, (640, 480))

    with pytest.raises(VideoError, match="Camera 0 stopped after 5 frames"):
        for frame in source:
            frames.append(frame)

    assert [frame.index for frame in frames] == [0, 1, 2, 3, 4]
    assert before <= frames[0].time <= frames[-1].time <= time.monotonic()
    assert source._capture is None


def test_an_absent_camera_names_those_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", FakeCamera)
    monkeypatch.setattr(sys, "platform", "win32")

    with pytest.raises(VideoError, match="Camera 1 is not there .*other cameras found: 0, 2"):
        open_video(1)


@pytest.mark.skipif(sys.platform != "linux", reason="looks for /dev/video*")
def test_a_camera_that_this_machine_lacks_is_one_error(capfd) -> None:
    with pytest.raises(VideoError, match="Camera 77 is not there .*other cameras found: "):
        open_video(77)
    assert capfd.readouterr() == ("", "")


def test_a_machine_kept_busy_reads_the_same_times(make_clip: MakeClip) -> None:
    path = make_clip(frames=60)
    calm = [frame.time for frame in open_video(path)]
    load = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    try:
        assert [frame.time for frame in open_video(path)] == calm
    finally:
        for process in load:
            process.kill()
            process.wait(timeout=10)
