import functools
import sys
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import av
import cv2
import numpy as np
import pytest

from factory_lib.conveyor.belt import CLIPS, Belt, main, write_clip
from factory_lib.errors import FactoryError
from factory_lib.ground_truth import GroundTruth, Score
from factory_lib.motion import MotionDetector
from factory_lib.preset import MotionPreset
from factory_lib.resources import resource_path
from factory_lib.video import open_video

DEFAULT = MotionPreset()
CAM2 = MotionPreset(
    inverted=True,
    threshold=110,
    top_ratio=0.2,
    mid_ratio=0.4,
    roi_top_left=(240, 130),
    roi_bottom_right=(400, 220),
    crop_top_left=(208, 106),
    crop_bottom_right=(432, 330),
)
LOWER = replace(DEFAULT, threshold=85)
BACKGROUND = replace(DEFAULT, threshold=40, reference="background")
SHIPPED = {"conveyor": DEFAULT, "conveyor2": CAM2}
SEEDS = range(100, 120)  # with --slow; else the first one
# kind, light, the presets by name
ROUNDS = [
    *(("dark", light, {"default": DEFAULT}) for light in (0.95, 1.0, 1.15)),
    *(("bright", light, {"cam2": CAM2}) for light in (0.95, 1.0, 1.15)),
    ("dark", 0.7, {"default": DEFAULT, "lower": LOWER, "background": BACKGROUND}),
]


def detections(images: Any, preset: MotionPreset) -> list[int]:
    detector = MotionDetector(preset)
    return [i for i, image in enumerate(images) if detector.detect(image, i / 30) is not None]


def scores_of_a_seed(seed: int) -> list[tuple[str, float, Score]]:
    """All rounds of one seed."""
    scores = []
    for kind, light, presets in ROUNDS:
        belt = Belt(kind, parts=8, speed=9 + seed % 4, light=light, seed=seed)
        detectors = {name: MotionDetector(preset) for name, preset in presets.items()}
        taken: dict[str, list[int]] = {name: [] for name in presets}
        for i, image in enumerate(belt):
            for name, detector in detectors.items():
                if detector.detect(image, i / 30) is not None:
                    taken[name].append(i)
        scores += [(name, light, belt.truth.score(taken[name])) for name in presets]
    return scores


@pytest.fixture(scope="module")
def seeds(request: pytest.FixtureRequest) -> range:
    return SEEDS if request.config.getoption("slow") else SEEDS[:1]


@contextmanager
def all_results(seeds: range) -> Iterator[Iterator[list[tuple[str, float, Score]]]]:
    """Watch the belts of all seeds: those of many in two processes, those of one right here."""
    if len(seeds) == 1:
        yield map(scores_of_a_seed, seeds)
        return
    with ProcessPoolExecutor(2, get_context("spawn"), cv2.setNumThreads, (1,)) as executor:
        yield executor.map(scores_of_a_seed, seeds, timeout=900)


@pytest.fixture(scope="module")
def scores(seeds: range) -> dict[tuple[str, float], Score]:
    """By preset and light, the sum over a belt of 8 parts for each seed."""
    sums: dict[tuple[str, float], list[int]] = defaultdict(lambda: [0, 0, 0])
    with all_results(seeds) as of_all:
        for of_a_seed in of_all:
            for name, light, score in of_a_seed:
                for place, count in enumerate((score.found, score.missed, score.false)):
                    sums[name, light][place] += count
    whole = {key: Score(*counts) for key, counts in sums.items()}
    for (name, light), score in whole.items():
        figures = f"recall {score.recall:.3f}, precision {score.precision:.3f}"
        print(f"{name:10} at light {light:4}: {figures}, {score}")
    return whole


@pytest.mark.timeout(960)
@pytest.mark.parametrize("name", ["default", "cam2"])
@pytest.mark.parametrize("light", [0.95, 1.0, 1.15])
def test_other_seeds_and_lights_are_read_as_well(
    scores: dict[tuple[str, float], Score], seeds: range, name: str, light: float
) -> None:
    score = scores[name, light]
    assert score.found + score.missed == 8 * len(seeds)
    assert min(score.recall, score.precision) >= 0.99


@pytest.mark.timeout(960)
def test_in_dim_light_the_shipped_preset_fails_and_others_do_not(
    scores: dict[tuple[str, float], Score],
) -> None:
    assert scores["default", 0.7].recall < 0.8
    for name in ("lower", "background"):
        assert min(scores[name, 0.7].recall, scores[name, 0.7].precision) >= 0.99


def test_the_shipped_presets_are_those_that_are_tested_here() -> None:
    assert MotionPreset.load(resource_path("motion.cfg"), "default") == DEFAULT
    assert MotionPreset.load(resource_path("motion.cfg"), "cam2") == CAM2


class Played(NamedTuple):
    """What is in a shipped clip: by frame, the detector's crops and every 97th picture."""

    form: tuple[tuple[int, int], float, int | None]
    crops: dict[int, np.ndarray]
    pictures: dict[int, np.ndarray]


@functools.cache
def played(name: str) -> Played:
    """Read a shipped clip from beginning to end, once for all tests."""
    detector = MotionDetector(SHIPPED[name])
    with open_video(resource_path(f"{name}.mp4")) as video:
        seen = Played((video.size, video.fps, video.frame_count), {}, {})
        for frame in video:
            if frame.index % 97 == 0:
                seen.pictures[frame.index] = frame.image
            crop = detector.detect(frame.image, frame.time)
            if crop is not None:
                seen.crops[frame.index] = crop
    return seen


@pytest.mark.parametrize("name", SHIPPED)
def test_in_a_shipped_clip_every_part_is_taken_once_with_its_whole_cap_in_the_crop(name: str) -> None:
    truth = GroundTruth.load(resource_path(f"{name}.json"))
    crops, whole = played(name).crops, 0
    taken = list(crops)
    assert len(taken) == len(truth.parts)
    for part, crop in zip(truth.parts, crops.values(), strict=True):
        assert crop.shape == (224, 224, 3)
        if part.colour == "white":  # nothing tells a white cap from its carrier
            continue
        x0, y0, x1, y1 = cap_in(crop, name == "conveyor")
        assert x0 > 2
        assert y0 > 2
        assert x1 < 222
        assert y1 < 222
        assert abs(x1 - x0 - 156) <= 6
        assert abs(y1 - y0 - 156) <= 8
        whole += 1

    assert truth.score(taken) == Score(found=26, missed=0, false=0)
    assert all(p.good_shot[0] <= i <= p.good_shot[1] for p, i in zip(truth.parts, taken, strict=True))
    assert whole >= 18


def cap_in(image: np.ndarray, coloured: bool) -> tuple[int, int, int, int]:
    """The box around the largest coloured (or dark) thing in a picture."""
    lightest, darkest = image.max(axis=2).astype(int), image.min(axis=2).astype(int)
    mask = (lightest - darkest > 40) if coloured else (lightest < 105)
    mask = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask)
    x, y, width, height, _ = stats[1:][stats[1:, cv2.CC_STAT_AREA].argmax()].tolist()
    return x, y, x + width, y + height


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_clip_and_its_truth_are_what_the_generator_makes(name: str, tmp_path: Path) -> None:
    belt = Belt(**CLIPS[name])
    belt.truth.save(tmp_path / "truth.json")

    assert (tmp_path / "truth.json").read_bytes() == resource_path(f"{name}.json").read_bytes()
    assert resource_path(f"{name}.mp4").stat().st_size < 6_000_000
    assert played(name).form == ((640, 480), 30, len(belt))
    likeness = [cv2.PSNR(image, belt[index]) for index, image in played(name).pictures.items()]
    assert len(likeness) == -(-len(belt) // 97)
    assert min(likeness) > 28


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_clip_has_24_parts_in_a_minute_of_every_colour_and_mark(name: str) -> None:
    truth = GroundTruth.load(resource_path(f"{name}.json"))

    assert len(truth.parts) >= 24
    assert 50 <= truth.frames / truth.fps <= 70
    assert {part.mark for part in truth.parts} == {"O", "X"}
    assert len({part.colour for part in truth.parts}) == 5
    assert [part.id for part in truth.parts] == list(range(1, 27))


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_clip_is_laid_out_for_players(name: str) -> None:
    data = resource_path(f"{name}.mp4").read_bytes()
    with av.open(resource_path(f"{name}.mp4")) as file:
        stream = file.streams.video[0]
        packets = [packet for packet in file.demux(stream) if packet.pts is not None]
        step = Fraction(1, 30) / stream.time_base
        keys = [i for i, packet in enumerate(packets) if packet.is_keyframe]

    assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
    assert data.index(b"moov") < data.index(b"mdat")
    assert [packet.pts for packet in packets] == [i * step for i in range(len(packets))]
    assert [packet.dts for packet in packets] == [packet.pts for packet in packets]
    assert keys[0] == 0
    assert max(b - a for a, b in pairwise(keys)) <= 30


@pytest.mark.parametrize("size", [(640, 480), (320, 240)])
@pytest.mark.parametrize("kind", ["dark", "bright"])
def test_the_true_boxes_are_where_the_pictures_show_the_caps(kind: str, size: tuple[int, int]) -> None:
    belt = Belt(kind, parts=8, noise=0, size=size, seed=4)
    scale = size[0] / 640
    band = (
        np.s_[:, : round(230 * scale)]
        if kind == "dark"
        else np.s_[:, round(190 * scale) : round(450 * scale)]
    )
    shift = 0 if kind == "dark" else round(190 * scale)
    for part in belt.truth.parts:
        if part.colour == "white":
            continue
        x0, y0, x1, y1 = part.box
        near = belt[part.cleared][band][: y1 + round(20 * scale)]
        seen = cap_in(near, kind == "dark")
        assert np.allclose(seen, (x0 - shift, y0, x1 - shift, y1), atol=6 * scale + 1)


@pytest.mark.parametrize(("kind", "top", "bottom"), [("dark", 10, 234), ("bright", 106, 330)])
def test_good_shots_are_the_frames_in_which_the_cap_is_within_the_crop(
    kind: str, top: int, bottom: int
) -> None:
    belt = Belt(kind, parts=2, speed=5, seed=1)
    for part in belt.truth.parts:
        # Nothing stops here, so the cap moves on by 5 px a frame.
        ys = {i: part.box[1] + 5 * (i - part.cleared) for i in range(part.cleared - 60, part.cleared + 60)}
        within = [i for i, y in ys.items() if top <= y and y + 156 <= bottom]
        assert part.good_shot == (within[0], within[-1])
        assert ys[part.cleared] >= (10 if kind == "dark" else 140) > ys[part.cleared - 1]


def test_a_frame_is_the_same_whatever_was_read_before() -> None:
    belt, again = Belt(parts=8, seed=5), Belt(parts=8, seed=5)
    wanted = [400, 7, 250, 7]
    first = [belt[i] for i in wanted]
    later = [again[i] for i in sorted(wanted)]

    assert np.array_equal(first[1], first[3])
    assert all(np.array_equal(a, b) for a, b in zip(sorted_by(wanted, first), later, strict=True))
    assert not np.array_equal(belt[7], belt[8])
    assert not np.array_equal(belt[7], Belt(parts=8, seed=6)[7])


def sorted_by(keys: list[int], values: list[Any]) -> list[Any]:
    return [values[i] for i in sorted(range(len(keys)), key=lambda i: keys[i])]


def test_a_belt_is_a_sequence_of_pictures() -> None:
    belt = Belt(parts=1, size=(320, 240))

    assert (belt.fps, belt.size, len(belt.truth.parts)) == (30, (320, 240), 1)
    assert (belt[0].shape, belt[0].dtype) == ((240, 320, 3), np.uint8)
    assert np.array_equal(belt[-1], belt[len(belt) - 1])
    assert [image.shape for image in belt[:3]] == [(240, 320, 3)] * 3
    assert sum(1 for _ in belt) == len(belt) == belt.truth.frames
    with pytest.raises(IndexError):
        belt[len(belt)]


def test_the_truth_is_the_same_at_every_size_but_for_the_boxes() -> None:
    large, small = Belt(parts=8, seed=3).truth, Belt(parts=8, seed=3, size=(320, 240)).truth

    assert [replace(p, box=()) for p in small.parts] == [replace(p, box=()) for p in large.parts]
    assert np.allclose([p.box for p in small.parts], np.array([p.box for p in large.parts]) / 2, atol=0.5)


def test_light_and_noise_do_what_their_names_say() -> None:
    plain, noisy, dim = (
        Belt(parts=1, seed=2, **kw)[3].astype(float) for kw in ({"noise": 0}, {"noise": 8}, {"light": 0.5})
    )

    assert 7 < (noisy - plain)[:, 300:].std() < 9
    assert 0.45 < dim.mean() / plain.mean() < 0.55


def empty_frames(belt: Belt) -> list[int]:
    """The frames before which no part came in, and after which none was left, for a belt at 6 px a frame."""
    seen = {i for p in belt.truth.parts for i in range(p.good_shot[0] - 40, p.good_shot[1] + 72)}
    return sorted(set(range(len(belt))) - seen)


@pytest.mark.parametrize(("kind", "preset"), [("dark", DEFAULT), ("bright", CAM2)])
def test_incidents_are_there_and_read_as_what_they_are(kind: str, preset: MotionPreset) -> None:
    belt = Belt(kind, parts=10, seed=8)
    parts = belt.truth.parts
    distances = [b.cleared - a.cleared for a, b in pairwise(parts)]
    lengths = [part.good_shot[1] - part.good_shot[0] for part in parts]
    (left, top), (right, bottom) = preset.roi_top_left, preset.roi_bottom_right
    empty, light, taken = set(empty_frames(belt)), {}, []
    detector = MotionDetector(preset)
    for i, image in enumerate(belt):
        if detector.detect(image, i / 30) is not None:
            taken.append(i)
        if i in empty:
            light[i] = image[top:bottom, left:right].max(axis=2).astype(float)
    means = np.array([image.mean() for image in light.values()])
    usual = np.median(list(light.values()), axis=0)

    assert min(distances) * 6 < 190 + 60  # two close behind one another
    assert sorted(lengths)[-1] > 60 > 15 > sorted(lengths)[-2]  # one that stops
    assert max((image - usual).max() for image in light.values()) > 45  # a glint on the empty belt
    assert means.min() < 0.9 * np.median(means)  # a hand's shadow on it
    assert belt.truth.score(taken) == Score(found=10, missed=0, false=0)


def test_without_incidents_nothing_stops() -> None:
    belt = Belt(parts=10, seed=8, incidents=False)
    lengths = {part.good_shot[1] - part.good_shot[0] for part in belt.truth.parts}

    assert max(lengths) < 15
    assert belt.truth.score(detections(belt, DEFAULT)) == Score(10, 0, 0)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"kind": "grey"}, "kind='grey'"),
        ({"parts": 0}, "parts=0"),
        ({"parts": 2.5}, "parts=2.5"),
        ({"speed": -3}, "speed=-3"),
        ({"speed": float("nan")}, "speed=nan"),
        ({"speed": 21}, "speed=21"),
        ({"noise": -1}, "noise=-1"),
        ({"light": 0}, "light=0"),
        ({"light": 2.5}, "light=2.5"),
        ({"size": (80, 60)}, "size=(80, 60)"),
        ({"size": (640, 400)}, "size=(640, 400)"),
        ({"seed": -1}, "seed=-1"),
        ({"seed": 0.5}, "seed=0.5"),
    ],
)
def test_a_belt_that_cannot_be_made_is_refused_by_name(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(FactoryError) as caught:
        Belt(**wrong)
    assert caught.value.what == f"There is no belt with {says}."
    assert caught.value.remedy.startswith("Choose ")


def test_a_clip_holds_the_belts_frames_in_order_and_is_the_same_each_time(tmp_path: Path) -> None:
    belt = Belt(parts=1, seed=9, size=(320, 240))
    start = belt.truth.parts[0].cleared - 20
    images = belt[start : start + 40]
    for name in ("a.mp4", "b.mp4"):
        write_clip(images, tmp_path / name)
    video = cv2.VideoCapture(str(tmp_path / "a.mp4"))
    decoded = [video.read()[1] for _ in range(len(images))]

    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "b.mp4"]
    assert video.read()[0] is False
    video.release()
    nearest = [int(np.argmax([cv2.PSNR(seen, image) for image in images])) for seen in decoded]
    assert nearest == list(range(len(images)))


@pytest.mark.parametrize(
    "colour", [(44, 40, 174), (174, 92, 34), (60, 166, 68), (52, 196, 226), (120, 120, 120)]
)
def test_a_clip_keeps_the_colours(colour: tuple[int, int, int], tmp_path: Path) -> None:
    write_clip([np.full((120, 160, 3), colour, np.uint8)], tmp_path / "clip.mp4")
    with open_video(tmp_path / "clip.mp4") as video:
        (frame,) = video
    # OpenCV's decoder rounds down, by up to 5; another colour matrix would be off by 10 and more.
    assert np.abs(frame.image[60, 80].astype(int) - colour).max() <= 6


def test_without_pyav_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(FactoryError) as caught:
        write_clip(Belt(parts=1), tmp_path / "clip.mp4")
    assert caught.value.remedy == "Run 'pip install -r requirements-dev.txt'."


def test_a_clip_that_fails_half_way_leaves_the_old_one_alone(tmp_path: Path) -> None:
    class Broken(list[Any]):
        def __iter__(self) -> Any:
            yield self[0]
            raise RuntimeError("lamp off")

    (tmp_path / "clip.mp4").write_bytes(b"old")
    with pytest.raises(RuntimeError, match="lamp off"):
        write_clip(Broken([np.zeros((120, 160, 3), np.uint8)]), tmp_path / "clip.mp4")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("clip.mp4", b"old")]


def test_the_command_writes_both_clips_and_their_truths(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, settings in CLIPS.items():  # small and fast belts: these have fewer and smaller frames
        monkeypatch.setitem(CLIPS, name, settings | {"size": (320, 240), "speed": 18})
    assert main(["--folder", str(tmp_path), "--parts", "1"]) == 0

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "conveyor.json",
        "conveyor.mp4",
        "conveyor2.json",
        "conveyor2.mp4",
    ]
    printed = capsys.readouterr().out
    for name, settings in CLIPS.items():
        truth = Belt(**settings | {"parts": 1}).truth
        assert GroundTruth.load(tmp_path / f"{name}.json") == truth
        with open_video(tmp_path / f"{name}.mp4") as video:
            assert video.frame_count == truth.frames
        assert f"{tmp_path / name}.mp4: 1 parts in {truth.frames} frames, and its truth\n" in printed


def test_the_command_tells_what_went_wrong_and_exits_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--folder", str(tmp_path / "none"), "--parts", "1"]) == 2
    assert "conveyor.mp4 cannot be written: No such file" in capsys.readouterr().err
    assert main(["--folder", str(tmp_path), "--parts", "0"]) == 2
    assert "There is no belt with parts=0." in capsys.readouterr().err
