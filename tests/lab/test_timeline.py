import base64
import io
import json
import multiprocessing
import os
import pickle
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor

import pytest
from PIL import Image

from factory_lib.errors import FactoryError
from factory_lib.lab import lanes
from factory_lib.lab.lanes import Piece, Span, merge
from factory_lib.lab.timeline import Timeline


def by_hand(*spans: Span, name: str = "", order: tuple[str, ...] = ()) -> Timeline:
    timeline = Timeline(name, order)
    timeline.extend(spans)
    return timeline


def span(
    lane: str, start: float, end: float, ran: float = 0.0, kind: str = "compute", word: str = ""
) -> Span:
    return Span(lane, word or kind, kind, start, end, ran)


def record(lane: str) -> list[Span]:
    """Run in a child process: what it recorded comes home as values."""
    timeline = Timeline()
    with timeline.span(lane, "read"), timeline.span(lane, "wait"):
        pass
    return timeline.spans


def python(code: str, *options: str) -> str:
    done = subprocess.run(
        [sys.executable, *options, "-c", code],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_spans_of_several_threads_are_kept_with_lane_word_and_kind() -> None:
    timeline = Timeline()

    def work(lane: str) -> None:
        for _ in range(100):
            with timeline.span(lane, "read"):
                pass
            with timeline.span(lane, "download", "wait"):
                pass
            with timeline.span(lane, "hold"):
                pass

    threads = [threading.Thread(target=work, args=(f"Cam{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    expected = [("read", "compute"), ("download", "wait"), ("hold", "hold")] * 100
    for lane in ("Cam0", "Cam1", "Cam2", "Cam3"):
        assert [(s.word, s.kind) for s in timeline.spans if s.lane == lane] == expected
    assert all(s.end is not None and s.end >= s.start for s in timeline.spans)


def test_a_span_that_raises_is_recorded_and_the_error_goes_on() -> None:
    timeline = Timeline()
    with pytest.raises(ZeroDivisionError), timeline.span("Cam1", "read"):
        1 / 0  # noqa: B018
    assert [(s.word, s.end is not None) for s in timeline.spans] == [("read", True)]


def test_a_span_still_open_is_drawn_until_now_and_said_to_be_open() -> None:
    timeline = Timeline()
    with timeline.span("A", "hold"), timeline.span("A", "wait"):
        facts = timeline.facts
        open_spans = [(s.word, s.end) for s in timeline.spans]
    assert open_spans == [("hold", None), ("wait", None)]
    assert "Still open: 2." in facts.alt()
    assert facts.lanes["A"][-1].kind == "wait"
    assert "Still open" not in timeline.facts.alt()


def test_an_unknown_kind_is_named_with_the_known_ones() -> None:
    with pytest.raises(FactoryError, match=r"'sleep'.*compute, wait, hold"):
        Timeline().span("Cam1", "read", "sleep")


def test_lanes_stand_in_the_order_given_and_then_of_first_appearance() -> None:
    timeline = by_hand(span("late", 5, 6), span("early", 1, 2), span("first", 7, 8), order=("first", "idle"))
    assert list(timeline.facts.lanes) == ["first", "idle", "early", "late"]


def test_spans_of_a_spawned_process_are_on_the_parents_clock() -> None:
    timeline = Timeline()
    before = time.perf_counter()
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        timeline.extend(pool.submit(record, "child").result(timeout=60))
    after = time.perf_counter()
    assert [(s.word, s.kind) for s in timeline.spans] == [("read", "compute"), ("wait", "wait")]
    assert all(before < s.start <= (s.end or 0.0) < after for s in timeline.spans)


def test_a_timeline_refuses_to_be_copied_to_a_process() -> None:
    with pytest.raises(FactoryError, match=r"return its \.spans"):
        pickle.dumps(Timeline())


def test_of_nested_spans_the_innermost_counts() -> None:
    facts = by_hand(span("A", 0, 10, ran=4), span("A", 2, 6, kind="wait"), span("A", 7, 8, 1, "hold")).facts
    assert [(p.kind, p.start, p.end) for p in facts.lanes["A"]] == [
        ("compute", 0, 2),
        ("wait", 2, 6),
        ("compute", 6, 7),
        ("hold", 7, 8),
        ("compute", 8, 10),
    ]
    assert [facts.spent("A", kind) for kind in ("compute", "wait", "hold")] == [5, 4, 1]
    assert facts.busy("A") == pytest.approx(4)


def test_spans_that_cross_in_one_lane_are_cut_where_the_later_begins() -> None:
    facts = by_hand(span("A", 0, 10), span("A", 5, 15, kind="wait"), span("A", 20, 21)).facts
    assert [(p.kind, p.start, p.end) for p in facts.lanes["A"]] == [
        ("compute", 0, 5),
        ("wait", 5, 15),
        ("compute", 20, 21),
    ]


def test_busy_is_time_on_a_core_and_not_time_gone_by() -> None:
    timeline = Timeline()
    with timeline.span("sleeper", "compute"):
        time.sleep(0.3)
    time.sleep(0.2)  # outside of any span: it must count for none
    with timeline.span("worker", "compute"):
        started = time.thread_time()
        while time.thread_time() - started < 0.1:
            pass
    assert timeline.busy("sleeper") < 0.15
    assert timeline.busy("worker") >= 0.08


def test_many_short_spans_do_not_count_for_more_than_their_thread_ran() -> None:
    timeline = Timeline()
    started = time.thread_time()
    for number in range(2000):
        with timeline.span("A", "read"):
            pass
        if number % 500 == 0:
            time.sleep(0.02)
    assert 0 < timeline.busy("A") <= time.thread_time() - started


def test_two_threads_of_pure_python_do_not_run_side_by_side() -> None:
    timeline = Timeline()

    def count(lane: str) -> None:
        with timeline.span(lane, "count"):
            sum(number % 3 for number in range(2_000_000))

    threads = [threading.Thread(target=count, args=(lane,)) for lane in ("A", "B")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert timeline.facts.cores() < 1.5
    assert timeline.overlap() < 0.5


@pytest.mark.parametrize(
    ("spans", "overlap", "cores"),
    [
        pytest.param([span("A", 0, 10, 10), span("B", 0, 10, 10)], 1.0, 2.0, id="two that both run"),
        pytest.param([span("A", 0, 10, 5), span("B", 0, 10, 5)], 0.0, 1.0, id="two that take turns"),
        pytest.param([span("A", 0, 10, 10), span("B", 10, 20, 10)], 0.0, 1.0, id="one after the other"),
        pytest.param([span("A", 0, 10, 10), span("B", 0, 5, 5)], 0.5, 1.5, id="half the time"),
        pytest.param([span("A", 0, 10, 10), span("B", 0, 10, kind="wait")], 0.0, 1.0, id="one that waits"),
        pytest.param([span("A", 0, 9, 9), span("B", 0, 9, 9), span("C", 0, 9)], 0.5, 2.0, id="two of three"),
        pytest.param([], 0.0, 0.0, id="nothing"),
    ],
)
def test_overlap_is_what_the_clocks_prove(
    spans: list[Span], overlap: float, cores: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert by_hand(*spans).overlap() == pytest.approx(overlap)
    assert by_hand(*spans).facts.cores() == pytest.approx(cores)


def test_more_lanes_than_cores_cannot_all_have_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert by_hand(*(span(lane, 0, 10, 5) for lane in "ABCD")).overlap() == 1.0


def test_where_cpu_time_comes_in_ticks_a_span_has_the_share_of_its_neighbours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lanes, "GRAIN", 0.0625)
    ticks = [
        span("A", number / 256, (number + 1) / 256, 1 / 64 if number % 4 == 3 else 0) for number in range(64)
    ]
    facts = by_hand(*ticks).facts
    assert {piece.share for piece in facts.lanes["A"]} == {1.0}
    assert facts.busy("A") == 0.25


def test_what_is_narrower_than_a_pixel_is_merged_and_counted() -> None:
    pieces = [
        Piece("read", ("compute", "wait")[number % 3 == 0], number, number + 1, 0.5) for number in range(5000)
    ]
    bars, merged = merge(pieces, 0.0, 50.0)
    assert (len(bars), merged) == (100, 5000)
    assert {(bar.kind, bar.share, bar.word) for bar in bars} == {("compute", 0.5, "")}
    assert [bar.start for bar in bars] == [50.0 * number for number in range(100)]


@pytest.mark.parametrize(("begin", "end"), [(0.0, 0.1), (10.4, 10.5), (29.9, 30.0)])
def test_a_grain_of_work_does_not_hide_the_wait_beside_it(begin: float, end: float) -> None:
    waits = [Piece("put", "wait", a, b, 0.0) for a, b in ((0.0, begin), (end, 30.0)) if b > a]
    bars, merged = merge([*waits, Piece("read", "compute", begin, end, 1.0)], 0.0, 1.0)
    assert merged == 1
    assert {bar.kind for bar in bars} == {"wait"}


def test_the_text_shows_each_lane_in_sixty_columns() -> None:
    timeline = by_hand(
        span("Cam1", 0, 30, 30), span("Cam1", 30, 60, kind="wait"),
        span("Cam10", 15, 30, 0), span("Cam10", 30, 45, 15, "hold"), name="two",
    )  # fmt: skip
    lines = str(timeline).splitlines()
    assert lines[0] == "two: 60.00 s, 1.0 lanes running on average"
    assert lines[1] == f"Cam1  |{'#' * 30}{'.' * 30}| ran 30.00 s, waited 30.00 s"
    assert lines[2] == f"Cam10 |{' ' * 15}{'-' * 15}{'H' * 15}{' ' * 15}| ran 15.00 s, held 15.00 s"


def test_the_picture_tells_kinds_by_hatch_and_word() -> None:
    timeline = by_hand(
        span("A", 0, 4, 2, word="inspect"), span("A", 4, 8, kind="wait"), span("A", 8, 12, 2, "hold")
    )
    figure = timeline.figure()
    words = [text.get_text() for text in figure.axes[0].texts]
    assert words == ["inspect", "wait", "hold", "ran 4.00 s, waited 4.00 s"]
    legend = {text.get_text() for text in figure.legends[0].get_texts()}
    assert legend == {text for text, _, _ in lanes.LOOKS.values()}
    hatches = {patch.get_hatch() or "" for patch in figure.axes[0].patches}
    assert hatches == {hatch for _, _, hatch in lanes.LOOKS.values()}


def test_several_timelines_are_drawn_on_one_scale() -> None:
    short, long = by_hand(span("A", 0, 1, 1), name="short"), by_hand(span("A", 100, 104, 4), name="long")
    figure = short.figure(long)
    assert [axes.get_xlim() for axes in figure.axes] == [(0.0, 4.0), (0.0, 4.0)]
    assert [axes.get_title(loc="left").split(":")[0] for axes in figure.axes] == ["short", "long"]


def test_a_notebook_gets_a_picture_with_alt_text_and_a_text() -> None:
    timeline = by_hand(span('<b>"Cam"', 0, 2, 1, word="read"), name="A & B")
    bundle = timeline._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    assert bundle["text/plain"] == str(timeline)
    alt, data = re.fullmatch(r'<img alt="([^"]*)" width="900" style="max-width:100%" src="data:image/png;base64,([^"]*)">', bundle["text/html"]).groups()  # type: ignore[union-attr]  # fmt: skip  # noqa: E501
    assert alt == (
        "Timeline. A &amp; B: 2.00 s, 0.5 lanes running on average. "
        "&lt;b&gt;&quot;Cam&quot;: ran 1.00 s (read x 1)."
    )
    with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
        assert (picture.width, len(picture.getcolors() or []) > 2) == (900, True)


def test_letters_that_no_font_has_and_dollars_are_drawn_without_a_warning() -> None:
    timeline = by_hand(span("작업자 𓀀", 0, 1, word="$x_1$ $"), span("$\\frac$", 0, 1), name="$ 두 카메라")
    assert "text/html" in timeline._repr_mimebundle_()


def test_a_timeline_without_spans_has_a_picture_and_a_text() -> None:
    assert str(Timeline("none")).startswith("none: 0 us, 0.0 lanes running on average\n")
    assert "<img" in Timeline("none", ["A"])._repr_mimebundle_()["text/html"]


def test_drawing_imports_matplotlib_late_and_leaves_pyplot_alone() -> None:
    code = """
import sys
from factory_lib.lab.timeline import Timeline
timeline = Timeline()
with timeline.span("A", "read"):
    pass
print("matplotlib" in sys.modules)
timeline._repr_mimebundle_()
print("matplotlib" in sys.modules, "matplotlib.pyplot" in sys.modules)
"""
    assert python(code, "-W", "error").split() == ["False", "True", "False"]


def test_show_prints_the_text_outside_a_notebook_and_displays_the_picture_inside() -> None:
    timeline = "Timeline('t', ['A'])"
    source = f"from factory_lib.lab.timeline import Timeline\n{timeline}.show({timeline})"
    assert python(source).count("t: 0 us") == 2
    code = f"""
import json, nbclient, nbformat
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell({source!r})])
nbclient.NotebookClient(notebook, kernel_name="python3", timeout=50).execute()
print(json.dumps(notebook.cells[0].outputs))
"""
    (output,) = json.loads(python(code))
    assert output["output_type"] == "display_data"
    assert output["data"]["text/html"].startswith('<img alt="Timeline. t: 0 us')
    assert output["data"]["text/plain"].count("t: 0 us") == 2


def test_its_seconds_go_from_the_first_beginning_to_the_last_end() -> None:
    timeline = Timeline()
    timeline.extend([Span("A", "read", "compute", 5.0, 6.0, 0.5), Span("B", "wait", "wait", 5.5, 7.25, 0.0)])

    assert timeline.seconds == 2.25
    assert Timeline().seconds == 0.0
