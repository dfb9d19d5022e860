"""Exercise 08-scale: predict how many times as fast more workers are, and choose what to send to them."""

import math
from numbers import Real
from typing import Any

from ..lab.content import Exercise
from ..lab.page import say
from ..lab.sandbox_child import describe
from ..lab.speedup import scaling

# As the lesson gives them: a machine, and the minutes that one worker needs for a thousand recordings.
CORES = 4
PARENT, READING, DETECTING = 10, 84, 6
ALONE = PARENT + READING + DETECTING
WORKERS = (1, 2, 4, 8)
WAYS = ("paths", "frames")
CLOSE = 0.06  # so that whoever rounds to one decimal is right


def expected(workers: int, way: str, cores: int = CORES) -> float:
    """Compute it by Amdahl's law: what one does alone stays, the rest is shared."""
    serial = PARENT + (READING if way == "frames" else 0)
    return ALONE / (serial + (ALONE - serial) / min(workers, cores))


def observe(answer: Any) -> dict[str, Any]:
    """Ask the function for every number of workers and both ways."""
    speed_up, send = answer
    seen: dict[str, Any] = {"send": send, "said": "", **{way: {} for way in WAYS}}
    try:
        for way in WAYS:
            for workers in WORKERS:
                value = speed_up(workers, way)
                is_number = isinstance(value, Real) and not isinstance(value, bool)
                seen[way][workers] = float(value) if is_number else repr(value)
    except Exception as error:
        seen["said"] = describe(error)[0]
    return seen


def judge(seen: dict[str, Any]) -> str:
    """Name the belief behind the first number that is wrong, then a choice that is."""
    if seen["said"]:
        return f"Your function stopped with {seen['said']}."
    for way in WAYS:
        for workers, value in seen[way].items():
            if isinstance(value, str) or not math.isfinite(value):
                return f"speed_up({workers}, {way!r}) returned {value}: return a number, such as 1.5."
    if fault := _fault_of_paths(seen["paths"]) or _fault_of_frames(seen["frames"], seen["paths"]):
        return fault
    if str(seen["send"]).lower() not in WAYS:
        return f'Your function is right. SEND is {seen["send"]!r}: choose "paths" or "frames".'
    if str(seen["send"]).lower() == "frames":
        return (
            f"You send frames: by your own numbers 4 workers are then {seen['frames'][4]:.2f} times as fast "
            f"as one, and with paths {seen['paths'][4]:.2f}. And each frame would travel, 921,600 bytes."
        )
    return ""


def _fault_of_paths(given: dict[int, float]) -> str:
    if _is(given[1], ALONE):
        return (
            f"speed_up(1, ...) returned {given[1]:g}: these are minutes. Divide the minutes of one worker by "
            "the minutes of so many."
        )
    if not _is(given[1], 1):
        return f"One worker is as fast as one worker: speed_up(1, ...) is 1, and yours is {given[1]:.3g}."
    if all(_is(given[workers], 1) for workers in WORKERS):
        return (
            "You say that more workers are no faster at all. But reading and detecting, 90 of the 100 "
            "minutes, are shared: each recording can be inspected without the others."
        )
    if given[2] < 1:
        return (
            f"You say that 2 workers are {given[2]:.3g} times as fast as one, which is slower. Is it upside "
            "down? Minutes of one worker, divided by minutes of two."
        )
    if _is(given[2], 2):
        return (
            "You say that 2 workers are twice as fast: in proportion. But the list and the report, "
            f"{PARENT} minutes, stay {PARENT} minutes, however many workers help."
        )
    for workers in (2, 4):
        if not _is(given[workers], expected(workers, "paths")):
            return (
                f"{workers} workers, paths: you say {given[workers]:.3g} times as fast. Count the minutes: "
                f"{PARENT} for the parent alone, and what remains divided by {workers}."
            )
    if _is(given[8], expected(8, "paths", cores=8)):
        return (
            f"You say that 8 workers are {given[8]:.2f} times as fast. That needs 8 cores, and this machine "
            f"has {CORES}: how many of the 8 can work at the same time?"
        )
    if not _is(given[8], expected(8, "paths")):
        return (
            f"8 workers, paths: you say {given[8]:.3g} times as fast. How many of them can work at the same "
            f"time on {CORES} cores?"
        )
    return ""


def _fault_of_frames(given: dict[int, float], paths: dict[int, float]) -> str:
    if all(_is(given[workers], paths[workers]) for workers in WORKERS):
        return (
            "With paths you are right. For frames your numbers are the same, but who reads the recordings "
            "then? The parent does, one after the other, before it can send a frame."
        )
    for workers in WORKERS:
        if not _is(given[workers], expected(workers, "frames")):
            return (
                f"With paths you are right. {workers} workers, frames: you say {given[workers]:.3g} times as "
                "fast. Who reads when frames are sent? Those minutes are no longer shared."
            )
    return ""


def _is(value: float, other: float) -> bool:
    return abs(value - other) <= CLOSE


def draw(seen: dict[str, Any]) -> None:
    """Show the learner's numbers as curves beside what would be in proportion."""
    curves = {}
    for way in WAYS:
        numbers = {workers: value for workers, value in seen[way].items() if not isinstance(value, str)}
        curves[f"{way} sent"] = {workers: value for workers, value in numbers.items() if abs(value) < 1000}
    scaling({name: curve for name, curve in curves.items() if curve}, CORES)
    if seen["said"]:
        say(f"It stopped with {seen['said']}.")


EXERCISE = Exercise(
    observe,
    judge,
    draw,
    passed=(
        "2 workers are 1.8 times as fast, 4 are 3.1, and 8 are no faster than 4: there the cores end. With "
        "frames sent it stays near 1, since the parent has nearly all of the work."
    ),
    hints=(
        "What the parent does alone stays as long as it is. Only the rest is divided: by the workers, or by "
        "the cores if these are fewer.",
        "First the minutes with helpers: the serial part, plus the rest divided by those who can work at the "
        "same time. Then 100 divided by these minutes. With frames, reading belongs to the serial part.",
        'serial = PARENT, and if send == "frames": serial += READING. Then return 100 / (serial + (100 - '
        'serial) / min(workers, CORES)). And SEND = "paths".',
    ),
)
