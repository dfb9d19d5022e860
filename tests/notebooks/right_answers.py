"""Right answers that are not the solution: each has to pass. Code as in wrong_answers.py."""

RIGHT_ANSWERS: dict[str, dict[str, str]] = {
    "00-sample": {
        "a capture in a with, a bar in a with": """
def sample(path):
    with cv2.VideoCapture(path) as capture, tqdm(total=int(capture.get(cv2.CAP_PROP_FRAME_COUNT))) as bar:
        frames = []
        while True:
            ok, frame = capture.read()
            if not ok:
                return frames
            if bar.n % 30 == 0:
                frames.append(frame)
            bar.update()
""",
        "the course's own open_video": """
def sample(path):
    from factory_lib import open_video
    with open_video(path) as video:
        return [frame.image for frame in tqdm(video, total=video.frame_count) if frame.index % 30 == 0]
""",
    },
    "01-binarize": {
        "OpenCV's threshold": """
def binarize(image, threshold):
    return cv2.threshold(image.max(axis=2), threshold, 255, cv2.THRESH_BINARY)[1]
""",
        "multiplied": """
def binarize(image, threshold):
    return (np.maximum.reduce([image[..., n] for n in range(3)]) > threshold).astype(np.uint8) * 255
""",
    },
    "01-tune": {
        "another threshold and reference": """
cam2 = MotionPreset(inverted=True, threshold=105, top_ratio=0.2, roi_top_left=(240, 130),
                    roi_bottom_right=(400, 220), crop_top_left=(208, 106), crop_bottom_right=(432, 330))
""",
    },
    "02-grid": {
        "measured numbers of numpy, and a full stop": """
import numpy
grid = {"OpenCV": numpy.array([1.0, 1.9, 1.8]).tolist() + ["C++ gives the GIL back."],
        "pure Python": [1, numpy.float64(1.1), 2, "they take turns"],
        "waiting": (1, 2, 2, "nobody computes")}
""",
    },
    "03-join": {
        "keyword arguments": """
def run(target, value):
    results = context.Queue()
    process = context.Process(target=target, kwargs={"value": value, "results": results})
    process.start()
    try:
        return results.get(timeout=20)
    finally:
        process.join(timeout=20)
        if process.exitcode:
            raise RuntimeError(process.exitcode)
""",
        "a partial target, an error of its own": """
from functools import partial
class Failed(RuntimeError):
    pass
def run(target, value):
    results = context.Queue()
    process = context.Process(target=partial(target, value, results))
    process.start()
    result = results.get(timeout=20)
    process.join(timeout=20)
    if process.exitcode != 0:
        raise Failed(f"code {process.exitcode}")
    return result
""",
    },
    "03-count": {
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
    },
    "04-threads": {
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
    },
    "04-backpressure": {
        "full, asked by the only producer": """
MAXSIZE = 64
def offer(events, name, data):
    if name.endswith("live") and events.full():
        return False
    events.put((name, data), timeout=10)
    return True
""",
    },
}
