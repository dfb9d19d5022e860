"""Exercise 00-sample: read every 30th frame of a clip with a progress bar."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tqdm

from ..lab.content import Exercise
from ..lab.page import images, say
from ..lab.sandbox_child import describe
from ..resources import resource_path
from ..video import VideoSource, open_video
from .recorder import before

FRAMES, STEP, SIZE = 200, 30, (320, 240)
SMALL = (80, 60)


def observe(sample: Callable[[str], Any]) -> dict[str, Any]:
    """Run it on a clip, with recorders on OpenCV's capture, the course's source, and tqdm."""
    # Not the lesson's clip: nothing in the answer may be fixed to that. It goes with `apart`'s own folder.
    clip = Path(tempfile.mkdtemp(), "clip.mp4")
    right = _write_clip(clip)  # before the recorders are there: only the answer is to be seen
    opened: list[Any] = []
    closed: list[Any] = []
    bars: list[Any] = []

    class Capture(cv2.VideoCapture):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            opened.append(self)

    setattr(cv2, "VideoCapture", Capture)  # noqa: B010
    before(VideoSource, "__init__", opened.append)
    before(VideoSource, "close", closed.append)
    before(tqdm.std.tqdm, "__init__", bars.append)
    seen: dict[str, Any] = {"right": len(right), "clip": FRAMES, "said": "", "frames": None}
    try:
        answer = sample(str(clip))
        seen["frames"] = _kinds(answer, right)
        shown = answer[:6] if isinstance(answer, list | tuple) else []
        seen["first"] = [cv2.resize(one, SMALL) for one in shown if isinstance(one, np.ndarray)]
    except Exception as error:
        seen["said"] = describe(error)[0]
    seen["released"] = all(one in closed or _is_closed(one) for one in opened)
    seen["bars"] = [(bar.total, bar.n) for bar in bars]
    return seen


def _is_closed(source: Any) -> bool:
    return isinstance(source, cv2.VideoCapture) and not source.isOpened()


def _write_clip(path: Path) -> list[Any]:
    """Write a short clip of the belt; return every 30th frame as it is read again."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 30, SIZE)
    with open_video(resource_path("conveyor.mp4")) as video:
        for _, frame in zip(range(FRAMES), video, strict=False):
            writer.write(cv2.resize(frame.image, SIZE))
    writer.release()
    with open_video(path) as video:
        return [frame.image for frame in video if frame.index % STEP == 0]


def _kinds(answer: Any, right: list[Any]) -> Any:
    """Say how many frames were returned, and how many of them stand in the right place."""
    if not isinstance(answer, list | tuple):
        return type(answer).__name__
    places = zip(answer, right, strict=False)
    return len(answer), sum(np.array_equal(getattr(one, "image", one), other) for one, other in places)


def judge(seen: dict[str, Any]) -> str:
    """Name what is wrong with the frames, then the bar, then the capture."""
    if seen["said"]:
        return f"Your code stopped with {seen['said']}."
    if not isinstance(seen["frames"], tuple):
        if seen["frames"] == "NoneType":
            return "Your function returned nothing: is 'return' missing?"
        return f"Return the list of frames; you returned a {seen['frames']}."
    count, right = seen["frames"]
    if seen["bars"] and seen["bars"][-1][0] == 1873:
        return "This clip has 200 frames, the lesson's has 1873: ask the clip, which knows its count."
    if count == seen["clip"]:
        return f"You keep all {count} frames. Keep only those whose number can be divided by {STEP}."
    if count != seen["right"] or right != count:
        return (
            f"Expected {seen['right']} frames (numbers 0, {STEP}, {2 * STEP}, ...); you returned {count}, of "
            f"which {right} stand in the right place."
        )
    if not seen["bars"]:
        return "There is no progress bar yet: make one with tqdm."
    total, steps = seen["bars"][-1]
    if total is None:
        return "Your bar does not know its total, so it cannot tell how much is left: give total=..."
    if total not in (seen["clip"], seen["right"]) or steps != total:
        return (
            f"Your bar ended at {steps} of {total}. Its total should be the clip's {seen['clip']} frames, "
            "and it should get there."
        )
    if not seen["released"]:
        return "The clip is still open: release the capture at the end."
    return ""


def draw(seen: dict[str, Any]) -> None:
    """Show the first frames and what the bar said."""
    if seen.get("first"):
        images({f"your no. {n + 1}": picture for n, picture in enumerate(seen["first"])}, width=SMALL[0])
    count, right = seen["frames"] if isinstance(seen["frames"], tuple) else (0, 0)
    bars = ", ".join(f"{steps} of {total}" for total, steps in seen["bars"]) or "none"
    say(
        f"{count} frames returned, {right} of them as expected; progress bar: {bars}. {seen['said']}".rstrip()
    )


EXERCISE = Exercise(
    observe,
    judge,
    draw,
    passed="Every 30th frame, a bar that knows its end, and the clip closed again.",
    hints=(
        "The clip tells how many frames it has: that is the bar's total. Each read is one step of the bar.",
        "for number in tqdm(range(count)): ok, frame = capture.read(); keep it if number % 30 == 0.",
        "capture = cv2.VideoCapture(path); count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)); the loop of "
        "hint 2, appending to a list; capture.release(); return the list.",
    ),
    seconds=20.0,
)
