"""Exercise 07-stop: the main loop of two cameras, and its clean stop."""

import queue
import time
from collections.abc import Callable
from typing import Any

from ..lab.content import Exercise
from ..lab.page import say
from .belt import GONE, Display, camera, run
from .recorder import PATIENCE

CLOSED_AFTER = 6


def _watch(one: Any, events: Any, stop: Any, errors: Any) -> None:
    """Put all frames; wait for room, but not for ever; DONE in any case."""
    try:
        for frame in one.source:
            event = (f"VIDEO:{one.name} live", frame.image)
            while not stop.is_set():
                try:
                    events.put(event, timeout=0.02)
                    break
                except queue.Full:
                    continue
            if stop.is_set():
                for _ in range(2):  # a camera may have found a part just now
                    events.put((f"VIDEO:{one.name} detected", "a late crop"), timeout=GONE)
                break
        if one.name == "Right" and one.source.count:
            time.sleep(0.5 * PATIENCE)  # its last event comes well after the other's DONE
            events.put((f"VIDEO:{one.name} detected", "the last crop"), timeout=GONE)
    finally:
        events.put(("DONE", one.name), timeout=GONE)
        time.sleep(0.2 * PATIENCE)  # whoever does not join is seen to


def observe(main_loop: Callable[..., Any]) -> dict[str, Any]:
    """Let two cameras come to their ends, the second one first; then let somebody close the window."""
    ends = run(_watch, main_loop, [camera("Right", 5), camera("Left", 3)], Display(), 1, 8)
    closed: dict[str, Any] = {}
    if not ends["said"]:
        cameras = [camera("Left", None), camera("Right", None)]
        closed = run(_watch, main_loop, cameras, Display(CLOSED_AFTER), 2, 6)
    return {"ends": ends, "closed": closed}


def judge(seen: dict[str, Any]) -> str:
    """Name what is lost, left alive, or never told to stop."""
    ends, closed = seen["ends"], seen["closed"]
    titles = [title for title, _ in ends["shown"]]
    expected = ["Left live"] * 3 + ["Right detected"] + ["Right live"] * 5
    if "Empty" in ends["said"]:
        return (
            "Nothing more came, and get gave up (queue.Empty): each camera says DONE once, so count to two."
        )
    if ends["said"] and "did not finish" not in ends["said"]:
        return f"Your loop stopped with {ends['said']}."
    if any(title.startswith("VIDEO:") for title in titles):
        return "The window is name[6:]: 'VIDEO:Left live' is shown in the window 'Left live'."
    if any(title not in expected for title in titles):
        strange = next(title for title in titles if title not in expected)
        return f"A window {strange!r} was shown: only VIDEO events are pictures, in the window name[6:]."
    if not titles and "did not finish" in ends["said"]:
        return (
            "Nothing was shown, and your loop did not finish: whoever joins first waits for threads that "
            "wait "
            "for room."
        )
    if not titles:
        return "Nothing was shown: call display.show(name[6:], data) for each VIDEO event."
    if len(titles) < len(expected) and ends["stopped"]:
        return (
            "You set stop though nobody had closed the window: display.poll() is True as long as it is open."
        )
    if len(titles) < len(expected):
        return (
            f"{len(titles)} of {len(expected)} pictures were shown. The camera Left was done early and Right "
            "was not: one DONE must not end both, and an empty queue ends nothing."
        )
    if "did not finish" in ends["said"]:
        return "Both cameras have said DONE, and your loop still goes on. What should end it?"
    if sorted(titles) != sorted(expected):
        return "Each picture has to be shown once."
    if ends["alive"]:
        return f"{ends['alive']} threads were still alive when you returned: join them."
    if "did not finish" in closed["said"] or not closed["stopped"]:
        return (
            "Somebody closed the window (display.poll() was False), and the cameras were never told: they "
            "look at "
            "stop.is_set(), so call stop.set(). A variable of your own they do not see."
        )
    if closed["said"]:
        return f"When the window was closed, your loop stopped with {closed['said']}."
    if closed["alive"] or sum(name.startswith("DONE") for name in closed["put"]) < 2:
        return (
            "After the window was closed you returned while threads were alive. They wait for room "
            "in the full queue to say DONE: go on taking events until both have, then join."
        )
    if len(closed["shown"]) > CLOSED_AFTER:
        return "The window was closed, and you went on showing: look at stop.is_set() first."
    return ""


def draw(seen: dict[str, Any]) -> None:
    """Tell what was shown and what was left."""
    lines = []
    for case, what in (("ends", "both cameras end"), ("closed", "somebody closes the window")):
        if one := seen[case]:
            lines.append(
                f"{what}: {len(one['shown'])} pictures shown, stop is "
                f"{'set' if one['stopped'] else 'not set'}, "
                f"{one['alive']} threads alive afterwards. {one['said']}".rstrip()
            )
    say("\n".join(lines))


EXERCISE = Exercise(
    observe,
    judge,
    draw,
    passed="Every picture shown, both DONEs awaited, a closed window heard, and no thread left.",
    hints=(
        "Three things end a main loop cleanly: count the DONEs, tell the cameras by stop, join the threads.",
        "After stop.set() go on taking events, without showing them, until every camera has said DONE: else "
        "a camera "
        "waits for room for ever.",
        "waiting = len(threads); while waiting: name, data = events.get(timeout=10); if it is DONE: waiting "
        "-= 1; "
        "elif not stop.is_set(): display.show(name[6:], data), and if not display.poll(): stop.set(); after "
        "the loop join each thread.",
    ),
    seconds=40.0,
)
