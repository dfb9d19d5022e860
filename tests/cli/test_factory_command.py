import io
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import pytest
import small_belt
from conftest import MakeClip, hide_display, turns, unreadable, wait_until
from desktop import close_window, virtual_screen, xdotool

import factory_lib
from factory_lib.cli import factory_command as cli
from factory_lib.cli import main
from factory_lib.ground_truth import GroundTruth
from factory_lib.preset import MotionPreset
from factory_lib.resources import resource_path

try:
    import termios
except ImportError:  # Windows
    termios = None  # type: ignore[assignment]

COMMAND = [sys.executable, "-m", "factory_lib"]
TRUTHS = {"Cam1": "conveyor.json", "Cam2": "conveyor2.json"}


class Clips(NamedTuple):
    """Options of the command that choose two clips, and each camera's ground truth."""

    options: list[str]
    truths: dict[str, GroundTruth]


class ShippedRun(NamedTuple):
    """What the command printed, its report, and the folder of its crops."""

    output: str
    values: dict[str, Any]
    crops: Path


@pytest.fixture(autouse=True)
def neither_board_nor_display(monkeypatch: pytest.MonkeyPatch, no_display: None) -> None:
    monkeypatch.delenv("FACTORY_BOARD", raising=False)


def parts(camera: str) -> int:
    return len(GroundTruth.load(resource_path(TRUTHS[camera])).parts)


def table(output: str) -> dict[str, dict[str, str]]:
    """Read the summary: camera -> column -> cell."""
    lines = output.splitlines()
    (start,) = [number for number, line in enumerate(lines) if line.split()[:2] == ["camera", "read"]]
    titles = lines[start].split()
    rows = [dict(zip(titles, line.split(), strict=True)) for line in lines[start + 1 : start + 3]]
    return {row["camera"]: row for row in rows}


@pytest.fixture
def small_clip(make_clip: MakeClip) -> str:
    return str(make_clip(size=(240, 240), frames=60))


@pytest.fixture(scope="module")
def shipped_run(tmp_path_factory: pytest.TempPathFactory) -> ShippedRun:
    """Run the factory over both shipped clips, as whoever has neither board nor display."""
    folder = tmp_path_factory.mktemp("shipped")
    report, crops = folder / "report.json", folder / "crops"
    output, errors = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as here, redirect_stdout(output), redirect_stderr(errors):
        hide_display(here)
        here.delenv("FACTORY_BOARD", raising=False)
        assert main(["--json", str(report), "--save", str(crops)]) == 0
    assert errors.getvalue() == ""
    return ShippedRun(output.getvalue(), json.loads(report.read_text(encoding="utf-8")), crops)


def test_the_factory_finds_every_part_of_both_shipped_clips_once_and_delivers_every_frame(
    shipped_run: ShippedRun,
) -> None:
    output, values, crops = shipped_run
    assert set(values) == {"cameras", "seconds", "deepest_queue"}
    rows = table(output)
    for name, camera in values["cameras"].items():
        assert camera["truth"] == {"found": parts(name), "missed": 0, "false": 0}
        assert parts(name) >= 24
        assert camera["read"] == camera["delivered"] == int(rows[name]["shown"])
        assert camera["dropped"] == 0
        assert len(camera["detections"]) == parts(name) == int(rows[name]["detected"])
        assert [rows[name][key] for key in ("found", "missed", "false")] == [str(parts(name)), "0", "0"]
        frames = [detection["frame"] for detection in camera["detections"]]
        assert all((crops / f"{name}-{frame:06d}.png").is_file() for frame in frames)
    assert (crops / "detected.png").is_file()
    assert len(list(crops.iterdir())) == parts("Cam1") + parts("Cam2") + 1
    assert "Shown in no window, since " in output
    assert re.search(r"^\d+\.\d s, deepest queue [1-8]$", output, re.MULTILINE)


@contextmanager
def busy_machine() -> Iterator[None]:
    """Keep every core busy with other work."""
    load = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2 * (os.cpu_count() or 1))
    ]
    try:
        yield
    finally:
        for process in load:
            process.kill()
            process.wait(timeout=10)


@pytest.fixture(params=["small", pytest.param("shipped", marks=pytest.mark.slow)])
def clips(request: pytest.FixtureRequest, tmp_path: Path) -> Clips:
    """Give two clips that have their ground truth: the beginning of the shipped one, or those themselves."""
    if request.param == "shipped":
        return Clips([], {name: GroundTruth.load(resource_path(truth)) for name, truth in TRUTHS.items()})
    path = small_belt.small_clip(tmp_path)
    small_belt.SMALL.save(tmp_path / "small.cfg", "default")
    truth = GroundTruth.load(path.with_suffix(".json"))
    options = ["--preset", str(tmp_path / "small.cfg"), "--cam2-key", "default"]
    return Clips([*options, "--cam1", str(path), "--cam2", str(path)], dict.fromkeys(TRUTHS, truth))


@pytest.mark.timeout(240)
@pytest.mark.parametrize("option", [pytest.param("--pace", marks=pytest.mark.slow), "--no-pace"])
def test_the_result_is_the_same_on_a_busy_machine_at_any_speed(
    clips: Clips, tmp_path: Path, option: str
) -> None:
    with busy_machine():
        assert main([*clips.options, option, "--json", str(tmp_path / "report.json")]) == 0

    values = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    for name, camera in values["cameras"].items():
        assert camera["truth"] == {"found": len(clips.truths[name].parts), "missed": 0, "false": 0}
        assert (camera["read"], camera["dropped"]) == (camera["delivered"], 0)
        assert camera["read"] == clips.truths[name].frames
    if option == "--pace":
        assert values["seconds"] > 0.95 * clips.truths["Cam1"].frames / 30


def test_seconds_ends_early_with_0_and_counts_only_what_could_be_seen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--pace", "--seconds", "0.5", "--json", str(tmp_path / "r.json")]) == 0

    for camera in json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["cameras"].values():
        assert 0 < camera["read"] < 100
        assert camera["truth"] == {"found": 0, "missed": 0, "false": 0}


def test_a_clip_without_ground_truth_has_no_score(
    small_clip: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        main(
            [
                "--cam1",
                small_clip,
                "--cam2",
                small_clip,
                "--cam2-key",
                "default",
                "--json",
                str(tmp_path / "r"),
            ]
        )
        == 0
    )

    assert list(table(capsys.readouterr().out)["Cam1"]) == [
        "camera",
        "read",
        "shown",
        "dropped",
        "detected",
        "fps",
    ]
    cameras = json.loads((tmp_path / "r").read_text(encoding="utf-8"))["cameras"]
    assert [cameras["Cam1"]["truth"], cameras["Cam2"]["truth"]] == [None, None]


def test_a_json_beside_a_clip_that_is_no_ground_truth_is_named_and_left_alone(
    small_clip: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(small_clip).with_suffix(".json").write_text('{"title": "my holiday"}', encoding="utf-8")

    assert main(["--cam1", small_clip, "--cam2", small_clip, "--cam2-key", "default"]) == 0

    assert "Not compared with a ground truth: " in capsys.readouterr().err


def test_preset_and_keys_can_be_chosen(small_clip: str, tmp_path: Path) -> None:
    preset = tmp_path / "mine.cfg"
    # Everything passes, so each camera takes exactly one part: its first frame.
    MotionPreset(threshold=0, top_ratio=1.0, mid_ratio=0.0).save(preset, "left")
    MotionPreset(threshold=255).save(preset, "right")

    keys = ["--cam1-key", "left", "--cam2-key", "right"]
    code = main(
        [
            "--cam1",
            small_clip,
            "--cam2",
            small_clip,
            "--preset",
            str(preset),
            *keys,
            "--json",
            str(tmp_path / "r.json"),
        ]
    )

    cameras = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["cameras"]
    assert code == 0
    assert [[hit["frame"] for hit in cameras[name]["detections"]] for name in ("Cam1", "Cam2")] == [[0], []]


BAD = {
    "missing clip": (["--cam1", "nowhere.mp4"], "There is no clip nowhere.mp4. Check the path"),
    "folder as clip": (["--cam2", "."], "is a folder, not a clip"),
    "empty clip": (["--cam1", "empty.mp4"], "is empty (0 bytes)"),
    "text as clip": (["--cam1", "text.mp4"], "text.mp4 is not a video that FFmpeg can read"),
    "cut off clip": (["--cam1", "cut.mp4"], "cut.mp4 is not a video that FFmpeg can read, or it was cut off"),
    "clip that ends early": (["--cam1", "half.avi"], "half.avi ends early: frame"),
    "absent camera": (["--cam1", "77"], "Camera 77 is not there"),
    "silent stream": (["--cam1", "http://127.0.0.1:9/x"], "Nothing that can be played answers at http://127"),
    "missing preset": (["--preset", "no.cfg"], "There is no preset file no.cfg"),
    "missing section": (["--cam1-key", "cam9"], "has no section [cam9]; sections there: default, cam2"),
    "wrong value": (
        ["--preset", "bad.cfg"],
        "bad.cfg, section [default]: threshold = high is not a whole number",
    ),
    "unknown key": (["--preset", "key.cfg"], "no key treshold. Did you mean threshold?"),
    "no preset file": (["--preset", "text.mp4"], "text.mp4 is not a preset file"),
    "box left open": (
        ["--preset", "point.cfg"],
        "point.cfg, section [default]: roi_top_left = (12, is not a point",
    ),
    "box upside down": (["--preset", "box.cfg"], "box.cfg, section [default]: roi_bottom_right = (5, 90)"),
    "margin outside": (["--preset", "margin.cfg"], "top_margin = 90 does not lie inside the ROI"),
    "box outside the frame": (["--cam1", "small.mp4"], "reaches to (212, 90) but the frame is 64x48"),
    "no display": (["--display", "windows"], "No window can be opened: "),
    "no board": (["-d", "/nowhere/ttyUSB0"], "The board's port /nowhere/ttyUSB0 cannot be opened"),
    "save into a file": (["--save", "text.mp4"], "Nothing can be saved in text.mp4"),
    "report into a folder": (["--json", "."], "The report cannot be written to"),
    "report into nowhere": (["--json", "no/where.json"], "The report cannot be written to"),
}


@pytest.fixture
def bad_inputs(tmp_path: Path, make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.mp4").touch()
    Path("text.mp4").write_text("not a video " * 99, encoding="utf-8")
    make_clip("small.mp4")
    whole = make_clip("cut.mp4").read_bytes()
    Path("cut.mp4").write_bytes(whole[: len(whole) // 2])
    make_clip("half.avi", frames=200, size=(240, 240), codec="MJPG")
    content = Path("half.avi").read_bytes()
    Path("half.avi").write_bytes(content[: len(content) // 2])
    for name, line in {
        "bad.cfg": "threshold = high",
        "key.cfg": "treshold = 90",
        "point.cfg": "roi_top_left = (12,",
        "box.cfg": "roi_bottom_right = (5, 90)",
        "margin.cfg": "top_margin = 90",
    }.items():
        Path(name).write_text(f"[default]\n{line}\n[cam2]\n", encoding="utf-8")


@pytest.mark.parametrize(("arguments", "words"), BAD.values(), ids=BAD.keys())
@pytest.mark.usefixtures("bad_inputs")
def test_bad_input_is_one_sentence_and_exit_code_2(
    arguments: list[str], words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["--seconds", "20", *arguments]) == 2

    errors = capfd.readouterr().err
    assert errors.startswith("factory: ")
    assert words in errors
    assert errors.count("\n") == 1
    assert "Traceback" not in errors


@pytest.mark.skipif(sys.platform == "win32", reason="has no read permission to take away")
@pytest.mark.parametrize("option", ["--cam1", "--preset"])
def test_what_may_not_be_read_is_one_sentence_and_exit_code_2(
    option: str, make_clip: MakeClip, capfd: pytest.CaptureFixture[str]
) -> None:
    path = make_clip()
    with unreadable(path):
        assert main([option, str(path)]) == 2

    errors = capfd.readouterr().err
    assert re.fullmatch(r"factory: .*clip\.mp4 cannot be read: Permission denied\. .*\n", errors)


@pytest.mark.parametrize(
    "arguments", [["--seconds", "0"], ["--seconds", "-1"], ["--seconds", "soon"], ["--what"]]
)
def test_wrong_options_are_explained_and_exit_with_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)

    assert caught.value.code == 2
    assert "usage: factory" in capsys.readouterr().err


def test_a_camera_that_fails_in_mid_run_leaves_the_summary_and_the_crops(
    make_clip: MakeClip, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = make_clip("half.avi", frames=200, size=(240, 240), codec="MJPG")
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])

    assert main(["--cam1", str(clip), "--save", str(tmp_path / "crops")]) == 2

    output, errors = capsys.readouterr()
    assert "ends early" in errors
    row = table(output)["Cam1"]
    assert 50 < int(row["read"]) == int(row["shown"]) + int(row["dropped"]) < 150


def test_the_board_can_be_simulated_over_a_port(small_clip: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACTORY_BOARD", "simulated")

    assert main(["-d", "/nowhere", "--cam1", small_clip, "--cam2", small_clip, "--cam2-key", "default"]) == 0


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    for option in ("--version", "--help"):
        with pytest.raises(SystemExit) as caught:
            main([option])
        assert caught.value.code == 0
    output = capsys.readouterr().out
    assert re.search(r"^factory \d+\.\d+\.\d+\n", output)
    for option in ("--cam1", "--cam2-key", "--device", "--display", "--no-pace", "--save", "--json"):
        assert option in output


def test_the_slides_program_and_the_module_are_the_same_command(tmp_path: Path) -> None:
    door = Path(factory_lib.__file__).parent.parent / "factory.py"
    for command in ([sys.executable, str(door)], COMMAND, [str(Path(sys.executable).with_name("factory"))]):
        done = subprocess.run(
            [*command, "-d", "/nowhere/ttyUSB0"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr[:34]) == (2, "factory: The board's port /nowhere")


@pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
@pytest.mark.timeout(180)
@pytest.mark.parametrize("turn", turns(10, quick=2))
def test_ctrl_c_at_a_random_moment_ends_with_130_and_the_summary(turn: int, tmp_path: Path) -> None:
    rng = random.Random(3 + turn)
    crops = tmp_path / str(turn)
    options = ["--pace", "--display", "none", "--save", str(crops), "--json", str(tmp_path / "r.json")]
    with subprocess.Popen(
        [*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        while "Ctrl-C stops" not in process.stdout.readline():
            pass
        time.sleep(rng.choice([0.0, rng.uniform(0, 0.1), rng.uniform(0, 5)]))
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (130, "")
    rows = table(output)
    cameras = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["cameras"]
    for name, camera in cameras.items():
        assert camera["read"] == camera["delivered"] + camera["dropped"] == int(rows[name]["read"])
        assert (camera["truth"]["missed"], camera["truth"]["false"]) == (0, 0)
        saved = {path.name for path in crops.glob(f"{name}-*.png")}
        assert saved == {f"{name}-{hit['frame']:06d}.png" for hit in camera["detections"]}


def test_processes_find_the_same_and_say_nothing_of_their_own(clips: Clips, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    done = subprocess.run(
        [*COMMAND, *clips.options, "--workers", "processes", "--json", str(report)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=100,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    for name, camera in json.loads(report.read_text(encoding="utf-8"))["cameras"].items():
        assert camera["truth"] == {"found": len(clips.truths[name].parts), "missed": 0, "false": 0}
        assert camera["read"] == camera["delivered"] == int(table(done.stdout)[name]["shown"])


@pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
def test_ctrl_c_on_a_terminal_reaches_all_processes_and_stops_them_as_it_stops_threads() -> None:
    with subprocess.Popen(
        [*COMMAND, "--workers", "processes", "--pace", "--display", "none"],
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        while "Ctrl-C stops" not in process.stdout.readline():
            pass
        time.sleep(random.Random(5).uniform(0, 2))  # the moment
        os.killpg(process.pid, signal.SIGINT)
        output, errors = process.communicate(timeout=60)

    assert (process.returncode, errors) == (130, "")
    assert set(table(output)) == {"Cam1", "Cam2"}


@pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
def test_ctrl_c_while_a_camera_is_being_opened_ends_with_130() -> None:
    # A network camera that takes the call and then says nothing: opening it takes until its timeout.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/x"
        with subprocess.Popen(
            [*COMMAND, "--cam2", address], stderr=subprocess.PIPE, text=True, encoding="utf-8"
        ) as process:
            silent.settimeout(30)
            with silent.accept()[0]:
                process.send_signal(signal.SIGINT)
                _, errors = process.communicate(timeout=30)

    assert process.returncode == 130
    assert errors.startswith("factory: Nothing that can be played answers at ")
    assert errors.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
def test_a_second_ctrl_c_does_not_wait_for_a_clean_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    def stuck(*_: object, stop: threading.Event, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.wait(10)
        os.kill(os.getpid(), signal.SIGINT)
        pytest.fail("went on")

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr(cli, "run_factory", stuck)
    try:
        assert main([]) == 130
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
def test_a_request_to_terminate_is_a_clean_stop_too() -> None:
    with subprocess.Popen(
        [*COMMAND, "--pace", "--display", "none"], stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        while "Ctrl-C stops" not in process.stdout.readline():
            pass
        process.terminate()
        output, _ = process.communicate(timeout=30)

    assert process.returncode == 128 + signal.SIGTERM
    assert "deepest queue" in output


def test_signal_handlers_are_put_back(small_clip: str) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

    main(["--cam1", small_clip, "--cam2", small_clip, "--cam2-key", "default"])

    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


@pytest.fixture(scope="module")
def screen() -> Iterator[str]:
    with virtual_screen() as name:
        yield name


def started(screen: str, *options: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*COMMAND, *options],
        env=os.environ | {"DISPLAY": screen},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def visible(screen: str) -> list[str]:
    ids = xdotool(screen, "search", "--onlyvisible", "--name", "Cam").split()
    return sorted(xdotool(screen, "getwindowname", number) for number in ids)


ALL_WINDOWS = ["Cam1 detected", "Cam1 live", "Cam2 detected", "Cam2 live"]


@pytest.mark.parametrize("how", ["key", "cross"])
def test_on_a_desktop_all_four_windows_show_and_the_person_can_stop(screen: str, how: str) -> None:
    with started(screen) as process:
        assert wait_until(lambda: visible(screen) == ALL_WINDOWS, 30)
        if how == "key":
            xdotool(screen, "mousemove", "300", "200", "click", "1", "key", "q")
        else:
            close_window(screen, "Cam2 live")
        output, errors = process.communicate(timeout=30)

    assert (process.returncode, errors) == (0, "")
    assert "Shown in windows: q or Ctrl-C stops." in output
    rows = table(output)
    for name in ("Cam1", "Cam2"):
        assert int(rows[name]["detected"]) >= 1
        assert (rows[name]["missed"], rows[name]["false"]) == ("0", "0")
        assert int(rows[name]["read"]) == int(rows[name]["shown"]) + int(rows[name]["dropped"])


def test_with_windows_clips_play_at_their_own_speed(screen: str, make_clip: MakeClip) -> None:
    clip = str(make_clip(size=(240, 240), frames=60, fps=30.0))
    before = time.monotonic()
    with started(screen, "--cam1", clip, "--cam2", clip, "--cam2-key", "default") as process:
        output, errors = process.communicate(timeout=60)

    assert (process.returncode, errors) == (0, "")
    assert time.monotonic() - before > 59 / 30
    assert int(table(output)["Cam1"]["read"]) == 60


@pytest.mark.skipif(termios is None, reason="makes a terminal with openpty")
def test_on_a_terminal_each_camera_has_a_progress_bar_that_ends_full(clips: Clips) -> None:
    reader, writer = os.openpty()
    termios.tcsetwinsize(writer, (24, 100))
    with subprocess.Popen(
        [*COMMAND, *clips.options, "--display", "none"], stdout=subprocess.DEVNULL, stderr=writer
    ) as process:
        os.close(writer)
        seen = b""
        try:
            while chunk := os.read(reader, 65536):
                seen += chunk
        except OSError:  # how Linux says that the other end is closed
            pass
        process.wait(timeout=60)
    os.close(reader)

    text = seen.decode("utf-8")
    for name, truth in clips.truths.items():
        assert re.search(rf"{name}: +100%.*{truth.frames}/{truth.frames}", text)


def test_the_saved_crops_show_each_part_whole(shipped_run: ShippedRun) -> None:
    cameras = shipped_run.values["cameras"]
    for name, key in (("Cam1", "default"), ("Cam2", "cam2")):
        preset = MotionPreset.load(resource_path("motion.cfg"), key)
        truth = GroundTruth.load(resource_path(TRUTHS[name]))
        assert [hit["frame"] for hit in cameras[name]["detections"]] == sorted(
            hit["frame"] for hit in cameras[name]["detections"]
        )
        for hit, part in zip(cameras[name]["detections"], truth.parts, strict=True):
            first, last = part.good_shot
            assert first <= hit["frame"] <= last
            path = shipped_run.crops / f"{name}-{hit['frame']:06d}.png"
            crop = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
            (left, top), (right, bottom) = preset.crop_top_left, preset.crop_bottom_right
            assert crop.shape == (bottom - top, right - left, 3) == (224, 224, 3)


@pytest.mark.skipif(sys.platform == "win32", reason="has another error for a pipe that nobody reads")
@pytest.mark.parametrize(
    "command",
    [
        ["-m", "factory_lib", "inspect"],
        ["-c", "import sys; from factory_lib.tuner.desktop import main; sys.exit(main())", "--print"],
    ],
    ids=["inspect", "print"],
)
def test_a_command_ends_without_a_word_when_nobody_reads_it(command: list[str], make_clip: MakeClip) -> None:
    clip, (nobody, pipe) = str(make_clip(size=(640, 480))), os.pipe()
    os.close(nobody)
    with open(pipe, "wb") as out:
        done = subprocess.run(
            [sys.executable, *command, clip],
            stdout=out,
            stderr=subprocess.PIPE,
            timeout=60,
            encoding="utf-8",
        )
    assert (done.returncode, done.stderr) == (128 + 13, "")
