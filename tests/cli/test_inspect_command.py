import csv
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from conftest import unreadable, wait_until
from dask_cluster import Cluster, dask_cluster
from recordings import beginning, small_recordings
from small_belt import SMALL, small_clip

from factory_lib import MotionPreset, inspect_recording, resource_path
from factory_lib.batch import workers as engines
from factory_lib.cli import main
from factory_lib.cli.inspect_command import NOTICE

unix = pytest.mark.skipif(sys.platform == "win32", reason="has signals, permissions and pipes with names")
COMMAND = [sys.executable, "-m", "factory_lib", "inspect"]


@pytest.fixture
def preset(tmp_path: Path) -> str:
    path = tmp_path / "small.cfg"
    SMALL.save(path)
    return str(path)


@pytest.fixture
def clips(tmp_path: Path) -> list[str]:
    """Three recordings with their truths."""
    folder = tmp_path / "clips"
    folder.mkdir()
    return [str(small_clip(folder, name)) for name in ("a", "b", "한글")]


def rows(path: Path) -> list[dict[str, Any]]:
    """Read a result file of either kind."""
    with path.open(encoding="utf-8", newline="") as file:
        return [json.loads(line) for line in file] if path.suffix != ".csv" else list(csv.DictReader(file))


def run(*arguments: str) -> int:
    return main(["inspect", *arguments])


@pytest.mark.parametrize(
    ("frames", "parts"),
    [(500, 8), pytest.param(1811, 26, marks=pytest.mark.slow)],
    ids=["beginning", "whole"],
)
def test_a_shipped_clip_is_inspected_and_compared_with_its_truth(
    frames: int, parts: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = resource_path("conveyor2.mp4")
    assert run(str(clip if parts == 26 else beginning(clip, tmp_path, frames)), "--key", "cam2") == 0

    output, errors = capsys.readouterr()
    assert errors == ""
    lines = output.splitlines()
    counts = f"{parts} detected, {parts} found, 0 missed, 0 false"
    assert lines[0].endswith(f"conveyor2.mp4: {counts}")
    assert lines[1].startswith(f"1 recording: 1 inspected, 0 failed; {counts} in ")


def test_each_file_has_a_line_for_each_recording(clips: list[str], preset: str, tmp_path: Path) -> None:
    files = ["--json", str(tmp_path / "r.jsonl"), "--csv", str(tmp_path / "r.csv")]
    assert run(*clips, "--preset", preset, *files, "--workers", "processes:2") == 0

    detections = [{"frame": d.frame, "time": d.time} for d in inspect_recording(clips[0], SMALL)]
    lines = sorted(rows(tmp_path / "r.jsonl"), key=lambda line: line["recording"])
    (label,) = {line["preset"] for line in lines}
    assert label.startswith("default ")
    assert lines == [
        {
            "recording": clip,
            "preset": label,
            "detections": detections,
            "truth": {"found": 3, "missed": 0, "false": 0},
            "error": None,
        }
        for clip in clips
    ]
    table = sorted(rows(tmp_path / "r.csv"), key=lambda row: row["recording"])
    frames = " ".join(str(detection["frame"]) for detection in detections)
    assert [row["recording"] for row in table] == clips
    assert {(row["preset"], row["frames"], row["detected"], row["error"]) for row in table} == {
        (label, frames, "3", "")
    }
    assert {(row["found"], row["missed"], row["false"]) for row in table} == {("3", "0", "0")}


def test_recordings_come_from_folders_lists_and_stdin(
    clips: list[str], preset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(clips[0]).parent
    (tmp_path / "list.txt").write_text(f"{clips[2]}\n\nclips/a.mp4\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for arguments, inspected in (
        ([str(folder)], clips),
        (["@list.txt"], [clips[0], clips[2]]),
        (["clips/b.mp4", "./clips/../clips/b.mp4", clips[1]], [clips[1]]),
    ):
        Path("r").unlink(missing_ok=True)
        assert run(*arguments, "--preset", preset, "--json", "r") == 0
        assert sorted(line["recording"] for line in rows(Path("r"))) == inspected

    Path("r").unlink()
    command = [*COMMAND, "-", "--preset", preset, "--json", "r"]
    subprocess.run(command, input="\n".join(clips[:2]).encode(), timeout=100, check=True)
    assert sorted(line["recording"] for line in rows(Path("r"))) == clips[:2]


def test_a_failed_recording_makes_the_exit_code_1_and_is_tried_again(
    clips: list[str], preset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    late = tmp_path / "clips" / "late.mp4"
    files = [tmp_path / "r.jsonl", tmp_path / "r.csv"]
    command = [str(late), *clips, "--preset", preset, "--json", str(files[0]), "--csv", str(files[1])]
    for _ in range(2):
        assert run(*command) == 1
        for file in files:
            assert Counter(row["recording"] for row in rows(file)) == Counter([str(late), *clips])
            (error,) = {row["error"] for row in rows(file) if row["recording"] == str(late)}
            assert error.startswith(f"There is no clip {late}.")
    output, errors = capsys.readouterr()
    assert errors.count(f"factory: {late}: There is no clip {late}. Check the path;") == 2
    assert "4 recordings: 3 inspected, 1 failed; 9 detected, 9 found" in output
    assert "4 recordings: 0 inspected, 1 failed, 3 done before; 0 detected" in output

    shutil.copy(clips[0], late)
    assert run(*command) == 0
    for file in files:
        assert Counter(row["recording"] for row in rows(file)) == Counter([str(late), *clips])
        assert {row["error"] for row in rows(file)} <= {None, ""}
    assert "4 recordings: 1 inspected, 0 failed, 3 done before;" in capsys.readouterr().out


def test_what_the_files_already_hold_of_other_recordings_stays(
    clips: list[str], preset: str, tmp_path: Path
) -> None:
    file = tmp_path / "r"
    assert run(clips[0], "nowhere.mp4", "--preset", preset, "--json", str(file)) == 1
    before = file.read_bytes()
    assert run(clips[1], "--preset", preset, "--json", str(file)) == 0

    assert file.read_bytes().startswith(before)
    assert [row["recording"] for row in rows(file)][2:] == [clips[1]]


def test_another_preset_is_another_result(clips: list[str], preset: str, tmp_path: Path) -> None:
    command = [clips[0], "--preset", preset, "--json", str(tmp_path / "r")]
    assert run(*command) == 0
    MotionPreset.load(preset).save(preset)
    before = (tmp_path / "r").read_bytes()
    assert run(*command) == 0
    assert (tmp_path / "r").read_bytes() == before  # the same values, saved again, are the same preset

    MotionPreset().save(preset)
    assert run(*command) == 1  # the slide's boxes do not fit this small picture
    (line,) = rows(tmp_path / "r")
    assert "reaches to (212, 90)" in line["error"]


def test_a_recording_is_done_when_every_named_file_has_it(
    clips: list[str], preset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = [*clips[:2], "--preset", preset, "--json", str(tmp_path / "r.jsonl")]
    assert run(*one) == 0
    assert run(clips[0], *one[2:], "--csv", str(tmp_path / "r.csv")) == 0

    assert "1 recording: 1 inspected" in capsys.readouterr().out.splitlines()[-1]
    assert Counter(row["recording"] for row in rows(tmp_path / "r.jsonl")) == Counter(clips[:2])
    assert [row["recording"] for row in rows(tmp_path / "r.csv")] == clips[:1]


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_a_last_line_that_was_cut_off_is_done_again(
    kind: str, clips: list[str], preset: str, tmp_path: Path
) -> None:
    file = tmp_path / f"r.{kind}"
    short = [str(beginning(Path(clip), tmp_path, frames=90)) for clip in clips]  # inspected often: one part
    command = [*short, "--preset", preset, "--workers", "threads:1", f"--{kind}", str(file)]
    assert run(*command) == 0
    whole = file.read_bytes()
    ends = [index + 1 for index, byte in enumerate(whole) if byte == ord("\n")]
    letter = whole.rindex("글".encode()) + 1
    # Cut off at many places: within the titles, after a line, in the middle of a letter of the last.
    for cut in sorted({0, 1, 5, *ends, *(end - 1 for end in ends), *range(ends[-2], len(whole), 7), letter}):
        file.write_bytes(whole[:cut])
        assert run(*command) == 0
        assert sorted(file.read_bytes().splitlines()) == sorted(whole.splitlines()), cut


FOREIGN = {
    "text": b"dear diary\n",
    "text without an end": b"dear diary",
    "another JSON": b'{"title": "my holiday"}\n',
    "a report": b'{\n  "cameras": {}\n}\n',
    "a line of ours that is none": b'{"recording": "x", "preset": 3}\n',
    "another table": b"recording,preset\nx,y\n",
    "a row too many": b"recording,preset,detected,found,missed,false,frames,times,error\n1,2\n",
    "bytes": bytes(range(256)),
}


@pytest.mark.parametrize("option", ["--json", "--csv"])
@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_file_that_is_not_ours_is_refused_and_left_as_it_is(
    option: str, content: bytes, clips: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine"
    file.write_bytes(content)

    assert run(*clips, option, str(file)) == 2

    output, errors = capsys.readouterr()
    assert output == ""
    assert re.fullmatch(r"factory: Line \d of .*mine is no result of 'factory inspect', .*\n", errors)
    assert file.read_bytes() == content


BAD = {
    "no such workers": (
        ["--workers", "dark"],
        "'dark' are no workers. Write threads:4, processes:4 or dask:",
    ),
    "no worker": (["--workers", "threads:0"], "'threads:0' are no workers"),
    "no port": (["--workers", "dask://localhost"], "'dask://localhost' are no workers"),
    "no scheduler": (["--workers", "dask://127.0.0.1:9"], "No Dask scheduler answers at 127.0.0.1:9: "),
    "no host": (["--workers", "dask://nowhere.invalid:9"], "No Dask scheduler answers at nowhere.invalid:9"),
    "a port too far": (["--workers", "dask://127.0.0.1:99999"], "No Dask scheduler answers at 127.0.0.1:99"),
    "no preset": (["--preset", "no.cfg"], "There is no preset file no.cfg"),
    "no section": (["--key", "cam9"], "has no section [cam9]"),
    "no list": (["@no.txt"], "no.txt cannot be read: "),
    "no clip in the folder": (["void"], "There is no clip in the folder void. It would end with .mp4, "),
    "two lines": (["a\nb.mp4"], "'a\\nb.mp4' is more than one line"),
    "results into a folder": (["--json", "void"], "The results cannot be written to void. Name a file"),
    "results into a device": (["--csv", os.devnull], "The results cannot be written to "),
    "results into nowhere": (["--csv", "no/where.csv"], "The results cannot be written to no/where.csv."),
    "one file for both": (["--csv", "r", "--json", "void/../r"], "Both results would go to one file."),
}


@pytest.mark.parametrize(("arguments", "words"), BAD.values(), ids=BAD.keys())
def test_what_must_be_put_right_is_one_sentence_and_exit_code_2(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("void").mkdir()
    try:
        code: object = run("clip.mp4", *arguments)
    except SystemExit as error:
        code = error.code

    output, errors = capsys.readouterr()
    assert (code, output) == (2, "")
    assert words in errors.splitlines()[-1]
    assert "Traceback" not in errors


@unix
def test_what_may_not_be_written_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "r"
    file.touch()
    with unreadable(file):
        assert run("x.mp4", "--json", str(file)) == 2

    errors = capsys.readouterr().err
    assert re.fullmatch(r"factory: .*(cannot be read: |cannot be written to ).*\. .*\n", errors)


@unix
def test_a_full_disk_is_one_sentence_and_the_same_command_goes_on_later(
    clips: list[str], preset: str, tmp_path: Path
) -> None:
    file = tmp_path / "r"
    command = ["inspect", *clips, "--preset", preset, "--json", str(file)]
    limited = (
        "import resource, sys; from factory_lib.cli import main; "
        "_, most = resource.getrlimit(resource.RLIMIT_FSIZE); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500, most)); code = main(sys.argv[1:]); "
        # Coverage has its own file to write at the end.
        "resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", limited, *command],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=100,
    )
    assert done.returncode == 2
    assert re.fullmatch(
        r"factory: .*/r cannot be written: .*\. Name a file that you may write, .*\n", done.stderr
    )
    assert 0 < file.read_bytes().count(b"\n") < 3

    assert main(command) == 0
    assert Counter(row["recording"] for row in rows(file)) == Counter(clips)


@pytest.mark.parametrize("words", [b"", b"SSH-2.0-OpenSSH_9.2p1\r\n"], ids=["mute", "another service"])
def test_somebody_elses_port_is_no_scheduler(
    words: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engines, "CONNECT_PATIENCE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:

        def answer() -> socket.socket:
            connection = server.accept()[0]
            connection.sendall(words)
            return connection

        answered = pool.submit(answer)
        address = f"127.0.0.1:{server.getsockname()[1]}"
        assert run("x.mp4", "--workers", f"dask://{address}") == 2
        answered.result(timeout=10).close()

    errors = capsys.readouterr().err
    assert errors.startswith(f"factory: No Dask scheduler answers at {address}: ")
    assert errors.endswith(f"workers with 'dask worker {address}', then try again.\n")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A scheduler without workers at first; the last test that uses it ends it."""
    with dask_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


def at(cluster: Cluster) -> list[str]:
    return ["--workers", cluster.address.replace("tcp://", "dask://")]


def test_a_cluster_without_workers_is_not_waited_for(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engines, "WORKERS_PATIENCE", 0.5)

    assert run("x.mp4", "--json", str(tmp_path / "r"), *at(cluster)) == 2

    assert re.search(r"The Dask scheduler at 127.* has no workers. Start some", capsys.readouterr().err)
    assert not (tmp_path / "r").exists()


def test_a_cluster_inspects_as_the_threads_do(
    cluster: Cluster,
    clips: list[str],
    preset: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(engines, "WORKERS_PATIENCE", 60)
    cluster.start_worker()

    assert run(*clips, "nowhere.mp4", "--preset", preset, "--json", str(tmp_path / "r"), *at(cluster)) == 1

    output = capsys.readouterr().out
    assert "4 recordings: 3 inspected, 1 failed; 9 detected, 9 found, 0 missed, 0 false in " in output
    found = [detection.frame for detection in inspect_recording(clips[0], SMALL)]
    frames = {row["recording"]: [hit["frame"] for hit in row["detections"]] for row in rows(tmp_path / "r")}
    assert frames == {**dict.fromkeys(clips, found), os.path.abspath("nowhere.mp4"): []}


@pytest.fixture
def started() -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Start the command in a process group of its own, as a terminal does."""
    processes = []

    def start(*arguments: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        if not nobody_is_left(process):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=60)


def nobody_is_left(process: "subprocess.Popen[str]") -> bool:
    """Tell whether the command and all its workers have ended."""
    process.poll()
    group = [other for other in psutil.process_iter() if _group(other) == process.pid]
    return not any(other.is_running() and other.status() != psutil.STATUS_ZOMBIE for other in group)


def _group(process: psutil.Process) -> int:
    try:
        return os.getpgid(process.pid)
    except ProcessLookupError:
        return -1


@contextmanager
def held_open(pipe: Path, process: "subprocess.Popen[str]") -> Iterator[None]:
    """Wait until a worker has opened the pipe, and let it wait for the first byte; then give it none."""
    writer = -1

    def opened() -> bool:
        nonlocal writer
        assert process.poll() is None, process.communicate()
        with suppress(OSError):  # as long as nobody reads
            writer = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        return writer >= 0

    assert wait_until(opened, 60)
    try:
        yield
    finally:
        os.close(writer)


@unix
def test_a_file_that_another_command_is_writing_is_left_to_it(
    clips: list[str],
    preset: str,
    tmp_path: Path,
    started: Callable[..., "subprocess.Popen[str]"],
    capsys: pytest.CaptureFixture[str],
) -> None:
    pipe, file = tmp_path / "pipe.mp4", tmp_path / "r.jsonl"
    os.mkfifo(pipe)
    command = [*clips, "--preset", preset, "--json", str(file)]

    first = started(str(pipe), *command, "--workers", "threads:1")
    with held_open(pipe, first):
        assert run(*command) == 2
        assert capsys.readouterr().err == (
            f"factory: Another command is writing to {file}. Wait until it has ended, or name another file.\n"
        )
    first.communicate(timeout=60)
    assert sorted(row["recording"] for row in rows(file)) == sorted([*clips, str(pipe)])

    assert run(*command) == 0
    assert "3 done before" in capsys.readouterr().out


@unix
def test_a_thousand_recordings_stopped_half_way_and_started_again_are_inspected_once_each(
    tmp_path: Path, preset: str, started: Callable[..., "subprocess.Popen[str]"]
) -> None:
    few = small_recordings(tmp_path, 4, length=14)  # long enough for one part
    folder, file = tmp_path / "many", tmp_path / "r.jsonl"
    folder.mkdir()
    paths = [folder / f"{index:03}.mp4" for index in range(1000)]
    middle = paths[500:502]  # for a start, pipes that hold the two workers
    for index, path in enumerate(paths):
        if path in middle:
            os.mkfifo(path)
        else:
            shutil.copy(few[index % 4], path)
    command = [str(folder), "--preset", preset, "--workers", "processes:2", "--json", str(file)]

    first = started(*command)
    with held_open(middle[0], first), held_open(middle[1], first):
        os.killpg(first.pid, signal.SIGINT)
        assert first.stderr is not None
        assert first.stderr.readline() + first.stderr.readline() == NOTICE
    output, errors = first.communicate(timeout=60)  # both pipes are empty files now
    before = [row for row in rows(file) if not row["error"]]
    assert {Path(row["recording"]) for row in rows(file) if row["error"]} == set(middle)
    assert (first.returncode, errors.count("is empty (0 bytes)")) == (130, 2)
    assert f"1000 recordings: {len(before)} inspected, 2 failed, {998 - len(before)} left; " in output
    assert 490 < len(before) < 510
    assert wait_until(lambda: nobody_is_left(first), 60)

    for index, path in enumerate(middle):
        path.unlink()
        shutil.copy(few[index], path)
    again = started(*command)
    output, errors = again.communicate(timeout=100)
    assert (again.returncode, errors) == (0, "")
    assert f"1000 recordings: {1000 - len(before)} inspected, 0 failed, {len(before)} done before; " in output
    assert rows(file)[: len(before)] == before
    assert Counter(row["recording"] for row in rows(file)) == Counter(str(path) for path in paths)
    found = [[hit["frame"] for hit in row["detections"]] for row in sorted(rows(file), key=_index)]
    assert all(found)
    assert found == [[hit.frame for hit in inspect_recording(path, SMALL)] for path in few] * 250


def _index(row: dict[str, Any]) -> int:
    return int(Path(row["recording"]).stem)


@unix
def test_ctrl_c_while_the_workers_start_is_quiet(
    clips: list[str], preset: str, started: Callable[..., "subprocess.Popen[str]"]
) -> None:
    process = started(*clips, "--preset", preset, "--workers", "processes:2")
    # One more for the tracker of multiprocessing's resources.
    assert wait_until(lambda: len(psutil.Process(process.pid).children()) >= 2, 60)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)

    assert (process.returncode, errors) == (130, NOTICE)
    assert wait_until(lambda: nobody_is_left(process), 60)


@unix
@pytest.mark.parametrize("workers", ["threads:1", "processes:1"])
def test_a_second_ctrl_c_does_not_wait_for_what_has_begun(
    workers: str, tmp_path: Path, started: Callable[..., "subprocess.Popen[str]"]
) -> None:
    held = tmp_path / "held.mp4"
    os.mkfifo(held)
    process = started(str(held), "--workers", workers)
    with held_open(held, process):
        os.killpg(process.pid, signal.SIGINT)
        assert process.stderr is not None
        assert process.stderr.readline() + process.stderr.readline() == NOTICE
        assert process.poll() is None
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (130, "")
        assert wait_until(lambda: nobody_is_left(process), 60)


@unix
def test_workers_end_when_the_command_is_killed(
    tmp_path: Path, started: Callable[..., "subprocess.Popen[str]"]
) -> None:
    held = tmp_path / "held.mp4"
    os.mkfifo(held)
    process = started(str(held), "--workers", "processes:1")
    with held_open(held, process):
        process.kill()
        assert wait_until(lambda: nobody_is_left(process), 60)


@pytest.mark.skipif(sys.platform != "linux", reason="has names that are no text")
def test_a_name_that_is_no_text_is_a_failed_recording_of_that_name(
    clips: list[str], preset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = os.fsdecode(bytes(tmp_path / "clips") + b"/\xff\\.mp4")
    shutil.copy(clips[0], name)
    files = ["--json", str(tmp_path / "r.json"), "--csv", str(tmp_path / "r.csv")]
    for _ in range(2):
        assert run(name, clips[1], "--preset", preset, *files) == 1
        assert capsys.readouterr().err.endswith(r".mp4' is no text in UTF-8. Rename it." + "\n")
        assert (tmp_path / "r.csv").read_bytes().count(b"\n") == 3
        assert sorted(row["recording"] for row in rows(tmp_path / "r.json")) == sorted([name, clips[1]])


def test_a_truth_that_is_none_is_said_and_the_recording_counts(
    clips: list[str], preset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(clips[0]).with_suffix(".json").write_text("{}", encoding="utf-8")

    assert run(clips[0], "--preset", preset, "--csv", str(tmp_path / "r.csv")) == 0

    output, errors = capsys.readouterr()
    assert errors.startswith("Not compared with a ground truth: ")
    assert output.startswith("1 recording: 1 inspected, 0 failed; 3 detected in ")
    (row,) = rows(tmp_path / "r.csv")
    assert (row["detected"], row["found"], row["missed"], row["false"]) == ("3", "", "", "")


@unix
def test_a_scheduler_that_ends_in_mid_run_is_one_sentence(
    cluster: Cluster, tmp_path: Path, started: Callable[..., "subprocess.Popen[str]"]
) -> None:
    held = tmp_path / "held.mp4"
    os.mkfifo(held)
    if not cluster.alive():
        cluster.start_worker()
    process = started(str(held), *at(cluster))
    with held_open(held, process):
        cluster.close()
        output, errors = process.communicate(timeout=60)

    assert (process.returncode, output) == (2, "")
    assert errors.startswith("factory: The executor takes no more recordings: ")
    assert errors.count("\n") == 1
