"""Answers to exercise 08-scale."""

GIVEN = """
CORES = 4
PARENT, READING, DETECTING = 10, 84, 6
"""


def _answer(body: str, send: str = "paths") -> str:
    return f"{GIVEN}\ndef speed_up(workers, send):\n{body}\n\nSEND = {send!r}\n"


RULE = """
    serial = PARENT + READING * (send == "frames")
    return 100 / (serial + (100 - serial) / min(workers, CORES))
"""

WRONG: list[tuple[str, str, str]] = [
    ("in proportion", _answer("    return workers"), "stay 10 minutes"),
    ("in proportion up to the cores", _answer("    return min(workers, CORES)"), "stay 10 minutes"),
    ("no faster", _answer("    return 1"), "no faster at all"),
    (
        "more workers than cores",
        _answer(RULE.replace("min(workers, CORES)", "workers")),
        "this machine has 4",
    ),
    (
        "frames as fast as paths",
        _answer("    return 100 / (10 + 90 / min(workers, CORES))"),
        "who reads the recordings then",
    ),
    ("frames sent", _answer(RULE, "frames"), "4 workers are then 1.05 times as fast as one"),
    ("nothing chosen", _answer(RULE, "?"), 'choose "paths" or "frames"'),
    ("minutes", _answer(RULE.replace("100 / ", "1 * ")), "these are minutes"),
    ("upside down", _answer(RULE.replace("return 100 / (", "return 0.01 * (")), "upside down"),
    (
        "detecting is not shared",
        _answer("    return 100 / (16 + 84 / min(workers, CORES))"),
        "2 workers, paths: you say 1.72",
    ),
    (
        "the parent's minutes forgotten for frames",
        _answer(RULE.replace("PARENT + READING * (send", "PARENT + (READING - PARENT) * (send")),
        "4 workers, frames: you say 1.14",
    ),
    (
        "a worker more is a little more",
        _answer(RULE.replace("min(workers, CORES))", "min(workers, CORES)) + (workers > 4)")),
        "8 workers, paths: you say 4.08",
    ),
    ("more than one alone", _answer("    return 2 * workers"), "speed_up(1, ...) is 1, and yours is 2"),
    ("a word", _answer("    return 'twice'"), "returned 'twice': return a number"),
    ("nothing returned", _answer("    100 / (10 + 90 / workers)"), "returned None: return a number"),
    ("no such name", _answer("    return 100 / minutes"), "stopped with NameError"),
]

RIGHT: dict[str, str] = {
    "rounded to one decimal": _answer(
        """
    if send == "frames":
        return {1: 1.0, 2: 1.0, 4: 1.0, 8: 1.0}[workers]
    return {1: 1.0, 2: 1.8, 4: 3.1, 8: 3.1}[workers]
"""
    ),
    "by steps, with numpy, in capitals": _answer(
        """
    import numpy
    helping = workers
    if helping > CORES:
        helping = CORES
    if send == "paths":
        minutes = PARENT + (READING + DETECTING) / helping
    else:
        minutes = PARENT + READING + DETECTING / helping
    return numpy.float64(PARENT + READING + DETECTING) / minutes
""",
        "Paths",
    ),
}
