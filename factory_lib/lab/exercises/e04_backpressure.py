"""Exercise 04-backpressure: a bounded queue that drops live frames, counts them, and loses no detection."""

import threading
from queue import Queue
from typing import Any

from ..page import say
from . import Exercise

MOST = 64
LIVE, DETECTED = "VIDEO:Cam1 live", "VIDEO:Cam1 detected"


def observe(answer: Any) -> dict[str, Any]:
    """Offer events while nobody takes any, then a detection into the full queue, then let them flow."""
    maxsize, offer = answer
    events: Queue[Any] = Queue(maxsize if isinstance(maxsize, int) else 0)
    seen: dict[str, Any] = {"maxsize": maxsize, "said": "", "live": 0, "told": 0, "paused": 0}
    waiting, offered_all, taken = threading.Event(), threading.Event(), []

    def camera() -> None:
        try:
            for number in range(2 * MOST):
                seen["told"] += bool(offer(events, LIVE, number))
                seen["live"] += 1
            waiting.set()
            for number in range(5):
                seen["told"] += bool(offer(events, DETECTED, number))
        except Exception as error:
            seen["said"] = f"{type(error).__name__}: {error}".rstrip(": ")
        waiting.set()
        offered_all.set()

    producer = threading.Thread(target=camera, daemon=True)
    producer.start()
    # Nobody takes anything yet: a camera that waits for room with a live frame stops here.
    seen["waited"] = not waiting.wait(timeout=1.5)
    seen["paused"] = events.qsize()
    offered_all.wait(timeout=0.3)
    for _ in range(4 * MOST):
        if offered_all.is_set() and events.empty():
            break
        try:
            taken.append(events.get(timeout=0.2))
        except Exception:
            break
    producer.join(timeout=5)
    names = [event[0] if isinstance(event, tuple) and len(event) == 2 else "" for event in taken]
    seen["odd"] = names.count("")
    seen["delivered live"] = names.count(LIVE)
    seen["delivered detected"] = names.count(DETECTED)
    return seen


def judge(seen: dict[str, Any]) -> str:
    """Name what grows, waits, is lost or is not accounted for."""
    if not isinstance(seen["maxsize"], int):
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
    delivered = seen["delivered live"] + seen["delivered detected"]
    if seen["told"] != delivered:
        return (
            f"The counts do not balance: offer returned True {seen['told']} times, {delivered} events were "
            "delivered. Return True for what is in the queue, False for what is dropped."
        )
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
