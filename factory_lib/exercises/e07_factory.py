"""Exercise 07-factory: the camera's thread, and with the main loop the whole factory against its contract."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from ..lab.content import Exercise
from ..lab.page import table
from .belt import EVERY, Display, camera, run

FRAMES, FAILS_AT, CLOSED_AFTER = 60, 25, 12
SLOW = 0.004  # seconds to show a picture: far more than to read one


def observe(answer: tuple[Callable[..., Any], Callable[..., Any]]) -> dict[str, Any]:
    """Run it with a slow display, with a camera that fails, and with a window that is closed."""
    watch, main_loop = answer
    names = ("Left", "Right")
    seen = {"slow": run(watch, main_loop, [camera(n, FRAMES) for n in names], Display(seconds=SLOW), 4, 10)}
    if not seen["slow"]["said"]:
        failing = [camera("Left", FRAMES, FAILS_AT), camera("Right", FRAMES)]
        seen["failing"] = run(watch, main_loop, failing, Display(seconds=SLOW), 4, 10)
        endless = [camera(n, None) for n in names]
        seen["closed"] = run(watch, main_loop, endless, Display(CLOSED_AFTER), 4, 6)
    return seen


def judge(seen: dict[str, Any]) -> str:
    """Name the first point of the contract that does not hold."""
    slow = seen["slow"]
    if slow["errors"]:
        return f"Here no camera fails, and yet your thread stopped with {slow['errors'][0]}."
    if fault := _ended(slow, "With a slow display") or _names(slow) or _balance(slow):
        return fault
    if fault := _detections(slow, ("Left", "Right")):
        return fault
    failing, closed = seen["failing"], seen["closed"]
    if fault := _ended(failing, "When the camera Left failed"):
        return f"{fault} Its thread must say DONE also after an error: finally."
    if not any("cable of Left" in error for error in failing["errors"]):
        return (
            f"The camera Left failed after {FAILS_AT} frames, and nobody heard it. Catch the error and keep "
            f"it: "
            "errors.append(error)."
        )
    if failing["stopped"]:
        return "When Left failed you set stop. Here the other camera must go on: leave stop to the main loop."
    if fault := _detections(failing, ("Right",)):
        return f"When Left failed: {fault}"
    if fault := _ended(closed, "When somebody closed the window"):
        return f"{fault} A camera that never ends must look at stop.is_set() for each frame."
    return ""


def _ended(case: dict[str, Any], when: str) -> str:
    """Say whether it came to its end: DONE once from each, in time, nobody alive."""
    done = Counter(name for name in case["put"] if name.startswith("DONE"))
    if wrong := [name for name in done if name not in ("DONE Left", "DONE Right")]:
        return f"{when}: the last event is ('DONE', camera.name); there was {wrong[0]!r}."
    more = [name for name, count in done.items() if count > 1]
    if more:
        return f"{when}: {more[0]} came more than once. Say it in one place: finally."
    if len(done) < 2 or "Empty" in case["said"] or "did not finish" in case["said"]:
        missing = sorted({"DONE Left", "DONE Right"} - set(done))
        what = f"{missing[0]} never came" if missing else "the main loop did not end"
        return f"{when}: {what}. {case['said']}".rstrip().rstrip(".") + "."
    if case["said"]:
        return f"{when} the main loop stopped with {case['said']}."
    if case["alive"]:
        return f"{when}: {case['alive']} threads were still alive at the end."
    return ""


def _names(case: dict[str, Any]) -> str:
    known = {f"VIDEO:{camera} {kind}" for camera in ("Left", "Right") for kind in ("live", "detected")}
    strange = [name for name in case["put"] if name not in known and not name.startswith("DONE")]
    if strange:
        return f"An event is named {strange[0]!r}; it should be 'VIDEO:Left live' or 'VIDEO:Left detected'."
    for kind in ("live", "detected"):
        if not any(name.endswith(kind) for name in case["put"]):
            return f"No event 'VIDEO:Left {kind}' was put."
    return ""


def _balance(case: dict[str, Any]) -> str:
    """Compare the accounts with what was read and shown."""
    for name, read in case["read"].items():
        counts = case["counts"][name]
        live = sum(title == f"{name} live" for title, _ in case["shown"])
        if read < FRAMES:
            return f"{name} has {FRAMES} frames, and you read {read}."
        if counts["read"] != read:
            return f"{name}: camera.report.read is {counts['read']}, and {read} frames were read: count each."
        if live + counts["dropped"] != read:
            return (
                f"{name}: {read} read, {live} shown, {counts['dropped']} counted as dropped. They must add "
                f"up: "
                "count each live frame that finds no room."
            )
        if not counts["dropped"]:
            return (
                f"{name} waited for room with its live frames. A real camera cannot wait: offer the frame, "
                f"and "
                "count it if it is dropped."
            )
    if any(t.endswith("live") and not hasattr(p, "number") for t, p in case["shown"]):
        return "In a window 'live' stood something else than frame.image."
    return ""


def _detections(case: dict[str, Any], names: tuple[str, ...]) -> str:
    for name in names:
        crops = [p for title, p in case["shown"] if title == f"{name} detected"]
        numbers = [getattr(crop, "number", None) for crop in crops if getattr(crop, "crop", False)]
        if len(crops) > len(numbers):
            return f"In the window '{name} detected' stood something else than what detect returned."
        if numbers != list(range(0, FRAMES, EVERY)):
            return (
                f"{name}: {FRAMES // EVERY} parts were found, and {len(set(numbers))} arrived. A detection "
                f"waits "
                "for room: put it with a timeout, never put_nowait."
            )
    return ""


def draw(seen: dict[str, Any]) -> None:
    """Show the accounts of each case; how many frames an endless camera gave differs from run to run."""
    rows = {}
    words = {"slow": "slow display", "failing": "Left fails", "closed": "window closed"}
    for case, one in seen.items():
        for name in ("Left", "Right"):
            row = rows[f"{words[case]}: {name}"] = {"DONE": sum(put == f"DONE {name}" for put in one["put"])}
            if case != "closed":
                shown = Counter(title for title, _ in one["shown"])
                row["read"] = one["read"][name]
                row["shown or counted"] = shown[f"{name} live"] + one["counts"][name]["dropped"]
                row["parts shown"] = shown[f"{name} detected"]
    table(rows, "case")


EXERCISE = Exercise(
    observe,
    judge,
    draw,
    passed="Names, accounts, detections, one DONE each, a failing camera, a closed window: all as agreed.",
    hints=(
        "Five duties, in this order: look at stop; count the frame; offer it live; detect; in the end DONE.",
        "try: the loop over camera.source; except Exception as error: errors.append(error); finally: put "
        "DONE.",
        "camera.report.dropped += not offer(events, live_event); a crop: events.put(..., "
        "timeout=10); "
        'finally: events.put(("DONE", camera.name), timeout=10).',
    ),
    seconds=60.0,
)
