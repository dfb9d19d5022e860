"""Answers to exercise 03-count."""

WRONG: list[tuple[str, str, str]] = [
    (
        "counts in the parent beside two idle processes",
        """
def count_both():
    processes = [context.Process(target=workloads.nap) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=30)
    return {"Cam1": 4, "Cam2": 5}
""",
        "Nothing came home",
    ),
    (
        "brackets after the target: the parent counts",
        """
def count_both():
    results = context.Queue()
    processes = [context.Process(target=workloads.count_parts(c, results)) for c in ("Cam1", "Cam2")]
    for process in processes:
        process.start()
    counts = dict(results.get(timeout=30) for _ in processes)
    for process in processes:
        process.join(timeout=30)
    return counts
""",
        "no brackets after the name",
    ),
    (
        "stops when the queue is empty",
        """
def count_both():
    results, counts = context.Queue(), {}
    processes = [context.Process(target=workloads.count_parts, args=(c, results)) for c in ("Cam1", "Cam2")]
    for process in processes:
        process.start()
    while not results.empty():
        counts.update([results.get(timeout=30)])
    for process in processes:
        process.join(timeout=30)
    return counts
""",
        "wait with get",
    ),
    (
        "a shared list",
        """
def count_both():
    counts, cameras = {}, ("Cam1", "Cam2")
    processes = [context.Process(target=dict.update, args=(counts, {camera: 1})) for camera in cameras]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=30)
    return counts
""",
        "copied to each process",
    ),
    (
        "the target stands in a cell",
        """
def count(camera, results):
    results.put((camera, 1))

def count_both():
    results = context.Queue()
    processes = [context.Process(target=count, args=(camera, results)) for camera in ("Cam1", "Cam2")]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=30)
    return dict(results.get(timeout=1) for _ in processes)
""",
        "stands in a cell",
    ),
    (
        "pictures are sent instead of counts",
        """
def count_both():
    results = context.Queue()
    cameras = ("Cam1", "Cam2")
    processes = [context.Process(target=workloads.send_crops, args=(camera, results)) for camera in cameras]
    for process in processes:
        process.start()
    counts, done = {"Cam1": 0, "Cam2": 0}, 0
    while done < 2:
        camera, crop = results.get(timeout=30)
        done += crop is None
        counts[camera] += crop is not None
    for process in processes:
        process.join(timeout=30)
    return counts
""",
        "you send pictures",
    ),
    (
        "one process after the other",
        """
def count_both():
    results = context.Queue()
    for camera in ("Cam1", "Cam2"):
        process = context.Process(target=workloads.count_parts, args=(camera, results))
        process.start()
        process.join(timeout=30)
    return dict(results.get(timeout=30) for _ in range(2))
""",
        "one after the other",
    ),
]

RIGHT: dict[str, str] = {
    "a pool and a manager's queue": """
def count_both():
    with context.Manager() as manager, context.Pool(2) as pool:
        results = manager.Queue()
        pool.starmap(workloads.count_parts, [("Cam1", results), ("Cam2", results)])
        return dict(results.get(timeout=30) for _ in range(2))
""",
    "processes that are closed": """
def count_both():
    results = context.SimpleQueue()
    processes = [context.Process(target=workloads.count_parts, args=(c, results)) for c in ("Cam1", "Cam2")]
    for process in processes:
        process.start()
    counts = dict([results.get(), results.get()])
    for process in processes:
        process.join(30)
        process.close()
    return counts
""",
}
