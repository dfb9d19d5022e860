"""Answers to exercise 01-binarize."""

WRONG: list[tuple[str, str, str]] = [
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
]

RIGHT: dict[str, str] = {
    "OpenCV's threshold": """
def binarize(image, threshold):
    return cv2.threshold(image.max(axis=2), threshold, 255, cv2.THRESH_BINARY)[1]
""",
    "multiplied": """
def binarize(image, threshold):
    return (np.maximum.reduce([image[..., n] for n in range(3)]) > threshold).astype(np.uint8) * 255
""",
}
