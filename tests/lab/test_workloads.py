"""The lessons' work: the detector in Python says what the real one says, and every target does its part."""

import importlib
import subprocess
import sys
import threading
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from queue import Queue

import numpy as np
import pytest

from factory_lib import FrameRing, MotionDetector, MotionPreset, inspect_recording, open_video, resource_path
from factory_lib.ground_truth import GroundTruth
from factory_lib.lab import workloads

clips = importlib.import_module("factory_lib.lab.clips")


@pytest.mark.parametrize("camera", workloads.CLIPS)
def test_the_detector_in_python_agrees_with_the_real_one_on_the_clips(camera: str) -> None:
    clip, key = workloads.CLIPS[camera]
    preset = MotionPreset.load(resource_path("motion.cfg"), key)
    detector = MotionDetector(preset)
    with open_video(resource_path(clip)) as video:
        frames = [frame.image for frame in islice(video, 70, 110)]

    answers = [workloads.passes_in_python(frame, preset) for frame in frames]

    assert answers == [detector.explain(frame).passes for frame in frames]
    assert set(answers) == {True, False}


def test_the_detector_in_python_agrees_with_the_real_one_on_random_presets() -> None:
    random = np.random.default_rng(3)
    for _ in range(150):
        left, top = (int(n) for n in random.integers(0, 10, 2))
        width, height = (int(n) for n in random.integers(2, 12, 2))
        preset = MotionPreset(
            inverted=bool(random.integers(2)),
            flipped=bool(random.integers(2)),
            top_margin=int(random.integers(1, height)),
            threshold=int(random.integers(60, 200)),
            top_ratio=float(random.random()),
            mid_ratio=float(random.random()),
            roi_top_left=(left, top),
            roi_bottom_right=(left + width, top + height),
            crop_top_left=(0, 0),
            crop_bottom_right=(8, 8),
        )
        image = random.integers(0, 256, (24, 24, 3), dtype=np.uint8)
        assert workloads.passes_in_python(image, preset) == MotionDetector(preset).explain(image).passes


def test_the_three_kinds_of_work_tell_what_they_did() -> None:
    opencv = workloads.inspect_with_opencv("Cam1", 80)
    python = workloads.inspect_in_python("Cam1", 80)
    waiting = workloads.wait_for_camera("Cam1", 3)

    assert opencv[0] == python[0] == 1
    assert [span.word for span in opencv[1][:2]] == ["read", "inspect"]
    assert [span.word for span in python[1][:2]] == ["read", "inspect"]
    assert [span.kind for span in waiting[1]] == ["wait"] * 3


@pytest.mark.parametrize("camera", workloads.CLIPS)
def test_parts_are_counted_and_crops_sent_as_the_ground_truth_has_them(camera: str) -> None:
    clip = resource_path(workloads.CLIPS[camera][0])
    truth = GroundTruth.load(clip.with_suffix(".json"))
    results: Queue = Queue()

    workloads.count_parts(camera, results, 150)
    workloads.send_crops(camera, results, 150)

    count = sum(part.cleared < 150 for part in truth.parts)
    assert results.get_nowait() == (camera, count)
    crops = [results.get_nowait() for _ in range(count)]
    assert [crop.shape for _, crop in crops] == [(224, 224, 3)] * count
    assert results.get_nowait() == (camera, None)


def test_a_download_tells_its_size_each_piece_and_the_end(tmp_path: Path) -> None:
    messages: Queue = Queue()
    with clips.ClipServer(made_up={"film.mp4": 100_000}) as server:
        workloads.download(server.url("film.mp4"), str(tmp_path), messages)

    told = [messages.get_nowait() for _ in range(messages.qsize())]
    assert told[0] == ("size", 100_000)
    assert sum(size for kind, size in told[1:-1]) == 100_000
    assert told[-1] == ("complete", str(tmp_path / "film.mp4"))


def test_a_process_that_has_nothing_to_do_with_pictures_starts_without_opencv_and_numpy() -> None:
    code = "import sys; from factory_lib.lab.workloads import targets; print(*sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", check=True
    )

    assert {"cv2", "numpy", "factory_lib.video"} & set(done.stdout.split()) == set()


def test_a_ring_brings_each_frame_home() -> None:
    with FrameRing(workloads.FRAME) as ring:
        with ring.producer("Cam1") as end:
            process = get_context("spawn").Process(target=workloads.send_by_ring, args=(end, 10))
            process.start()
        seen = []
        for _ in range(10):
            with ring.take(timeout=60) as frame:
                seen.append((frame.index, int(frame.image.min()), int(frame.image.max())))
        process.join(timeout=60)

    assert process.exitcode == 0
    assert seen == [(number, number, number) for number in range(10)]


def test_a_worker_that_fails_says_nothing_and_raises(capsys: pytest.CaptureFixture[str]) -> None:
    stderr = sys.stderr
    try:
        with pytest.raises(ValueError, match="this worker has an error"):
            workloads.fail()
        sys.stderr.close()
    finally:
        sys.stderr = stderr

    assert capsys.readouterr().err == ""


def test_a_report_is_complete_only_if_its_writer_ends_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report, begun = tmp_path / "report.txt", threading.Event()
    seen: list[str] = []
    monkeypatch.setattr(
        workloads.targets.time, "sleep", lambda seconds: seen.append(report.read_text(encoding="utf-8"))
    )

    workloads.write_report(str(report), begun)

    assert begun.is_set()
    assert seen == ["begin\n"]
    assert report.read_text(encoding="utf-8") == "begin\nend\n"


def test_short_recordings_are_there_as_long_as_the_with_lasts_each_with_the_clips_first_part() -> None:
    truth = GroundTruth.load(resource_path("conveyor.json"))
    begin, end = min(part.good_shot for part in truth.parts)

    with workloads.short_recordings(3, end + 1) as recordings:
        found = [inspect_recording(path) for path in recordings]
        with open_video(recordings[0]) as video:
            assert video.frame_count == end + 1

    [part] = found[0]
    assert begin <= part.frame <= end
    assert found == [[part]] * 3
    assert len({path.name for path in recordings}) == 3
    assert not recordings[0].parent.exists()


def test_frames_that_were_sent_give_what_their_recording_gives() -> None:
    with workloads.short_recordings(1) as [recording]:
        frames = workloads.frames_of(recording)
        expected = inspect_recording(recording)

    assert len(frames) == 100
    assert workloads.inspect_frames(frames, MotionPreset()) == expected
    assert len(expected) == 1
