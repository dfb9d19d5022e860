import functools
import pickle
import random
from collections.abc import Iterable, Iterator
from dataclasses import replace

import cv2
import numpy as np
import pytest
from conftest import Image

from factory_lib.errors import DetectorError, PresetError
from factory_lib.motion import MotionDetector
from factory_lib.preset import MotionPreset
from factory_lib.resources import resource_path
from factory_lib.video import open_video

BELT, PART = 40, 200


def frame(
    rear: int, front: int, level: int = PART, belt: int = BELT, size: tuple[int, int] = (240, 240)
) -> Image:
    """A picture of a part as wide as the frame that covers the rows rear to front."""
    image = np.full((size[1], size[0], 3), belt, np.uint8)
    image[max(rear, 0) : max(front, 0)] = level
    return image


def passage(speed: int = 5, height: int = 190, level: int = PART, belt: int = BELT) -> Iterator[Image]:
    """One part moving from above the frame to below it."""
    for rear in range(-height, 300, speed):
        yield frame(rear, rear + height, level, belt)


class Kit:
    """The kit's rule restated plainly, as the peer to compare with."""

    def __init__(self, preset: MotionPreset) -> None:
        self.preset = preset
        self.last = -np.inf

    def detect(self, image: Image, time: float) -> Image | None:
        preset = self.preset
        (x0, y0), (x1, y1) = preset.roi_top_left, preset.roi_bottom_right
        brightness = np.maximum.reduce(cv2.split(image[y0:y1, x0:x1]))
        _, binary = cv2.threshold(brightness, preset.threshold, 255, cv2.THRESH_BINARY)
        strips = binary[: preset.top_margin], binary[preset.top_margin :]
        top, mid = (cv2.countNonZero(strip) / strip.size for strip in strips)
        if preset.inverted:
            top, mid = 1 - top, 1 - mid
        if preset.flipped:
            passes = top >= preset.top_ratio and mid <= preset.mid_ratio
        else:
            passes = top <= preset.top_ratio and mid >= preset.mid_ratio
        if not passes:
            return None
        last, self.last = self.last, time
        if time - last < preset.skip_time:
            return None
        (x0, y0), (x1, y1) = preset.crop_top_left, preset.crop_bottom_right
        return image[y0:y1, x0:x1]


def random_preset(rng: random.Random, width: int, height: int) -> MotionPreset:
    def box(least: int) -> tuple[tuple[int, int], tuple[int, int]]:
        x, y = rng.randrange(width - 1), rng.randrange(height - least)
        return (x, y), (rng.randint(x + 1, width), rng.randint(y + least, height))

    roi, crop = box(2), box(1)
    return MotionPreset(
        inverted=rng.random() < 0.5,
        flipped=rng.random() < 0.5,
        top_margin=rng.randint(1, roi[1][1] - roi[0][1] - 1),
        threshold=rng.choice([0, 255, rng.randint(0, 255)]),
        top_ratio=rng.choice([0.0, 1.0, 0.5, rng.random()]),
        mid_ratio=rng.choice([0.0, 1.0, 0.5, rng.random()]),
        skip_time=rng.choice([0.0, 0.099, 1.0]),
        roi_top_left=roi[0],
        roi_bottom_right=roi[1],
        crop_top_left=crop[0],
        crop_bottom_right=crop[1],
    )


def differences(preset: MotionPreset, images: Iterable[Image]) -> tuple[int, int]:
    """Count the frames on which detector and kit differ, and those that were taken."""
    ours, kit, different, taken = MotionDetector(preset), Kit(preset), 0, 0
    for index, image in enumerate(images):
        mine, theirs = ours.detect(image, index / 30), kit.detect(image, index / 30)
        different += (mine is None) != (theirs is None) or (
            mine is not None and not np.array_equal(mine, theirs)
        )
        taken += mine is not None
    return different, taken


def test_it_answers_as_the_kit_does_on_5000_random_frames_with_random_presets() -> None:
    rng, noise = random.Random(1), np.random.default_rng(1)
    total = taken = 0
    for _ in range(1000):
        width, height = rng.randint(2, 90), rng.randint(3, 70)
        images = []
        for _ in range(5):
            # From all channels alike to all channels apart, so that both ways of deciding are met.
            grey = noise.integers(0, 256, (height, width, 1))
            spread = rng.choice([0, 3, 40, 255])
            image = grey + noise.integers(-spread, spread + 1, (height, width, 3))
            images.append(np.clip(image, 0, 255).astype(np.uint8))
        wrong, hits = differences(random_preset(rng, width, height), images)
        assert wrong == 0
        total, taken = total + len(images), taken + hits
    assert total == 5000
    assert 500 < taken < 4500


@pytest.mark.parametrize("clip", ["conveyor.mp4", "conveyor2.mp4"])
def test_it_answers_as_the_kit_does_on_2500_real_frames_with_random_presets(clip: str) -> None:
    rng = random.Random(2)
    images = [shot.image for shot, _ in zip(open_video(resource_path(clip)), range(250), strict=False)]
    taken = 0
    for _ in range(10):
        wrong, hits = differences(random_preset(rng, 640, 480), images)
        assert wrong == 0
        taken += hits
    assert taken > 0


@pytest.mark.parametrize(("clip", "key"), [("conveyor.mp4", "default"), ("conveyor2.mp4", "cam2")])
def test_it_answers_as_the_kit_does_on_every_frame_of_the_shipped_clips(clip: str, key: str) -> None:
    preset = MotionPreset.load(resource_path("motion.cfg"), key)

    # One by one: together they would take 1.7 GB.
    wrong, taken = differences(preset, (shot.image[:, :600] for shot in open_video(resource_path(clip))))

    assert wrong == 0
    assert taken >= 24


def test_a_part_that_passes_is_taken_once_when_it_has_cleared_the_top_margin() -> None:
    detector = MotionDetector(MotionPreset())

    taken = [index for index, image in enumerate(passage()) if detector.detect(image, index / 30) is not None]

    # Its rear edge is at -190, -185, ..., so at 5 in frame 39: half of the top strip is free.
    assert taken == [39]


def test_the_crop_is_the_box_of_that_frame_and_a_copy() -> None:
    image = frame(6, 196)
    image[10:234, 0:224] += np.arange(224, dtype=np.uint8)[:, None] // 8

    crop = MotionDetector(MotionPreset()).detect(image, 0.0)

    assert crop is not None
    assert crop.shape == (224, 224, 3)
    expected = image[10:234, 0:224].copy()
    image[:] = 0
    assert np.array_equal(crop, expected)


def test_a_dark_part_on_a_bright_belt_is_taken_with_inverted() -> None:
    detector = MotionDetector(MotionPreset(inverted=True))

    taken = [
        index
        for index, image in enumerate(passage(level=BELT, belt=PART))
        if detector.detect(image, index / 30) is not None
    ]

    assert taken == [39]


def test_flipped_looks_for_the_opposite() -> None:
    detector = MotionDetector(MotionPreset(flipped=True))

    assert detector.detect(frame(0, 10), 0.0) is not None
    assert detector.detect(frame(10, 90), 1.0) is None


def test_a_pixel_is_bright_by_its_largest_channel_and_only_above_the_threshold() -> None:
    detector = MotionDetector(MotionPreset())
    at, above = frame(10, 200), frame(10, 200)
    at[10:200] = (127, 127, 127)
    above[10:200] = (0, 128, 0)

    assert detector.detect(at, 0.0) is None
    assert detector.detect(above, 1.0) is not None


def test_a_run_of_passing_frames_counts_once_however_long_it_lasts() -> None:
    detector = MotionDetector(MotionPreset())

    taken = [index for index in range(300) if detector.detect(frame(20, 210), index / 30) is not None]

    assert taken == [0]


def test_skip_time_counts_from_the_last_passing_frame_taken_or_not() -> None:
    detector = MotionDetector(MotionPreset(skip_time=0.1))
    times = [0.0, 0.05, 0.14, 0.25, 0.3]

    taken = [time for time in times if detector.detect(frame(20, 210), time) is not None]

    assert taken == [0.0, 0.25]


def test_without_a_time_the_monotonic_clock_counts() -> None:
    detector = MotionDetector(MotionPreset(skip_time=30.0))

    assert detector.detect(frame(20, 210)) is not None
    assert detector.detect(frame(20, 210)) is None


def test_the_first_part_is_taken_whatever_the_clock_says() -> None:
    assert MotionDetector(MotionPreset(skip_time=1e6)).detect(frame(20, 210), 0.0) is not None


@pytest.mark.parametrize("reference", ["previous", "background"])
def test_with_a_reference_the_first_frame_is_what_is_compared_with(reference: str) -> None:
    detector = MotionDetector(MotionPreset(reference=reference, mid_ratio=0.0))  # type: ignore[arg-type]

    seen = detector.explain(frame(20, 210))

    assert seen.difference.max() == 0
    assert seen.roi.max() == PART


def test_previous_sees_only_what_moved() -> None:
    detector = MotionDetector(MotionPreset(reference="previous"))
    detector.detect(frame(-400, -300), 0.0)

    assert detector.explain(frame(20, 210)).mid_ratio == pytest.approx(70 / 80)
    detector.detect(frame(20, 210), 0.1)
    assert detector.explain(frame(20, 210)).mid_ratio == 0.0
    # Five pixels further: the rows at the rear edge got dark, the front edge lies below the ROI.
    assert detector.explain(frame(25, 215)).mid_ratio == pytest.approx(5 / 80)


def test_background_takes_parts_in_light_that_the_plain_threshold_cannot() -> None:
    dim = MotionPreset(threshold=40)
    plain, background = MotionDetector(dim), MotionDetector(replace(dim, reference="background"))
    # An evenly bright belt, brighter than the threshold, with somewhat brighter parts.
    images = [frame(-400, -300, belt=90)] * 30 + list(passage(level=150, belt=90)) * 3
    taken = {
        name: [i for i, image in enumerate(images) if detector.detect(image, i / 30) is not None]
        for name, detector in (("plain", plain), ("background", background))
    }

    assert taken == {"plain": [], "background": [69, 69 + 98, 69 + 2 * 98]}


def test_the_background_follows_the_light_of_the_belt() -> None:
    detector = MotionDetector(MotionPreset(reference="background", threshold=30))
    for index in range(600):
        detector.detect(frame(-400, -300, belt=80 + index // 10), index / 30)

    assert detector.explain(frame(-400, -300, belt=140)).difference.max() <= 6


def test_a_part_that_stays_for_a_while_does_not_become_background() -> None:
    detector = MotionDetector(MotionPreset(reference="background"))
    detector.detect(frame(-400, -300), 0.0)
    for index in range(150):
        detector.detect(frame(20, 210), 1 + index / 30)

    assert detector.explain(frame(20, 210)).passes


def test_explain_shows_each_stage_and_changes_nothing() -> None:
    detector = MotionDetector(MotionPreset())
    image = frame(15, 205)

    first, second = detector.explain(image), detector.explain(image)

    assert (first.top_ratio, first.mid_ratio, first.passes) == (0.0, pytest.approx(75 / 80), True)
    assert second.passes
    assert first.roi.shape == first.difference.shape == (90, 200, 3)
    assert first.binary.shape == (90, 200)
    assert np.unique(first.binary[:15]).tolist() == [0]
    assert np.unique(first.binary[15:]).tolist() == [255]
    assert detector.detect(image, 0.0) is not None


@functools.cache
def noisy_passage() -> list[Image]:
    noise = np.random.default_rng(3)
    # Every second frame is noisier, so that "previous" too meets both answers.
    return [
        cv2.add(image, noise.integers(0, 60 if index % 8 < 4 else 120, image.shape, dtype=np.uint8))
        for index, image in enumerate(passage())
    ]


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("reference", ["none", "previous", "background"])
def test_explain_and_detect_agree(inverted: bool, flipped: bool, reference: str) -> None:
    preset = MotionPreset(
        inverted=inverted,
        flipped=flipped,
        reference=reference,  # type: ignore[arg-type]
        # Amid the noise, so that shares of all sizes are met.
        threshold=92 if reference == "none" else 45,
        top_ratio=0.5,
        mid_ratio=0.5,
        skip_time=0.0,
    )
    detector = MotionDetector(preset)
    passing = 0
    for index, noisy in enumerate(noisy_passage()):
        passes = detector.explain(noisy).passes
        assert (detector.detect(noisy, float(index)) is not None) == passes
        passing += passes
    assert 0 < passing < 98


def test_a_detector_without_a_preset_raises() -> None:
    with pytest.raises(DetectorError, match=r"no preset yet.*load_preset"):
        MotionDetector().detect(frame(0, 0), 0.0)


def test_loading_a_preset_starts_afresh() -> None:
    detector = MotionDetector(MotionPreset(skip_time=10.0))
    assert detector.detect(frame(20, 210), 0.0) is not None

    detector.load_preset(resource_path("motion.cfg"), "default")

    assert detector.preset == MotionPreset()
    assert detector.detect(frame(20, 210), 0.01) is not None


def test_a_preset_is_saved_and_loaded_by_the_detector(tmp_path) -> None:
    MotionDetector(MotionPreset(threshold=77)).save_preset(tmp_path / "motion.cfg", "cam9")
    detector = MotionDetector()
    detector.load_preset(tmp_path / "motion.cfg", "cam9")

    assert detector.preset == MotionPreset(threshold=77)
    with pytest.raises(PresetError):
        detector.load_preset(tmp_path / "motion.cfg", "cam8")


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.zeros((480, 640), np.uint8), r"uint8 of shape \(480, 640\)\. .*GRAY2BGR"),
        (np.zeros((480, 640, 1), np.uint8), r"shape \(480, 640, 1\)"),
        (np.zeros((480, 640, 4), np.uint8), r"shape \(480, 640, 4\)\. .*BGRA2BGR"),
        (np.zeros((480, 640, 3), np.float32), r"float32"),
        (None, r"NoneType"),
        ("conveyor.mp4", r"str"),
    ],
)
def test_what_is_no_bgr_image_is_refused(image: object, words: str) -> None:
    detector = MotionDetector(MotionPreset())

    with pytest.raises(DetectorError, match=words):
        detector.detect(image, 0.0)  # type: ignore[arg-type]
    with pytest.raises(DetectorError, match=words):
        detector.explain(image)  # type: ignore[arg-type]


def test_a_box_that_leaves_the_frame_says_both_sizes() -> None:
    small = frame(0, 0, size=(320, 80))
    with pytest.raises(DetectorError, match=r"ROI reaches to \(212, 90\) but the frame is 320x80"):
        MotionDetector(MotionPreset()).detect(small, 0.0)
    with pytest.raises(DetectorError, match=r"crop box reaches to \(224, 234\) but the frame is 320x120"):
        MotionDetector(MotionPreset()).detect(frame(0, 0, size=(320, 120)), 0.0)


def test_a_frame_of_another_size_in_mid_stream_is_checked_again() -> None:
    detector = MotionDetector(MotionPreset())
    detector.detect(frame(20, 210), 0.0)

    with pytest.raises(DetectorError, match="320x80"):
        detector.detect(frame(0, 0, size=(320, 80)), 1.0)
    assert detector.detect(frame(20, 260, size=(320, 300)), 2.0) is not None


@pytest.mark.parametrize(
    "view",
    [
        lambda image: np.ascontiguousarray(image[:, ::-1])[:, ::-1],
        lambda image: np.asfortranarray(image),
        lambda image: np.repeat(image, 2, axis=1)[:, ::2],
        lambda image: np.dstack([image, image])[..., :3],
    ],
    ids=["mirrored", "fortran", "every second column", "three of six channels"],
)
def test_arrays_that_are_not_contiguous_give_the_same_answer(view) -> None:
    noise = np.random.default_rng(4)
    answers = []
    for image in passage():
        image = cv2.add(image, noise.integers(0, 90, image.shape, dtype=np.uint8))
        assert not view(image).flags["C_CONTIGUOUS"]
        plain, strange = (MotionDetector(MotionPreset()).detect(i, 0.0) for i in (image, view(image)))
        assert np.array_equal(plain, strange) if plain is not None else strange is None
        answers.append(plain is not None)
    assert {True, False} == set(answers)


@pytest.mark.parametrize("reference", ["none", "background"])
def test_a_detector_that_was_sent_to_a_process_goes_on_as_the_original(reference: str) -> None:
    original = MotionDetector(MotionPreset(reference=reference))  # type: ignore[arg-type]
    sent, answers = None, []
    with open_video(resource_path("conveyor.mp4")) as source:
        for seen in source:
            if seen.index == 100:
                sent = pickle.loads(pickle.dumps(original))
            crop = original.detect(seen.image, seen.time)
            if sent is not None:
                answers.append((crop is None, sent.detect(seen.image, seen.time) is None))
            if seen.index == 700:
                break

    assert sum(not mine for mine, _ in answers) >= 3
    assert all(mine == other for mine, other in answers)
