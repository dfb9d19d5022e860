"""Answers to exercise 07-stop."""

WRONG: list[tuple[str, str, str]] = [
    (
        "one DONE ends both",
        """
def main_loop(events, threads, stop, display):
    while True:
        name, data = events.get(timeout=10)
        if name == "DONE":
            break
        display.show(name[6:], data)
        if not display.poll():
            stop.set()
    for thread in threads:
        thread.join(timeout=10)
""",
        "one DONE must not end both",
    ),
    (
        "a flag of its own",
        """
def main_loop(events, threads, stop, display):
    waiting, flag = len(threads), False
    while waiting and not flag:
        name, data = events.get(timeout=10)
        if name == "DONE":
            waiting -= 1
        else:
            display.show(name[6:], data)
            flag = not display.poll()
    for thread in threads:
        thread.join(timeout=1)
""",
        "the cameras were never told",
    ),
    (
        "no join",
        """
def main_loop(events, threads, stop, display):
    waiting = len(threads)
    while waiting:
        name, data = events.get(timeout=10)
        if name == "DONE":
            waiting -= 1
        elif not stop.is_set():
            display.show(name[6:], data)
            if not display.poll():
                stop.set()
""",
        "still alive when you returned: join them",
    ),
    (
        "ends when the queue is empty",
        """
def main_loop(events, threads, stop, display):
    import queue
    waiting = len(threads)
    while waiting:
        try:
            name, data = events.get(timeout=0.1)
        except queue.Empty:
            break
        if name == "DONE":
            waiting -= 1
        elif not stop.is_set():
            display.show(name[6:], data)
            if not display.poll():
                stop.set()
    for thread in threads:
        thread.join(timeout=10)
""",
        "an empty queue ends nothing",
    ),
    (
        "the whole name",
        """
def main_loop(events, threads, stop, display):
    waiting = len(threads)
    while waiting:
        name, data = events.get(timeout=10)
        if name == "DONE":
            waiting -= 1
        elif not stop.is_set():
            display.show(name, data)
            if not display.poll():
                stop.set()
    for thread in threads:
        thread.join(timeout=10)
""",
        "The window is name[6:]",
    ),
    (
        "leaves when the window is closed, and the threads wait for room",
        """
def main_loop(events, threads, stop, display):
    waiting = len(threads)
    while waiting and not stop.is_set():
        name, data = events.get(timeout=10)
        if name == "DONE":
            waiting -= 1
        else:
            display.show(name[6:], data)
            if not display.poll():
                stop.set()
    for thread in threads:
        thread.join(timeout=0.5)
""",
        "go on taking events until both have",
    ),
    (
        "does not hear the window",
        """
def main_loop(events, threads, stop, display):
    waiting = len(threads)
    while waiting:
        name, data = events.get(timeout=10)
        if name == "DONE":
            waiting -= 1
        else:
            display.show(name[6:], data)
    for thread in threads:
        thread.join(timeout=10)
""",
        "the cameras were never told",
    ),
    (
        "goes on showing",
        """
def main_loop(events, threads, stop, display):
    waiting = len(threads)
    while waiting:
        name, data = events.get(timeout=10)
        if name == "DONE":
            waiting -= 1
        else:
            display.show(name[6:], data)
            if not display.poll():
                stop.set()
    for thread in threads:
        thread.join(timeout=10)
""",
        "you went on showing",
    ),
    (
        "shows DONE too",
        """
def main_loop(events, threads, stop, display):
    waiting = len(threads)
    while waiting:
        name, data = events.get(timeout=10)
        display.show(name[6:], data)
        waiting -= name == "DONE"
    for thread in threads:
        thread.join(timeout=10)
""",
        "only VIDEO events are pictures",
    ),
    (
        "waits for one more",
        """
def main_loop(events, threads, stop, display):
    waiting = len(threads) + 1
    while waiting:
        name, data = events.get(timeout=2)
        if name == "DONE":
            waiting -= 1
        elif not stop.is_set():
            display.show(name[6:], data)
            if not display.poll():
                stop.set()
    for thread in threads:
        thread.join(timeout=10)
""",
        "each camera says DONE once",
    ),
    (
        "leaves the loop when the window is closed, and joins for long",
        """
def main_loop(events, threads, stop, display):
    waiting = len(threads)
    while waiting:
        name, data = events.get(timeout=10)
        if name == "DONE":
            waiting -= 1
            continue
        display.show(name[6:], data)
        if not display.poll():
            stop.set()
            break
    for thread in threads:
        thread.join(timeout=10)
""",
        "go on taking events until both have",
    ),
    (
        "takes poll the other way round",
        """
def main_loop(events, threads, stop, display):
    waiting = len(threads)
    while waiting:
        name, data = events.get(timeout=10)
        if name == "DONE":
            waiting -= 1
        elif not stop.is_set():
            display.show(name[6:], data)
            if display.poll():
                stop.set()
    for thread in threads:
        thread.join(timeout=10)
""",
        "True as long as it is open",
    ),
]

RIGHT: dict[str, str] = {
    "a set of those that are not done": """
def main_loop(events, threads, stop, display):
    done = []
    try:
        while len(done) < len(threads):
            name, data = events.get(timeout=10)
            if name == "DONE":
                done.append(data)
            elif not stop.is_set():
                display.show(name[6:], data)
                if not display.poll():
                    stop.set()
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=10)
""",
    "leaves the loop and drains": """
def main_loop(events, threads, stop, display):
    import queue
    while any(thread.is_alive() for thread in threads) or not events.empty():
        try:
            name, data = events.get(timeout=0.05)
        except queue.Empty:
            continue
        if name.startswith("VIDEO:") and not stop.is_set():
            display.show(name[6:], data)
        if not display.poll():
            stop.set()
""",
}
