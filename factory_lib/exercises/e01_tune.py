"""Exercise 01-tune: a preset for the second camera, whose belt is bright, against the ground truth."""

from typing import Any

import cv2

from ..errors import FactoryError
from ..ground_truth import GroundTruth
from ..lab.content import Exercise
from ..lab.page import images, say
from ..motion import MotionDetector
from ..preset import MotionPreset
from ..resources import resource_path
from ..video import open_video

CLIP = "conveyor2.mp4"
CROP = (208, 106), (432, 330)


def observe(preset: MotionPreset) -> dict[str, Any]:
    """Run the detector with this preset over the second camera's clip."""
    if not isinstance(preset, MotionPreset):
        return {"said": f"Give a MotionPreset; this is a {type(preset).__name__}."}
    path = resource_path(CLIP)
    truth = GroundTruth.load(path.with_suffix(".json"))
    detector, taken, first = MotionDetector(preset), [], None
    try:
        with open_video(path) as video:
            for frame in video:
                if frame.index == truth.parts[0].cleared:
                    first = _framed(frame.image, preset)
                if detector.detect(frame.image, frame.time) is not None:
                    taken.append(frame.index)
    except FactoryError as error:
        return {"said": str(error)}
    score = truth.score(taken)
    starts = [part.good_shot[0] for part in truth.parts]
    early = sum(any(0 < start - frame < 25 for start in starts) for frame in taken)
    boxes = [part.box for part in truth.parts]
    return {
        "said": "",
        "found": score.found,
        "missed": score.missed,
        "false": score.false,
        "early": early,
        "precision": score.precision,
        "recall": score.recall,
        "picture": first,
        "preset": preset,
        "lane": (min(box[0] for box in boxes), max(box[2] for box in boxes)),
        "shortest": min(b.cleared - a.cleared for a, b in zip(truth.parts, truth.parts[1:], strict=False))
        / truth.fps,
    }


def _framed(image: Any, preset: MotionPreset) -> Any:
    picture = image.copy()
    cv2.rectangle(picture, preset.roi_top_left, preset.roi_bottom_right, (0, 160, 0), 3)
    cv2.rectangle(picture, preset.crop_top_left, preset.crop_bottom_right, (0, 0, 220), 3)
    return picture


def judge(seen: dict[str, Any]) -> str:
    """Name the setting that keeps the score from 1.0."""
    if seen["said"]:
        return str(seen["said"])
    preset, (left, right) = seen["preset"], seen["lane"]
    if (preset.crop_top_left, preset.crop_bottom_right) != CROP:
        return f"Leave the crop box at {CROP[0]} to {CROP[1]}: the truth says when a whole part lies in that."
    if seen["missed"] == 0 and seen["false"] == 0:
        return ""
    score = f"precision {seen['precision']:.2f}, recall {seen['recall']:.2f}"
    roi = preset.roi_top_left[0], preset.roi_bottom_right[0]
    if roi[1] <= left or roi[0] >= right:
        return (
            f"{score}. Your ROI lies beside the belt's lane: it looks at x {roi[0]} to {roi[1]}, and the "
            f"parts pass at x {left} to {right}. Points are (x, y)."
        )
    if not preset.inverted:
        return (
            f"{score}. This belt is bright and its parts are dark, so an empty belt looks full of light. "
            "Which key turns bright and dark round?"
        )
    if preset.skip_time > seen["shortest"]:
        return (
            f"{score}. skip_time is {preset.skip_time:g} s, but the closest parts come "
            f"{seen['shortest']:.2f} s apart: the second one is skipped."
        )
    if seen["early"] > seen["false"] / 2:
        return (
            f"{score}. You took {seen['early']} parts too early, before all of the part was in the red box: "
            "where the part touches the green box decides when it is taken. Begin the ROI lower."
        )
    if seen["false"]:
        return (
            f"{score}: {seen['false']} false detections. Look at the picture: is the whole part in the red "
            "box when the green one passes? Are top_ratio and threshold strict enough?"
        )
    return (
        f"{score}: {seen['missed']} parts missed. Is mid_ratio too strict, or the threshold between belt and "
        "part off?"
    )


def draw(seen: dict[str, Any]) -> None:
    """Show the boxes on a frame, and the score."""
    if seen["said"]:
        say(str(seen["said"]))
        return
    images({"green: ROI, red: crop box; a part has just cleared the top": seen["picture"]}, width=400)
    say(
        f"found {seen['found']}, missed {seen['missed']}, false {seen['false']}: "
        f"precision {seen['precision']:.2f}, recall {seen['recall']:.2f}"
    )


EXERCISE = Exercise(
    observe,
    judge,
    draw,
    passed="Every part found once and nothing else: precision 1.0, recall 1.0.",
    hints=(
        "Three things differ from Cam1: where the parts pass, that they are dark on bright, and how dark.",
        "The parts pass between x=240 and x=400. inverted=True turns bright and dark round. The ROI should "
        "begin where the belt is seen well, about y=130.",
        "inverted=True, threshold=110, top_ratio=0.2, ROI (240, 130) to (400, 220), the rest as it is.",
    ),
    seconds=40.0,
)
