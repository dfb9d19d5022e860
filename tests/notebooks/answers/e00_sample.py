"""Answers to exercise 00-sample."""

WRONG: list[tuple[str, str, str]] = [
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
]

RIGHT: dict[str, str] = {
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
}
