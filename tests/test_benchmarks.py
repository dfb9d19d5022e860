"""What the benchmarks say is so: both sides in turns, the same work on both, and who else was at work."""

import json
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import psutil
import pytest
from small_belt import small_clip

from benchmarks import batch, capture, clips, detector, factory, interleave, memory, transport
from benchmarks.__main__ import SUITES, main
from benchmarks.load import Load
from benchmarks.paired import Excess, Ratio, Row, Run, measure, timed
from benchmarks.peers import PeerMissing, peer
from benchmarks.report import line, warning
from benchmarks.senders import SHAPE, stamp, stamp_of
from factory_lib import Detection, MotionDetector, MotionPreset, open_video, resource_path

ROOT = Path(__file__).resolve().parent.parent


def costs(*seconds: float, amount: int = 1) -> "partial[Run]":
    """Make a work that costs these in turn; the first does not count."""
    left = iter((99.0, *seconds))
    return partial(lambda: Run(amount, next(left)))


def forget(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a package be imported afresh."""
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)


# --- pairs ------------------------------------------------------------------------------------------


def test_ours_and_the_peer_take_turns_after_a_round_that_does_not_count() -> None:
    calls: list[str] = []

    def work(name: str) -> Run:
        calls.append(name)
        return Run(1, len(calls))

    row = measure(Ratio("x", partial(work, "x"), "y", partial(work, "y"), "go", pairs=4))

    assert "".join(calls) == "yx" + "xy" + "yx" + "xy" + "yx"
    assert row.ours == [3, 6, 7, 10]
    assert row.theirs == [4, 5, 8, 9]


def test_a_row_gives_the_ratio_of_the_medians_and_the_spread_of_the_pairs() -> None:
    row = measure(Ratio("x", costs(1e-6, 2e-6, 3e-6), "y", costs(2e-6, 6e-6, 9e-6), "go", 3.0, pairs=3))
    row.others = 0.0

    assert row.value == pytest.approx(3.0)
    assert row.spread == pytest.approx((2.0, 3.0))
    assert line(row) == "| x | y | 3.00 | 2.00 to 3.00 | 3 reached | 2.0 us/go | 6.0 us/go |"


def test_what_takes_long_is_told_in_milliseconds() -> None:
    row = Row(Ratio("x", costs(), "y", costs(), "go"), ours=[0.0123], theirs=[0.456])

    assert line(row) == "| x | y | 37.07 | 37.07 to 37.07 | - | 12.3 ms/go | 456 ms/go |"


def test_a_goal_is_missed_from_below_by_a_ratio_and_from_above_by_an_excess() -> None:
    ratio = Row(Ratio("x", costs(), "y", costs(), "go", 2.1), ours=[1.0], theirs=[2.0])
    excess = Row(Excess("x", costs(), "y", costs(), "ms", 40.0), ours=[90.0], theirs=[50.0])

    assert "| 2.1 missed |" in line(ratio)
    assert (
        line(excess) == "| x | y | 40.00 ms | 40.00 ms to 40.00 ms | under 40 ms missed | 90.0 ms | 50.0 ms |"
    )


def test_what_a_unit_of_the_work_costs_is_compared_where_the_amounts_may_differ() -> None:
    case = Ratio("x", costs(6.0, amount=3), "y", costs(8.0, amount=2), "go", pairs=1, same=False)

    assert measure(case).value == pytest.approx(2.0)


# --- peers that lose, fail or are not there ---------------------------------------------------------


def test_who_loses_a_frame_does_not_win_by_that(tmp_path: Path) -> None:
    path = str(small_clip(tmp_path))
    lossy = timed(lambda: capture.ours(path) - 1)

    row = measure(Ratio("reads all", timed(lambda: capture.ours(path)), "loses one", lossy, "frame"))

    assert row.problem == "Not the same work: reads all did 240, loses one 239 (counted by frame)."
    assert "| not measured |" in line(row)
    assert "value" not in row.as_dict()


def test_two_sides_that_do_nothing_are_not_compared() -> None:
    assert measure(Ratio("x", costs(1.0, amount=0), "y", costs(1.0, amount=0), "go")).problem == (
        "Nothing was done: counted by go, 0 and 0."
    )


def test_a_peer_that_breaks_is_a_row_that_says_so() -> None:
    def breaks() -> Run:
        raise AttributeError("np.bool8")

    row = measure(Ratio("x", costs(), "y", breaks, "go"))

    assert not row.ours_failed
    assert line(row) == ("| x | y | not measured | - | - | y failed: AttributeError('np.bool8') | - |")


@pytest.mark.parametrize("case", list(capture.cases()), ids=lambda case: case.peer)
def test_a_peer_that_is_not_installed_is_a_row_that_says_how_to_get_it(
    case: Ratio, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = case.peer.split()[0]
    forget(package, monkeypatch)
    monkeypatch.setitem(sys.modules, package, None)  # type: ignore[arg-type]

    row = measure(case)

    told = "is not installed: run 'pip install -r requirements-benchmarks.txt'."
    assert row.problem == f"{package} {told}"
    assert not row.ours_failed


def test_a_peer_that_cannot_be_imported_is_told_from_one_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "vidgear.py").write_text("raise AttributeError('np.bool8')\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    forget("vidgear", monkeypatch)

    with pytest.raises(PeerMissing, match=r"vidgear cannot be imported .*np\.bool8.*pip install"):
        peer("vidgear.gears")


def test_the_peers_requirements_are_those_that_a_row_tells_to_install() -> None:
    text = "".join(
        (ROOT / f"requirements{which}.txt").read_text(encoding="utf-8")
        for which in ("", "-dev", "-benchmarks")
    )

    for package in ("distributed", "faster-fifo", "frontrun", "imutils", "vidgear"):
        assert re.search(rf"^{package}>=", text, re.MULTILINE), package


# --- who else was at work ---------------------------------------------------------------------------

SPIN = "import time\nwhile time.process_time() < 0.5: pass\n"
# Its parent ends at once, so that it is nobody's child: somebody else's.
ORPHAN = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SPIN!r}])"


def test_a_process_of_ours_is_not_taken_for_another() -> None:
    with Load() as load:
        subprocess.run([sys.executable, "-c", SPIN], check=True, timeout=60)

    assert load.own >= 0.45
    assert 0.0 <= load.others <= 1.0


def test_a_process_of_somebody_else_is_seen() -> None:
    with Load() as load:
        start = time.monotonic()
        # It holds the pipe open, so that this waits for its end.
        subprocess.run([sys.executable, "-c", ORPHAN], stdout=subprocess.PIPE, check=True, timeout=60)
        seconds = time.monotonic() - start

    assert load.others * seconds * psutil.cpu_count() >= 0.3


def test_a_row_that_was_measured_on_a_busy_machine_says_so_and_so_does_the_end() -> None:
    case = Ratio("x", costs(), "y", costs(), "go", 2.0)
    quiet, busy = (Row(case, [1.0], [3.0], others=others) for others in (0.04, 0.31))

    assert "| 2 reached |" in line(quiet)
    assert "| 2 reached (machine busy: others used 31 %) |" in line(busy)
    assert warning([quiet]) == ""
    assert warning([quiet, busy]).startswith(
        "Careful: in 1 rows others used more than 5 % of the machine (up to 31 %)"
    )
    assert (quiet.as_dict()["busy"], busy.as_dict()["busy"]) == (False, True)


def test_bytes_are_the_same_on_a_busy_machine() -> None:
    row = Row(memory.Memory("x", costs(), "y", costs(), "MB", 40.0), [90.0], [60.0], others=0.9)

    assert not row.busy
    assert warning([row]) == ""


# --- the command ------------------------------------------------------------------------------------


@pytest.fixture
def suites(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], Iterator[Ratio]]]:
    def cases() -> Iterator[Ratio]:
        yield Ratio("x", costs(1.0, 1.0), "y", costs(2.0, 2.0), "go", 1.5, pairs=2)
        yield Excess("x", costs(70.0), "y", costs(50.0), "MB", pairs=1)

    suites = {"tiny": cases}
    monkeypatch.setattr(sys.modules["benchmarks.__main__"], "SUITES", suites)
    return suites


@pytest.mark.usefixtures("suites")
def test_the_command_prints_tables_and_writes_every_rounds_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--json", str(tmp_path / "all.json")]) == 0

    text = capsys.readouterr().out
    assert re.search(r"^\d+ cores \(.+\), \d+ GB, .+, Python 3\.\d+\.\d+, OpenCV ", text)
    assert "\n## tiny\n\n| what | against | times as fast (medians) | spread | goal |" in text
    assert "\n| what | against | more than that (medians) | spread | goal |" in text
    written = json.loads((tmp_path / "all.json").read_text(encoding="utf-8"))
    ratio, excess = written["suites"]["tiny"]
    assert (ratio["ours"], ratio["theirs"], ratio["value"]) == ([1.0, 1.0], [2.0, 2.0], 2.0)
    assert (ratio["goal"], ratio["reached"], ratio["spread"]) == (1.5, True, [2.0, 2.0])
    assert (excess["kind"], excess["value"], excess["unit"]) == ("more than that", 20.0, "MB")
    assert written["machine"]["cores"] == psutil.cpu_count()
    assert set(written["machine"]["peers"]) >= {"imutils", "vidgear", "faster-fifo"}


def test_an_error_of_ours_is_heard_at_the_end(
    tmp_path: Path, suites: dict[str, Callable[[], Iterator[Ratio]]]
) -> None:
    def fails() -> Run:
        raise ValueError("ours")

    suites["bad"] = lambda: iter([Ratio("x", fails, "y", costs(1.0), "go")])

    assert main(["bad", "tiny", "--json", str(tmp_path / "all.json")]) == 1

    written = json.loads((tmp_path / "all.json").read_text(encoding="utf-8"))
    assert written["suites"]["bad"][0]["problem"] == "x failed: ValueError('ours')"
    assert len(written["suites"]["tiny"]) == 2


def test_an_unknown_benchmark_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["speed"]) == 2
    assert capsys.readouterr().err.startswith("There is no benchmark speed. Choose from detector, factory,")


def test_a_folder_that_is_not_there_is_told_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["detector", "--json", str(tmp_path / "no" / "all.json")]) == 2
    assert capsys.readouterr().err.endswith("Name a file in one that exists.\n")


def test_the_tables_of_the_page_are_the_ones_that_the_benchmarks_print() -> None:
    text = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    cells = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    there = [(row[0], row[1]) for row in cells if row[0] != "what"]

    assert there == [(case.what, case.peer) for cases in SUITES.values() for case in cases()]
    assert re.findall(r"^## (\w+)$", text, re.MULTILINE) == list(SUITES)


# --- what is compared -------------------------------------------------------------------------------


def test_both_clips_are_read_to_their_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    expected = 1873 + 1811
    if not request.config.getoption("slow"):  # two short clips in their place
        for _, clip, _ in clips.CLIPS:
            small_clip(tmp_path, Path(clip).stem)
        monkeypatch.setattr(capture, "resource_path", lambda name: tmp_path / name)
        expected = 240 + 240

    assert capture.at_once(capture.ours)() == expected


def test_the_plain_formula_that_is_the_peer_gives_the_detectors_answers() -> None:
    preset = MotionPreset()
    eye = MotionDetector(preset)
    with open_video(resource_path("conveyor.mp4")) as video:  # its first eight parts
        frames = [frame.image for frame in islice(video, 600) if frame.index % 3 == 0]

    answers = [detector.plain_passes(image, preset) for image in frames]

    assert answers == [eye.explain(image).passes for image in frames]
    assert {True, False} == set(answers)


def test_every_structure_that_the_factory_is_compared_with_does_the_same_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(factory, "SKELETON_FRAMES", 3)
    monkeypatch.setattr(factory, "PROCESS_FRAMES", 3)

    assert {factory.factory(3), factory.reading_only(3), factory.sequential(3), factory.skeleton()} == {6}
    over_ring = factory.running(workers="processes")
    assert {factory.running().amount, over_ring.amount, factory.processes_over_queue().amount} == {6}


@pytest.mark.parametrize(
    "way",
    [
        partial(transport.mp_queue, 12),
        partial(transport.pipe, 12, True),
        partial(transport.pipe, 12, False),
        partial(transport.ring, 12, True),
        partial(transport.ring, 12, False),
    ],
    ids=["mp.Queue", "Pipe send", "Pipe send_bytes", "FrameRing.reserve", "FrameRing.put"],
)
def test_every_way_brings_every_frame(way: "partial[Run]") -> None:
    assert way().amount == 11


def test_a_frame_that_was_lost_or_is_not_whole_is_noticed() -> None:
    image = np.zeros(SHAPE, np.uint8)
    stamp(image, 2)

    assert stamp_of(image) == 2
    with pytest.raises(RuntimeError, match="frame 2 came in the place of frame 1"):
        transport.receive(3, partial(next, iter([0, 2])))
    image[-1, -1, -1] = 9
    assert stamp_of(image) == -1


def test_a_sending_process_that_fails_is_heard() -> None:
    with (
        pytest.raises(RuntimeError, match="the sending process ended with 1"),
        transport.sending(sys.exit, 1),
    ):
        pass


def test_a_thread_that_fails_is_heard() -> None:
    def fails() -> int:
        raise queue.Empty

    with pytest.raises(RuntimeError, match="1 of 2 threads did not end well"):
        clips.in_threads([fails, lambda: 1])


def test_recordings_in_which_not_the_same_was_found_are_not_counted(tmp_path: Path) -> None:
    part = Detection(3, 0.1)

    assert batch.plainly(batch.record(tmp_path, 2, 120)) == 2
    for found in ([[part], []], [[], []]):
        with pytest.raises(RuntimeError, match="not every recording gave the same parts"):
            batch.same(found)


def test_a_worker_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "PATIENCE", 0.5)
    recordings = batch.record(tmp_path, 2, 5)
    answer = threading.Event()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(answer.wait, 60)
        try:
            with pytest.raises(TimeoutError, match="2 recordings had no answer"):
                batch.inspect(recordings, pool)
        finally:
            answer.set()


def test_memory_is_looked_at_as_long_as_the_block_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "WINDOW", 0.2)

    levels = memory.minute()

    assert len(levels) == memory.WINDOWS
    assert min(levels) > 20
    assert memory.bare().cost > 20


def test_the_orders_of_both_engines_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interleave, "AS_LONG", 0.2)
    whole, rest = divmod(interleave.ours(interleave.once).amount, 6)
    assert whole > 0
    assert rest == 0
    if sys.platform == "linux":
        assert interleave.frontrun("once").amount > 0
    else:
        with pytest.raises(PeerMissing, match="Linux only"):
            interleave.frontrun("once")
