"""Answers to exercise 04-backpressure."""

WRONG: list[tuple[str, str, str]] = [
    (
        "a detection gives up after half a second",
        """
MAXSIZE = 8
def offer(events, name, data):
    try:
        events.put((name, data), block=not name.endswith("live"), timeout=0.2)
        return True
    except queue.Full:
        return False
""",
        "of 5 detections arrived",
    ),
    (
        "all live frames are dropped",
        """
MAXSIZE = 8
def offer(events, name, data):
    if name.endswith("live"):
        return False
    events.put((name, data), timeout=10)
    return True
""",
        "although there was room",
    ),
    (
        "the data is lost",
        """
MAXSIZE = 8
def offer(events, name, data):
    try:
        events.put((name, None), block=not name.endswith("live"), timeout=10)
        return True
    except queue.Full:
        return False
""",
        "with both",
    ),
    (
        "name and data as two arguments",
        """
MAXSIZE = 8
def offer(events, name, data):
    try:
        events.put(name, data and name.endswith("detected"), timeout=10)
        return True
    except queue.Full:
        return False
""",
        "put takes one thing",
    ),
    (
        "a word for a number",
        """
MAXSIZE = "8"
def offer(events, name, data):
    events.put((name, data), timeout=10)
    return True
""",
        "whole number",
    ),
    (
        "unbounded",
        """
MAXSIZE = 0
def offer(events, name, data):
    events.put((name, data), timeout=10)
    return True
""",
        "grows and grows",
    ),
    (
        "detections are dropped",
        """
MAXSIZE = 8
def offer(events, name, data):
    try:
        events.put_nowait((name, data))
        return True
    except queue.Full:
        return False
""",
        "of 5 detections arrived",
    ),
    (
        "the counts do not balance",
        """
MAXSIZE = 8
def offer(events, name, data):
    try:
        events.put((name, data), block=not name.endswith("live"), timeout=10)
    except queue.Full:
        pass
    return True
""",
        "do not balance",
    ),
    (
        "the camera waits for room",
        """
MAXSIZE = 8
def offer(events, name, data):
    events.put((name, data), timeout=10)
    return True
""",
        "waits for room with a live frame",
    ),
    (
        "a full queue's error comes out",
        """
MAXSIZE = 8
def offer(events, name, data):
    events.put((name, data), block=not name.endswith("live"), timeout=10)
    return True
""",
        "catch queue.Full",
    ),
]

RIGHT: dict[str, str] = {
    "full, asked by the only producer": """
MAXSIZE = 64
def offer(events, name, data):
    if name.endswith("live") and events.full():
        return False
    events.put((name, data), timeout=10)
    return True
""",
}
