"""The clip server and its client, over real sockets."""

import http.client
import multiprocessing
import os
import pickle
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from conftest import wait_until

from factory_lib import FactoryError
from factory_lib.lab.clips import CHUNK, Clip, ClipServer

MakeClip = Callable[..., Path]
SIZE = 300_000


def made_up(size: int) -> bytes:
    return bytes(i % 256 for i in range(size))


def download(url: str, folder: str) -> str:
    """Stand for a lesson's target: importable, so that a spawned process finds it."""
    return Clip(url).streams.get_highest_resolution().download(folder)


def port(server: ClipServer) -> int:
    return urlsplit(server.url("")).port or 0


def status(server: ClipServer, target: str) -> int:
    """Ask for exactly this target; clients such as urllib would tidy it up first."""
    connection = http.client.HTTPConnection("127.0.0.1", port(server), timeout=10)
    try:
        connection.putrequest("GET", target, skip_host=True)
        connection.endheaders()
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.fixture
def server() -> Iterator[ClipServer]:
    with ClipServer(made_up={"film.mp4": SIZE}) as running:
        yield running


# --- what pytube's example does ---------------------------------------------------------------------


def test_the_courses_download_example_runs_as_with_pytube(server: ClipServer, tmp_path: Path) -> None:
    calls: list[Any] = []

    def on_progress(stream: Any, chunk: bytes, bytes_remaining: int) -> None:
        calls.append((stream.title, len(chunk), bytes_remaining))

    def on_complete(stream: Any, path: str) -> None:
        calls.append((stream.title, path))

    clip = Clip(server.url("film.mp4"), on_progress_callback=on_progress, on_complete_callback=on_complete)
    stream = clip.streams.get_highest_resolution()
    path = stream.download(str(tmp_path))

    assert (clip.title, clip.length, stream.filesize) == ("film", 2, SIZE)
    assert path == str(tmp_path / "film.mp4")
    assert Path(path).read_bytes() == made_up(SIZE)
    whole, rest = divmod(SIZE, CHUNK)
    expected: list[Any] = [("film", CHUNK, SIZE - CHUNK * (i + 1)) for i in range(whole)]
    assert calls == [*expected, ("film", rest, 0), ("film", path)]


def test_a_shipped_clip_arrives_as_it_is_and_tells_its_length(tmp_path: Path, make_clip: MakeClip) -> None:
    original = make_clip("two seconds.mp4", frames=75, fps=30.0)
    with ClipServer(tmp_path) as server:
        clip = Clip(server.url("two seconds.mp4"))
        path = clip.streams.get_highest_resolution().download(output_path=tmp_path / "new", filename="b.mp4")

        assert (clip.title, clip.length) == ("two seconds", 2)
        assert path == str(tmp_path / "new" / "b.mp4")
        assert Path(path).read_bytes() == original.read_bytes()


def test_without_a_folder_the_courses_own_clips_are_served(tmp_path: Path) -> None:
    with ClipServer() as server:
        assert Clip(server.url("conveyor.mp4")).length == 62


def test_without_an_output_path_the_file_comes_into_the_current_folder(
    server: ClipServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert Clip(server.url("film.mp4")).streams.get_highest_resolution().download() == os.path.abspath(
        "film.mp4"
    )


def test_an_empty_clip_makes_an_empty_file_and_no_progress(tmp_path: Path) -> None:
    calls: list[int] = []
    with ClipServer(tmp_path, made_up={"empty.mp4": 0}) as server:
        clip = Clip(server.url("empty.mp4"), on_progress_callback=lambda s, c, left: calls.append(left))
        path = clip.streams.get_highest_resolution().download(tmp_path)

    assert (Path(path).read_bytes(), calls) == (b"", [])


def test_a_file_that_is_no_video_has_no_length(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a video", encoding="utf-8")
    with ClipServer(tmp_path) as server:
        assert Clip(server.url("notes.txt")).length == 0


def test_a_name_with_hangul_and_marks_is_served(tmp_path: Path) -> None:
    name = "벨트 100% #1.mp4"
    (tmp_path / name).write_bytes(b"x")
    with ClipServer(tmp_path) as server:
        path = Clip(server.url(name)).streams.get_highest_resolution().download(tmp_path / "new")

    assert Path(path) == tmp_path / "new" / name


def test_it_works_from_a_thread_and_from_a_spawned_process(server: ClipServer, tmp_path: Path) -> None:
    url = server.url("film.mp4")
    thread = threading.Thread(target=download, args=(url, str(tmp_path / "thread")))
    process = multiprocessing.get_context("spawn").Process(
        target=download, args=(url, str(tmp_path / "process"))
    )
    thread.start()
    process.start()
    thread.join(timeout=30)
    process.join(timeout=60)

    assert process.exitcode == 0
    process.close()
    assert (tmp_path / "thread" / "film.mp4").stat().st_size == SIZE
    assert (tmp_path / "process" / "film.mp4").stat().st_size == SIZE


def test_a_proxy_of_the_school_is_not_asked(server: ClipServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    assert Clip(server.url("film.mp4")).length == 2


def test_an_address_of_the_internet_is_refused_with_the_name_of_pytubefix() -> None:
    with pytest.raises(FactoryError, match="write pytubefix.YouTube instead of Clip"):
        Clip("https://youtu.be/2lAe1cqCOXo")


# --- speed ------------------------------------------------------------------------------------------


def test_a_download_takes_at_least_what_size_and_speed_say(tmp_path: Path) -> None:
    with ClipServer(bytes_per_second=400_000, made_up={"film.mp4": 200_000}) as server:
        start = time.monotonic()
        download(server.url("film.mp4"), str(tmp_path))
        seconds = time.monotonic() - start

    # 0.5 s, less the last piece's, which is sent at once, and a clock's tick; at full speed 0.01 s.
    assert seconds >= 0.4


def test_at_no_time_has_more_been_sent_than_the_speed_allows(tmp_path: Path) -> None:
    seen: list[tuple[float, int]] = []
    with ClipServer(bytes_per_second=500_000, made_up={"film.mp4": 400_000}) as server:
        start = time.monotonic()
        Clip(
            server.url("film.mp4"),
            on_progress_callback=lambda s, c, left: seen.append((time.monotonic() - start, 400_000 - left)),
        ).streams.get_highest_resolution().download(tmp_path)

    assert len(seen) == 13
    # One piece of a twentieth of a second is on its way at once, and a clock may tick late.
    assert [received for after, received in seen if received > 500_000 * (after + 0.07)] == []


@pytest.mark.timeout(60)
def test_the_speed_can_be_changed_while_a_download_is_under_way(tmp_path: Path) -> None:
    with ClipServer(bytes_per_second=200_000, made_up={"film.mp4": 20_000_000}) as server:

        def hurry(stream: Any, chunk: bytes, left: int) -> None:
            server.bytes_per_second = None

        clip = Clip(server.url("film.mp4"), on_progress_callback=hurry)
        path = clip.streams.get_highest_resolution().download(tmp_path)

    # At the first speed it would have taken 100 s, more than the test has.
    assert Path(path).stat().st_size == 20_000_000


@pytest.mark.parametrize("wrong", [0, -1, float("nan")])
def test_a_speed_that_is_none_is_refused(wrong: float) -> None:
    with pytest.raises(FactoryError, match="Use a number above 0, or None"):
        ClipServer(bytes_per_second=wrong)


# --- what is served ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target",
    [
        "/../secret.mp4",
        "/%2e%2e/secret.mp4",
        "/%2E%2E%2Fsecret.mp4",
        "/%252e%252e/secret.mp4",
        "/..%5csecret.mp4",
        "/..\\secret.mp4",
        "/inner/../../secret.mp4",
        "/./clip.mp4",
        "{folder}/clip.mp4",
        "/{secret}",
        "/%2F{secret}",
        "/file://{secret}",
        "http://127.0.0.1/../secret.mp4",
        "/link.mp4",
        "/door/secret.mp4",
        "/inner",
        "/",
        "/clip.mp4%00.txt",
        "/clip.mp4::$DATA",
        "/" + "x" * 5000,
        "/nothing.mp4",
    ],
)
def test_nothing_but_the_folder_is_served(target: str, tmp_path: Path) -> None:
    folder = tmp_path / "served"
    (folder / "inner").mkdir(parents=True)
    (folder / "clip.mp4").write_bytes(b"clip")
    (folder / "inner" / "clip.mp4").write_bytes(b"clip")
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(b"secret")
    try:
        (folder / "link.mp4").symlink_to(secret)
        (folder / "door").symlink_to(tmp_path, target_is_directory=True)
        (folder / "circle.mp4").symlink_to(folder / "circle.mp4")
    except OSError:  # Windows lets only some users make links
        pass
    target = target.format(folder=folder.as_posix(), secret=secret.as_posix().removeprefix("/"))

    with ClipServer(folder) as server:
        assert status(server, "/clip.mp4") == 200
        assert status(server, "/inner/clip.mp4?x=1") == 200
        assert status(server, "/circle.mp4") == 404
        assert status(server, target) == 404


def test_only_this_machine_can_reach_it(server: ClipServer) -> None:
    assert server.url("a b.mp4").startswith("http://127.0.0.1:")
    assert server._server is not None
    assert server._server.socket.getsockname()[0] == "127.0.0.1"


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FactoryError, match="There is no folder"):
        ClipServer(tmp_path / "nowhere")


# --- stopping ---------------------------------------------------------------------------------------


def test_after_the_with_nobody_answers_and_no_thread_is_left(tmp_path: Path) -> None:
    before = threading.active_count()
    with ClipServer() as server:
        url = server.url("conveyor.mp4")
        assert threading.active_count() > before

    assert threading.active_count() == before
    with pytest.raises(FactoryError, match=r"Nothing answers at .*'with'"):
        download(url, str(tmp_path))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FactoryError, match="is not running"):
        server.url("conveyor.mp4")


def test_it_can_be_started_again(tmp_path: Path) -> None:
    server = ClipServer(made_up={"film.mp4": 10})
    for folder in ("one", "two"):
        with server:
            assert Path(download(server.url("film.mp4"), str(tmp_path / folder))).read_bytes() == made_up(10)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("client", "speed"),
    [("says nothing", None), ("asks and never reads", None), ("waits for 20 s for each byte", 0.05)],
)
def test_the_with_ends_soon_whatever_a_client_does(client: str, speed: float | None) -> None:
    before = threading.active_count()
    with (
        ClipServer(bytes_per_second=speed, made_up={"film.mp4": 100_000_000}) as server,
        socket.create_connection(("127.0.0.1", port(server)), timeout=10) as connection,
    ):
        if client != "says nothing":
            connection.sendall(b"GET /film.mp4 HTTP/1.0\r\n\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.0 200")
        assert wait_until(lambda: threading.active_count() == before + 2)
        time.sleep(0.5)  # until the buffers between the two are full, and the server stands still
        start = time.monotonic()
        server.__exit__(None, None, None)
        # Far below the 10 s after which a socket gives up by itself.
        assert time.monotonic() - start < 7


def test_clients_that_go_away_leave_no_words_on_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    with ClipServer(made_up={"film.mp4": 50_000_000}) as server:
        address = ("127.0.0.1", port(server))
        for _ in range(5):
            with socket.create_connection(address, timeout=10) as connection:
                connection.sendall(b"GET /film.mp4 HTTP/1.0\r\n\r\n")
                connection.recv(100)
        assert status(server, "/nothing") == 404

    assert capfd.readouterr().err == ""


# --- what can go wrong ------------------------------------------------------------------------------


def test_a_server_that_stops_in_the_middle_is_one_error_and_no_half_file(tmp_path: Path) -> None:
    server = ClipServer(bytes_per_second=1_000_000, made_up={"film.mp4": 50_000_000})
    leave = threading.Thread(target=server.__exit__, args=(None, None, None))
    begun: list[int] = []

    def on_progress(stream: Any, chunk: bytes, left: int) -> None:
        if not begun:
            leave.start()
        begun.append(left)

    with server:
        clip = Clip(server.url("film.mp4"), on_progress_callback=on_progress)
        with pytest.raises(FactoryError, match=r"broke off with \d+ bytes to come.*download again"):
            clip.streams.get_highest_resolution().download(tmp_path)
        leave.join(timeout=20)

    assert begun
    assert list(tmp_path.iterdir()) == []


def test_a_broken_download_keeps_the_file_of_the_one_before(server: ClipServer, tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"before")

    def fail(stream: Any, chunk: bytes, left: int) -> None:
        raise OSError("the callback's own")

    clip = Clip(server.url("film.mp4"), on_progress_callback=fail)
    with pytest.raises(OSError, match="the callback's own"):
        clip.streams.get_highest_resolution().download(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]
    assert (tmp_path / "film.mp4").read_bytes() == b"before"


def test_while_it_downloads_the_final_name_is_not_there(server: ClipServer, tmp_path: Path) -> None:
    there: list[bool] = []
    clip = Clip(
        server.url("film.mp4"),
        on_progress_callback=lambda s, c, left: there.append((tmp_path / "film.mp4").exists()),
        on_complete_callback=lambda s, path: there.append(Path(path).exists()),
    )
    clip.streams.get_highest_resolution().download(tmp_path)

    assert set(there[:-1]) == {False}
    assert there[-1]


@pytest.mark.parametrize(
    "ask", [lambda clip: clip.length, lambda clip: clip.streams.get_highest_resolution().download()]
)
def test_a_clip_that_the_server_does_not_have_is_one_error(
    ask: Callable[[Clip], object], server: ClipServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FactoryError, match=r"The server has no clip at .*nothing\.mp4") as caught:
        ask(Clip(server.url("nothing.mp4")))

    assert list(tmp_path.iterdir()) == []
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_folder_that_cannot_be_written_is_one_error(server: ClipServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(FactoryError, match=r"cannot be written to.*name a folder of your own"):
        download(server.url("film.mp4"), str(tmp_path / "file"))


@pytest.mark.skipif(sys.platform == "win32", reason="has no limit on a file's size")
@pytest.mark.parametrize("room", [SIZE - 100, 3 * CHUNK], ids=["in the last chunk", "between chunks"])
def test_a_disk_without_room_for_the_whole_file_is_one_error(
    room: int, server: ClipServer, tmp_path: Path
) -> None:
    code = (
        f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))\n"
        "from factory_lib.lab.clips import Clip\n"
        f"Clip({server.url('film.mp4')!r}).streams.get_highest_resolution().download({str(tmp_path)!r})"
    )
    # Without coverage, whose own file would not find room either.
    env = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=60, env=env
    )

    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"factory_lib.errors.FactoryError: {tmp_path} cannot be written to: "), done.stderr
    assert last.endswith(". Free some space, or name a folder of your own.")
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_none_of_ours_is_one_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def answer() -> None:
            connection, _ = other.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"what?\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(FactoryError, match="Nothing answers at"):
            download(f"http://127.0.0.1:{other.getsockname()[1]}/film.mp4", str(tmp_path))
        thread.join(timeout=10)
