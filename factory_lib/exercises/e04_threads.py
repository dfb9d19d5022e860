"""Exercise 04-threads: two cameras in two threads put their events into one queue."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from ..lab.content import Exercise
from ..lab.page import say
from ..lab.sandbox_child import describe
from .recorder import PATIENCE

CAMERAS = ["Left", "Right"]  # not the lesson's: nothing in the answer may be fixed to those
# Events of each camera before both have met, and after.
BEFORE, AFTER = {"Left": 3, "Right": 3}, {"Left": 0, "Right": 5}
EVENTS = sum(BEFORE.values()) + sum(AFTER.values())


def observe(watch_both: Callable[..., Any]) -> dict[str, Any]:
    """Give it two cameras that wait for each other: who runs them one by one is found out."""
    meeting = threading.Barrier(2)
    seen: dict[str, Any] = {"threads": {}, "met": True, "wrong": ""}

    def watch(camera: Any = None, events: Any = None, *more: Any, **named: Any) -> None:
        if more or named or camera not in CAMERAS or not hasattr(events, "put"):
            given = (camera, events, *more, *named.values())
            seen["wrong"] = ", ".join(type(one).__name__ for one in given)
            return
        seen["threads"][camera] = threading.current_thread() is not caller
        for number in range(BEFORE[camera]):
            events.put((f"VIDEO:{camera} live", number), timeout=5)
        try:
            meeting.wait(timeout=1.5 * PATIENCE)
        except threading.BrokenBarrierError:
            seen["met"] = False
        if camera == "Right":
            time.sleep(0.8 * PATIENCE)  # so that its last events come well after the first DONE
        for number in range(AFTER[camera]):
            events.put((f"VIDEO:{camera} live", number), timeout=5)
        events.put(("DONE", camera), timeout=5)
        time.sleep(0.3 * PATIENCE)  # whoever returns without a join is seen to

    caller = threading.current_thread()
    try:
        returned, seen["said"] = watch_both(watch, list(CAMERAS)), ""
    except Exception as error:
        returned, seen["said"] = None, describe(error)[0]
    seen["alive"] = sum(thread is not caller for thread in threading.enumerate())
    listed = isinstance(returned, list | tuple | deque)
    seen["returned"] = list(returned) if listed else None
    seen["kind"] = type(returned).__name__
    return seen


def judge(seen: dict[str, Any]) -> str:
    """Name what is not threaded, not awaited or lost."""
    started, events = seen["threads"], seen["returned"]
    if seen["wrong"]:
        return (
            f"watch was called with ({seen['wrong']}): give it args=(camera, events), a camera and a queue."
        )
    if not started:
        return f"Neither camera was watched. {seen['said']}".rstrip()
    if not all(started.values()):
        return (
            "watch ran in your own thread, before any other was started: Thread(target=watch(...)) calls it "
            "at once, and so does run(). Give target=watch and args=(camera, events), and call start()."
        )
    if len(started) < 2:
        return f"Only {next(iter(started))} was watched. {seen['said']}".rstrip()
    if not seen["met"]:
        return (
            "The second camera was started only when the first had ended: start both threads, then join both."
        )
    if "Empty" in seen["said"]:
        return (
            "Nothing more came, and get gave up (queue.Empty): what ends a camera is the event "
            '("DONE", camera), a tuple of two, and there are two cameras.'
        )
    if seen["said"]:
        return f"Your code stopped with {seen['said']}."
    if events is None:
        return f"Return the list of events; you returned a {seen['kind']}."
    if not all(isinstance(event, tuple) and len(event) == 2 for event in events):
        return "Return the events as they came: each is (name, data)."
    live = [event for event in events if event[0] != "DONE"]
    if len(live) < EVENTS:
        return (
            f"{len(live)} of {EVENTS} events arrived: you stopped too early, when the queue was empty for a "
            "while or at the first DONE. Each camera sends one DONE: count them."
        )
    if len(live) != len(events):
        return "DONE tells that a camera has ended; it is no event to return."
    for camera in CAMERAS:
        mine = [data for name, data in live if name == f"VIDEO:{camera} live"]
        if mine != [*range(BEFORE[camera]), *range(AFTER[camera])]:
            return f"The events of {camera} are not those that it sent, in that order: {mine}."
    if seen["alive"]:
        return f"{seen['alive']} threads were still alive when you returned: join them."
    return ""


def draw(seen: dict[str, Any]) -> None:
    """Show who ran where, and what arrived."""
    where = {True: "a thread of its own", False: "your own thread"}
    lines = [f"{camera} ran in {where[own]}" for camera, own in sorted(seen["threads"].items())]
    lines.append(
        "both ran side by side" if seen["met"] and len(lines) == 2 else "they never ran side by side"
    )
    events = seen["returned"]
    count = sum(event[0] != "DONE" for event in events if isinstance(event, tuple) and event) if events else 0
    lines.append(f"events returned: {count} of {EVENTS}. {seen['said']}".rstrip())
    say("\n".join(lines))


EXERCISE = Exercise(
    observe,
    judge,
    draw,
    passed="Two threads side by side, one queue, every event delivered, one DONE from each.",
    hints=(
        "Four steps: make the threads, start them all, take events until both have said DONE, join them all.",
        "Thread(target=watch, args=(camera, events)), no brackets after watch; events.get(timeout=10).",
        "done = 0; while done < 2: name, data = events.get(timeout=10); if it is DONE count it, else keep "
        "it; after the loop join each thread.",
    ),
    seconds=20.0,
)
