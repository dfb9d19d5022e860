"""Answers to exercise 07-factory: with the main loop of the lesson, another way to write the thread."""

MAIN_LOOP = """
def main_loop(events, threads, stop, display):
    waiting = len(threads)
    while waiting:
        name, data = events.get(timeout=3)
        waiting -= name == "DONE"
        if name != "DONE" and not stop.is_set():
            display.show(name[6:], data)
            if not display.poll():
                stop.set()
    for thread in threads:
        thread.join(timeout=5)


def offer(events, event):
    try:
        events.put_nowait(event)
        return True
    except queue.Full:
        return False


"""

RIGHT_ONE = (
    MAIN_LOOP
    + """
def watch(camera, events, stop, errors):
    try:
        for frame in camera.source:
            if stop.is_set():
                break
            camera.report.read += 1
            if not offer(events, (f"VIDEO:{camera.name} live", frame.image)):
                camera.report.dropped += 1
            crop = camera.detector.detect(frame.image, frame.time)
            if crop is not None:
                events.put((f"VIDEO:{camera.name} detected", crop), timeout=10)
    except Exception as error:
        errors.append(error)
    finally:
        events.put(("DONE", camera.name), timeout=10)
"""
)


def _but(line: str, instead: str) -> str:
    assert line in RIGHT_ONE, line
    return RIGHT_ONE.replace(line, instead)


WRONG: list[tuple[str, str, str]] = [
    (
        "live dropped, and not counted",
        _but("                camera.report.dropped += 1", "                pass"),
        "count each live frame that finds no room",
    ),
    (
        "a detection is lost",
        _but(
            'events.put((f"VIDEO:{camera.name} detected", crop), timeout=10)',
            'offer(events, (f"VIDEO:{camera.name} detected", crop))',
        ),
        "A detection waits for room",
    ),
    (
        "the failing camera is not heard",
        _but("errors.append(error)", "print(error)"),
        "nobody heard it",
    ),
    (
        "no DONE after an error",
        """
def watch(camera, events, stop, errors):
    for frame in camera.source:
        if stop.is_set():
            break
        camera.report.read += 1
        if not offer(events, (f"VIDEO:{camera.name} live", frame.image)):
            camera.report.dropped += 1
        crop = camera.detector.detect(frame.image, frame.time)
        if crop is not None:
            events.put((f"VIDEO:{camera.name} detected", crop), timeout=10)
    events.put(("DONE", camera.name), timeout=10)
"""
        + MAIN_LOOP,
        "also after an error: finally",
    ),
    (
        "live frames wait for room",
        _but(
            'offer(events, (f"VIDEO:{camera.name} live", frame.image))',
            'not events.put((f"VIDEO:{camera.name} live", frame.image), timeout=10)',
        ),
        "A real camera cannot wait",
    ),
    (
        "does not look at stop",
        _but("if stop.is_set():", "if False:"),
        "must look at stop.is_set() for each frame",
    ),
    (
        "another name",
        _but('f"VIDEO:{camera.name} live"', 'f"VIDEO: {camera.name} live"'),
        "is named 'VIDEO: Left live'",
    ),
    (
        "frames are not counted",
        _but("            camera.report.read += 1\n", ""),
        "60 frames were read: count each",
    ),
    (
        "DONE twice",
        _but(
            "errors.append(error)\n",
            'errors.append(error)\n        events.put(("DONE", camera.name), timeout=10)\n',
        ),
        "came more than once",
    ),
    (
        "DONE without a name",
        _but('("DONE", camera.name)', '("DONE", None)'),
        "there was 'DONE None'",
    ),
    (
        "the whole frame instead of the crop",
        _but('detected", crop)', 'detected", frame.image)'),
        "something else than what detect returned",
    ),
    (
        "asks whether a crop is true",
        _but("if crop is not None:", "if crop:"),
        "ask 'crop is not None'",
    ),
    (
        "compares a crop with None",
        _but("if crop is not None:", "if crop != None:"),
        "ask 'crop is not None'",
    ),
    (
        "shows the frame, not its image",
        _but('live", frame.image)', 'live", frame)'),
        "something else than frame.image",
    ),
    (
        "stops the other camera too",
        _but("errors.append(error)", "errors.append(error)\n        stop.set()"),
        "the other camera must go on",
    ),
]

RIGHT: dict[str, str] = {
    "the source in a with": _but(
        "        for frame in camera.source:",
        "        with camera.source as video:\n          for frame in video:",
    ).replace("            ", "              "),
    "with if": RIGHT_ONE,
    "the crop first": """
def watch(camera, events, stop, errors):
    source = iter(camera.source)
    try:
        while not stop.is_set() and (frame := next(source, None)) is not None:
            crop = camera.detector.detect(frame.image)
            camera.report.read += 1
            camera.report.dropped += not offer(events, (f"VIDEO:{camera.name} live", frame.image))
            if crop is None:
                continue
            while True:
                try:
                    events.put((f"VIDEO:{camera.name} detected", crop), timeout=0.5)
                    break
                except queue.Full:
                    pass
    except OSError as error:
        errors.append(error)
    finally:
        events.put(("DONE", camera.name))
"""
    + MAIN_LOOP,
}
