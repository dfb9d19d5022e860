"""Exercise 04-backpressure: a bounded queue that drops live frames, counts them, and loses no detection."""

import threading
from queue import Empty, Queue
from typing import Any

from ..lab.content import Exercise
from ..lab.page import say
from ..lab.sandbox_child import describe
from .recorder import PATIENCE

MOST = 64
LIVE = "VIDEO:Cam1 live", "VIDEO:Cam2 live"
DETECTED = "VIDEO:Cam1 detected", "VIDEO:Cam2 detected"


def observe(answer: Any) -> dict[str, Any]:
    """Offer events while nobody takes any, then detections into the full queue, then let them flow."""
    maxsize, offer = answer
    events: Queue[Any] = Queue(maxsize if isinstance(maxsize, int) else 0)
    seen: dict[str, Any] = {"maxsize": maxsize, "said": "", "live": 0, "told": 0, "with room": 0}
    offered_live, offered_all = threading.Event(), threading.Event()
    accepted: list[Any] = []
    taken: list[Any] = []

    def give(name: str, number: int) -> None:
        room = not events.full()
        if offer(events, name, number):
            accepted.append((name, number))
        elif room:
            seen["with room"] += 1

    def camera() -> None:
        try:
            for number in range(2 * MOST):
                give(LIVE[number % 2], number)
                seen["live"] += 1
            offered_live.set()
            for number in range(5):
                give(DETECTED[number % 2], number)
        except Exception as error:
            seen["said"] = describe(error)[0]
        offered_live.set()
        offered_all.set()

    producer = threading.Thread(target=camera, daemon=True)
    producer.start()
    # Nobody takes anything yet: a camera that waits for room with a live frame stops here.
    seen["waited"] = not offered_live.wait(timeout=1.5 * PATIENCE)
    seen["paused"] = events.qsize()
    offered_all.wait(timeout=1.2 * PATIENCE)  # who does not wait so long with a detection loses it
    for _ in range(4 * MOST):
        if offered_all.is_set() and events.empty():
            break
        try:
            taken.append(events.get(timeout=0.5))
        except Empty:
            break
    producer.join(timeout=5)
    pairs = [event for event in taken if isinstance(event, tuple) and len(event) == 2]
    seen["odd"] = len(taken) - len(pairs)
    seen["delivered live"] = sum(name in LIVE for name, _ in pairs)
    seen["delivered detected"] = sum(name in DETECTED for name, _ in pairs)
    seen["told"] = len(accepted)
    seen["same"] = pairs == accepted
    return seen


def judge(seen: dict[str, Any]) -> str:
    """Name what grows, waits, is lost or is not accounted for."""
    if not isinstance(seen["maxsize"], int) or isinstance(seen["maxsize"], bool):
        return f"MAXSIZE is {seen['maxsize']!r}: give a whole number, from 1 to {MOST}."
    if not 1 <= seen["maxsize"] <= MOST:
        return (
            f"With maxsize {seen['maxsize']} the queue grows and grows: {seen['paused']} frames of 0.9 MB "
            f"were in it. Choose 1 to {MOST}."
        )
    if seen["odd"]:
        return "What is in the queue is no event: put takes one thing, the tuple ((name, data))."
    if seen["waited"]:
        return (
            "Your camera waits for room with a live frame, and meanwhile it does not see the belt: use "
            "put_nowait, and let a full queue drop the live frame."
        )
    if seen["said"]:
        return f"Your offer stopped with {seen['said']}: catch queue.Full for a live frame, and return False."
    if seen["delivered detected"] < 5:
        return (
            f"Only {seen['delivered detected']} of 5 detections arrived: each is a part, none may be "
            "dropped. A detection waits for room."
        )
    if seen["with room"]:
        return f"{seen['with room']} times you dropped a frame although there was room in the queue."
    delivered = seen["delivered live"] + seen["delivered detected"]
    if seen["told"] != delivered:
        return (
            f"The counts do not balance: offer returned True {seen['told']} times, {delivered} events were "
            "delivered. Return True for what is in the queue, False for what is dropped."
        )
    if not seen["same"]:
        return "What comes out is not what you were given: put the tuple (name, data), with both."
    return ""


def draw(seen: dict[str, Any]) -> None:
    """Show the accounts."""
    say(
        f"in the queue while nobody took anything: {seen['paused']} (maxsize {seen['maxsize']})\n"
        f"live frames: {seen['live']} offered, {seen['delivered live']} delivered\n"
        f"detections: 5 offered, {seen['delivered detected']} delivered\n"
        f"offer returned True {seen['told']} times {seen['said']}"
    )


EXERCISE = Exercise(
    observe,
    judge,
    draw,
    passed="A bounded queue, a camera that never waits with a live frame, no lost detection, all counted.",
    hints=(
        "Two kinds of events need two rules: which of them may be lost?",
        "put_nowait raises queue.Full at once; put(..., timeout=10) waits for room.",
        'if name ends with "live": try put_nowait and return True; except queue.Full return False. Otherwise '
        "put with a timeout and return True. MAXSIZE = 8.",
    ),
    seconds=20.0,
)
