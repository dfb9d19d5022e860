"""Exercise 01-binarize: a pixel is bright if the largest of its B, G and R is greater than the threshold."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..conveyor.belt import Belt
from ..lab.content import Exercise
from ..lab.page import images, say
from ..lab.sandbox_child import describe

THRESHOLD = 100
HEIGHT, WIDTH = 90, 200


def observe(binarize: Callable[..., Any]) -> dict[str, Any]:
    """Give it a picture of the belt with every kind of pixel in it, and keep what it returns."""
    image = _picture()
    before = image.copy()
    try:
        answer, said = binarize(image, THRESHOLD), ""
        # Neither the size nor the threshold may be fixed in the answer.
        other = np.array_equal(
            binarize(image[:50, 20:80], 60), np.where(before[:50, 20:80].max(2) > 60, 255, 0)
        )
    except Exception as error:
        answer, said, other = None, describe(error)[0], False
    changed = not np.array_equal(image, before)
    return {"picture": before, "answer": answer, "said": said, "changed": changed, "other": other}


def _picture() -> NDArray[np.uint8]:
    belt = Belt("dark", parts=1, seed=1)
    roi = belt[belt.truth.parts[0].cleared][:HEIGHT, 12 : 12 + WIDTH].copy()
    # Pixels on which the usual mistakes differ: pure colours, and those exactly at the threshold.
    colours = [(200, 0, 0), (0, 200, 0), (0, 0, 200), (THRESHOLD, 0, 0), (THRESHOLD, THRESHOLD, THRESHOLD)]
    for number, colour in enumerate(colours):
        roi[:8, number * 8 : number * 8 + 8] = colour
    return roi


def judge(seen: dict[str, Any]) -> str:
    """Name the usual mistake that gives this answer."""
    image, answer = seen["picture"], seen["answer"]
    largest, mean = image.max(axis=2), image.mean(axis=2)
    if seen["said"]:
        numpys = "truth value" in seen["said"]
        hint = " 'if' cannot answer for a whole picture at once: use np.where." if numpys else ""
        return f"Your code stopped with {seen['said']}.{hint}"
    if answer is None:
        return "Your function returned nothing: is 'return' missing?"
    if not isinstance(answer, np.ndarray):
        return f"Return an array; you returned a {type(answer).__name__}."
    if answer.shape[:2] != image.shape[:2]:
        return (
            f"Your picture is {answer.shape[:2]}, the one you were given is {image.shape[:2]} (height, "
            "width): do you use another one, from the notebook?"
        )
    if answer.shape != image.shape[:2]:
        return (
            f"Your picture has the shape {answer.shape}; one value a pixel is {image.shape[:2]}: put the "
            "three colours together first."
        )
    if answer.dtype == bool:
        return "Your picture holds True and False. OpenCV shows 255 as white and 0 as black, as uint8."
    if answer.dtype != np.uint8:
        return f"Your picture is {answer.dtype}: make it uint8."
    if set(np.unique(answer)) <= {0, 1}:
        return "Your bright pixels are 1, which looks black: make them 255."
    bright = answer > 0
    if np.array_equal(bright, largest >= THRESHOLD):
        return "A pixel exactly at the threshold is not bright: greater than, not greater or equal."
    if np.array_equal(bright, mean > THRESHOLD):
        return (
            "You take the mean of the three colours: pure red (0, 0, 200) gets lost. Brightness is the "
            "largest of B, G and R."
        )
    if np.array_equal(bright, cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) > THRESHOLD):
        return "You use the grey of cvtColor, in which blue hardly counts. Take the largest of B, G, R."
    right = largest > THRESHOLD
    if np.array_equal(bright, ~right):
        return "Black and white are the wrong way round: bright pixels are 255."
    if not np.array_equal(answer, np.where(right, 255, 0)):
        y, x = np.argwhere(bright != right)[0] if (bright != right).any() else np.argwhere(bright)[0]
        return (
            f"The pixel at x={x}, y={y} is {tuple(map(int, image[y, x]))} (B, G, R), and you make it "
            f"{answer[y, x]}; at threshold {THRESHOLD} it should be {255 * int(right[y, x])}."
        )
    if seen["changed"]:
        return "You changed the frame itself. Others still need it: work on a copy."
    if not seen["other"]:
        return "With a smaller picture and the threshold 60 it goes wrong: use the image and threshold given."
    return ""


def draw(seen: dict[str, Any]) -> None:
    """Show the picture and what became of it."""
    answer = seen["answer"]
    drawable = isinstance(answer, np.ndarray) and answer.dtype in (bool, np.uint8) and answer.ndim in (2, 3)
    if drawable:
        images({"the frame's ROI": seen["picture"], "yours": answer})
    else:
        kind = f"{answer.dtype}, not uint8" if isinstance(answer, np.ndarray) else type(answer).__name__
        say(f"Your code gave no picture: {seen['said'] or kind}")


EXERCISE = Exercise(
    observe,
    judge,
    draw,
    passed="That is the detector's own binarization, pixel for pixel.",
    hints=(
        "First one number a pixel, then a comparison, then 255 or 0.",
        "image.max(axis=2) takes the largest of the three colours; np.where(condition, 255, 0) chooses.",
        "brightness = image.max(axis=2); return np.where(brightness > threshold, 255, 0).astype(np.uint8)",
    ),
)
