"""Answers to exercise 02-grid."""

WRONG: list[tuple[str, str, str]] = [
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
]

RIGHT: dict[str, str] = {
    "measured numbers of numpy, and a full stop": """
import numpy
grid = {"OpenCV": numpy.array([1.0, 1.9, 1.8]).tolist() + ["C++ gives the GIL back."],
        "pure Python": [1, numpy.float64(1.1), 2, "they take turns"],
        "waiting": (1, 2, 2, "nobody computes")}
""",
}
