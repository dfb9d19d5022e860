"""Typical wrong answers to each exercise, and a word of the fault that its check has to name.

A new exercise gets its entry here: at least three. The code stands in a cell in the place of the solution.
"""

# name: [(what it gets wrong, the answer's code, what the check's sentence must contain)]
WRONG_ANSWERS: dict[str, list[tuple[str, str, str]]] = {
    "00-sample": [
        (
            "reads and keeps all frames",
            """
def sample(path):
    capture, frames = cv2.VideoCapture(path), []
    for number in tqdm(range(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)))):
        frames.append(capture.read()[1])
    capture.release()
    return frames
""",
            "all 200 frames",
        ),
        (
            "the bar's total is wrong",
            """
def sample(path):
    capture, frames = cv2.VideoCapture(path), []
    with tqdm(total=100) as bar:
        for number in range(int(capture.get(cv2.CAP_PROP_FRAME_COUNT))):
            ok, frame = capture.read()
            if number % 30 == 0:
                frames.append(frame)
            bar.update()
    capture.release()
    return frames
""",
            "200 of 100",
        ),
        (
            "the bar has no total",
            """
def sample(path):
    capture, frames = cv2.VideoCapture(path), []
    for number in tqdm(iter(int, 1)):
        ok, frame = capture.read()
        if not ok:
            break
        if len(frames) * 30 == capture.get(cv2.CAP_PROP_POS_FRAMES) - 1:
            frames.append(frame)
    capture.release()
    return frames
""",
            "does not know its total",
        ),
        (
            "the capture is not released",
            """
def sample(path):
    capture, frames = cv2.VideoCapture(path), []
    for number in tqdm(range(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)))):
        ok, frame = capture.read()
        if number % 30 == 0:
            frames.append(frame)
    return frames
""",
            "still open",
        ),
        (
            "no bar",
            """
def sample(path):
    capture = cv2.VideoCapture(path)
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    frames = [capture.read()[1] for number in range(count)][::30]
    capture.release()
    return frames
""",
            "no progress bar",
        ),
        (
            "nothing is returned",
            """
def sample(path):
    for number in tqdm(range(3)):
        pass
""",
            "is 'return' missing?",
        ),
        (
            "uses the notebook's capture",
            """
capture = cv2.VideoCapture(str(resource_path("conveyor.mp4")))
def sample(path):
    return [capture.read()[1] for number in tqdm(range(7))]
""",
            "uses 'capture' from the notebook",
        ),
    ],
    "01-binarize": [
        (
            "a threshold of its own",
            """
def binarize(image, threshold):
    return np.where(image.max(axis=2) > 100, 255, 0).astype(np.uint8)
""",
            "the threshold 60",
        ),
        (
            "the mean instead of the largest",
            """
def binarize(image, threshold):
    return np.where(image.mean(axis=2) > threshold, 255, 0).astype(np.uint8)
""",
            "mean",
        ),
        (
            ">= for >",
            """
def binarize(image, threshold):
    return np.where(image.max(axis=2) >= threshold, 255, 0).astype(np.uint8)
""",
            "greater than, not greater or equal",
        ),
        (
            "returns bool",
            """
def binarize(image, threshold):
    return image.max(axis=2) > threshold
""",
            "True and False",
        ),
        (
            "three colours, wrong shape",
            """
def binarize(image, threshold):
    return np.where(image > threshold, 255, 0).astype(np.uint8)
""",
            "shape",
        ),
        (
            "1 for 255",
            """
def binarize(image, threshold):
    return (image.max(axis=2) > threshold).astype(np.uint8)
""",
            "looks black",
        ),
        (
            "the grey of OpenCV",
            """
def binarize(image, threshold):
    return np.where(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) > threshold, 255, 0).astype(np.uint8)
""",
            "cvtColor",
        ),
        (
            "writes into the frame",
            """
def binarize(image, threshold):
    right = np.where(image.max(axis=2) > threshold, 255, 0).astype(np.uint8)
    image[:] = 0
    return right
""",
            "changed the frame",
        ),
    ],
    "01-tune": [
        (
            "not inverted",
            """
cam2 = MotionPreset(threshold=110, top_ratio=0.2, roi_top_left=(240, 130), roi_bottom_right=(400, 220),
                    crop_top_left=(208, 106), crop_bottom_right=(432, 330))
""",
            "bright and dark",
        ),
        (
            "the ROI outside the belt",
            """
cam2 = MotionPreset(inverted=True, threshold=110, top_ratio=0.2,
                    crop_top_left=(208, 106), crop_bottom_right=(432, 330))
""",
            "beside the belt's lane",
        ),
        (
            "skip_time too long",
            """
cam2 = MotionPreset(inverted=True, threshold=110, top_ratio=0.2, skip_time=1.5, roi_top_left=(240, 130),
                    roi_bottom_right=(400, 220), crop_top_left=(208, 106), crop_bottom_right=(432, 330))
""",
            "skip_time",
        ),
        (
            "the ROI so high that parts are taken too early",
            """
cam2 = MotionPreset(inverted=True, threshold=90, top_ratio=0.2, mid_ratio=0.3, roi_top_left=(220, 0),
                    roi_bottom_right=(420, 90), crop_top_left=(208, 106), crop_bottom_right=(432, 330))
""",
            "26 parts too early",
        ),
        (
            "another crop box, in which parts are cut off",
            """
cam2 = MotionPreset(inverted=True, threshold=110, top_ratio=0.2, roi_top_left=(240, 130),
                    roi_bottom_right=(400, 220))
""",
            "Leave the crop box",
        ),
    ],
    "02-grid": [
        (
            "all the same",
            """
grid = {work: [1, 2, 2, "C++ gives the GIL back"] for work in ("OpenCV", "pure Python", "waiting")}
""",
            "the same",
        ),
        (
            "waiting guessed as computing",
            """
grid = {"OpenCV": [1, 2, 2, "C++ gives the GIL back"], "pure Python": [1, 1, 2, "they take turns"],
        "waiting": [1, 1, 2, "they take turns"]}
""",
            "waiting like computing",
        ),
        (
            "processes always fastest",
            """
grid = {"OpenCV": [1, 1, 2, "they take turns"], "pure Python": [1, 1, 2, "they take turns"],
        "waiting": [1, 2, 2, "nobody computes"]}
""",
            "processes the fastest every time",
        ),
        (
            "the right numbers for a wrong reason",
            """
grid = {"OpenCV": [1, 2, 2, "nobody computes"], "pure Python": [1, 1, 2, "they take turns"],
        "waiting": [1, 2, 2, "nobody computes"]}
""",
            "reason",
        ),
        (
            "a row is missing",
            """
grid = {"OpenCV": [1, 2, 2, "C++ gives the GIL back"], "waiting": [1, 2, 2, "nobody computes"]}
""",
            "'pure Python' is missing",
        ),
        (
            "words for numbers",
            """
grid = {work: ["1", "2", "2x", "they take turns"] for work in ("OpenCV", "pure Python", "waiting")}
""",
            "write 1, not '1'",
        ),
    ],
    "03-join": [
        (
            "returns what it was given",
            """
def run(target, value):
    results = context.Queue()
    process = context.Process(target=target, args=(value, results))
    process.start()
    results.get(timeout=20)
    process.join(timeout=20)
    return value
""",
            "answered 52",
        ),
        (
            "an error that does not name the exit code",
            """
def run(target, value):
    results = context.Queue()
    process = context.Process(target=target, args=(value, results))
    process.start()
    result = results.get(timeout=20)
    process.join(timeout=20)
    if process.exitcode != 0:
        raise RuntimeError("failed after 30 s")
    return result
""",
            "names it",
        ),
        (
            "brackets after the target",
            """
def run(target, value):
    results = context.Queue()
    process = context.Process(target=target(value, results))
    process.start()
    process.join(timeout=20)
    return results.get(timeout=20)
""",
            "no brackets after the name",
        ),
        (
            "args without its comma",
            """
def run(target, value):
    results = context.Queue()
    process = context.Process(target=target, args=(results))
    process.start()
    process.join(timeout=20)
""",
            "must be a tuple",
        ),
        (
            "looks at the exit code before join",
            """
def run(target, value):
    results = context.Queue()
    process = context.Process(target=target, args=(value, results))
    process.start()
    result = results.get(timeout=20)
    if process.exitcode != 0:
        raise RuntimeError(f"exit code {process.exitcode}")
    return result
""",
            "still runs: join it",
        ),
        (
            "reads the result before it is there",
            """
def run(target, value):
    results = context.Queue()
    process = context.Process(target=target, args=(value, results))
    process.start()
    result = results.get_nowait()
    process.join(timeout=20)
    return result
""",
            "before the result was there",
        ),
        (
            "does not join",
            """
def run(target, value):
    results = context.Queue()
    context.Process(target=target, args=(value, results)).start()
    return results.get(timeout=20)
""",
            "still running",
        ),
        (
            "a global variable for a result",
            """
result = None
def run(target, value):
    global result
    process = context.Process(target=target, args=(value, context.Queue()))
    process.start()
    process.join(timeout=2)
    return result
""",
            "lost",
        ),
        (
            "a list for a result",
            """
def run(target, value):
    results = []
    process = context.Process(target=target, args=(value, results))
    process.start()
    process.join(timeout=20)
    return results[0]
""",
            "copied to the process",
        ),
        (
            "does not look at the exit code",
            """
def run(target, value):
    results = context.Queue()
    process = context.Process(target=target, args=(value, results))
    process.start()
    result = results.get(timeout=20)
    process.join(timeout=20)
    return result
""",
            "exit code 3",
        ),
        (
            "joins before it takes the result",
            """
def run(target, value):
    results = context.Queue()
    process = context.Process(target=target, args=(value, results))
    process.start()
    process.join(timeout=4)
    if process.exitcode != 0:
        raise RuntimeError(f"exit code {process.exitcode}")
    return results.get(timeout=20)
""",
            "Take the result, then join",
        ),
    ],
    "03-count": [
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
    ],
    "04-threads": [
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
    ],
    "04-backpressure": [
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
    ],
}
