"""Answers to exercise 04-threads."""

WRONG: list[tuple[str, str, str]] = [
    (
        "each event twice",
        """
def watch_both(watch, cameras):
    events, seen, done = Queue(), [], 0
    threads = [Thread(target=watch, args=(camera, events)) for camera in cameras]
    for thread in threads:
        thread.start()
    while done < 2:
        event = events.get(timeout=10)
        done += event[0] == "DONE"
        seen += [event, event]
    for thread in threads:
        thread.join(timeout=10)
    return [event for event in seen if event[0] != "DONE"]
""",
        "not those that it sent",
    ),
    (
        "last come, first served",
        """
def watch_both(watch, cameras):
    events, seen, done = queue.LifoQueue(), [], 0
    threads = [Thread(target=watch, args=(camera, events)) for camera in cameras]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    while done < 2 or not events.empty():
        seen.append(events.get(timeout=10))
        done += seen[-1][0] == "DONE"
    return [event for event in seen if event[0] != "DONE"]
""",
        "in that order",
    ),
    (
        "the arguments the wrong way round",
        """
def watch_both(watch, cameras):
    events = Queue()
    for camera in cameras:
        Thread(target=watch, args=(events, camera)).start()
    return []
""",
        "args=(camera, events)",
    ),
    (
        "waits for a DONE that is not the event",
        """
def watch_both(watch, cameras):
    events, seen, done = Queue(), [], 0
    threads = [Thread(target=watch, args=(camera, events)) for camera in cameras]
    for thread in threads:
        thread.start()
    while done < 2:
        event = events.get(timeout=2)
        done += event == "DONE"
        seen.append(event)
    return seen
""",
        "a tuple of two",
    ),
    (
        "takes silence for the end",
        """
def watch_both(watch, cameras):
    events, seen = Queue(), []
    threads = [Thread(target=watch, args=(camera, events)) for camera in cameras]
    for thread in threads:
        thread.start()
    try:
        while True:
            seen.append(events.get(timeout=0.3))
    except queue.Empty:
        pass
    for thread in threads:
        thread.join(timeout=10)
    return [event for event in seen if event[0] != "DONE"]
""",
        "too early",
    ),
    (
        "returns the data alone",
        """
def watch_both(watch, cameras):
    events, seen, done = Queue(), [], 0
    threads = [Thread(target=watch, args=(camera, events)) for camera in cameras]
    for thread in threads:
        thread.start()
    while done < 2:
        name, data = events.get(timeout=10)
        done += name == "DONE"
        seen.append(data)
    for thread in threads:
        thread.join(timeout=10)
    return seen
""",
        "(name, data)",
    ),
    (
        "target=f()",
        """
def watch_both(watch, cameras):
    events, seen, done = Queue(), [], 0
    threads = [Thread(target=watch(camera, events)) for camera in cameras]
    for thread in threads:
        thread.start()
    while done < 2:
        seen.append(events.get(timeout=10))
        done += seen[-1][0] == "DONE"
    for thread in threads:
        thread.join(timeout=10)
    return [event for event in seen if event[0] != "DONE"]
""",
        "calls it at once",
    ),
    (
        "run() for start()",
        """
def watch_both(watch, cameras):
    events = Queue()
    for camera in cameras:
        Thread(target=watch, args=(camera, events)).run()
    return [event for event in list(events.queue) if event[0] != "DONE"]
""",
        "so does run()",
    ),
    (
        "joins the first before it starts the second",
        """
def watch_both(watch, cameras):
    events = Queue()
    for camera in cameras:
        thread = Thread(target=watch, args=(camera, events))
        thread.start()
        thread.join(timeout=10)
    return [event for event in list(events.queue) if event[0] != "DONE"]
""",
        "only when the first had ended",
    ),
    (
        "one DONE ends all",
        """
def watch_both(watch, cameras):
    events, seen = Queue(), []
    threads = [Thread(target=watch, args=(camera, events)) for camera in cameras]
    for thread in threads:
        thread.start()
    while (event := events.get(timeout=10))[0] != "DONE":
        seen.append(event)
    for thread in threads:
        thread.join(timeout=10)
    return seen
""",
        "first DONE",
    ),
    (
        "does not join",
        """
def watch_both(watch, cameras):
    events, seen, done = Queue(), [], 0
    for camera in cameras:
        Thread(target=watch, args=(camera, events)).start()
    while done < 2:
        seen.append(events.get(timeout=10))
        done += seen[-1][0] == "DONE"
    return [event for event in seen if event[0] != "DONE"]
""",
        "join them",
    ),
]

RIGHT: dict[str, str] = {
    "an executor and keyword arguments": """
def watch_both(watch, cameras):
    events = Queue()
    with ThreadPoolExecutor(len(cameras)) as pool:
        for camera in cameras:
            pool.submit(watch, camera=camera, events=events)
        seen, left = [], len(cameras)
        while left:
            name, data = events.get(timeout=10)
            if name == "DONE":
                left -= 1
            else:
                seen.append((name, data))
    return seen
""",
    "joins first: the queue has no bound": """
def watch_both(watch, cameras):
    events = queue.SimpleQueue()
    threads = [Thread(target=watch, args=[camera, events], daemon=True) for camera in cameras]
    [thread.start() for thread in threads]
    [thread.join(10) for thread in threads]
    seen = []
    while not events.empty():
        seen.append(events.get())
    return [event for event in seen if event[0] != "DONE"]
""",
}
