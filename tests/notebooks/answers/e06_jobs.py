"""Answers to exercise 06-jobs."""

RIGHT_ONE = """
JOBS = {
    "A": ("threads", "it waits"),
    "B": ("processes", "pure Python holds the GIL"),
    "C": ("threads", "OpenCV gives the GIL back"),
    "D": ("processes", "a crash must not end the others"),
    "E": ("neither", "too short to share"),
    "F": ("neither", "each step needs the one before"),
}
"""


def _with(line: str) -> str:
    return f"{RIGHT_ONE}JOBS |= {{{line}}}\n"


WRONG: list[tuple[str, str, str]] = [
    ("download in processes", _with('"A": ("processes", "it waits")'), "50 processes take seconds"),
    ("pure Python in threads", _with('"B": ("threads", "pure Python holds the GIL")'), "threads take turns"),
    (
        "a millisecond in a process",
        _with('"E": ("processes", "too short to share")'),
        "longer than the whole job",
    ),
    ("the driver in a thread", _with('"D": ("threads", "it waits")'), "ends its whole process"),
    ("frames in processes", _with('"C": ("processes", "OpenCV gives the GIL back")'), "by reference"),
    (
        "another reason",
        _with('"A": ("threads", "too short to share")'),
        "threads is right, but 'too short to share' is not why",
    ),
    ("no such way", _with('"A": ("async", "it waits")'), "'async' is no way"),
    ("no such reason", _with('"A": ("threads", "why not")'), "not among the reasons"),
    ("no reason", _with('"A": "threads"'), "needs a way and a reason"),
]

RIGHT: dict[str, str] = {"lists": RIGHT_ONE.replace("(", "[").replace(")", "]")}
