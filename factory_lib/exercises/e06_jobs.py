"""Exercise 06-jobs: six jobs, each for threads, for processes or for neither, and why."""

from typing import Any

from ..lab.content import Exercise
from ..lab.page import table

WAYS = ("threads", "processes", "neither")
WAITS, PYTHON, OPENCV = "it waits", "pure Python holds the GIL", "OpenCV gives the GIL back"
CRASHES, SHORT = "a crash must not end the others", "too short to share"
ORDER = "each step needs the one before"
REASONS = (WAITS, PYTHON, OPENCV, CRASHES, SHORT, ORDER)

# As the lesson lists them: the job, what is right, and what to say if the way is another one.
JOBS = {
    "A": (
        "download",
        "threads",
        WAITS,
        "Whoever waits for the network needs neither the GIL nor a core of its own: 50 threads start in "
        "milliseconds, 50 processes take seconds and a gigabyte.",
    ),
    "B": (
        "long sums",
        "processes",
        PYTHON,
        "In pure Python threads take turns: eight of them are no faster than one. Each process has a GIL of "
        "its own.",
    ),
    "C": (
        "OpenCV's frames",
        "threads",
        OPENCV,
        "OpenCV computes without the GIL, so two threads run side by side, and a frame goes across by "
        "reference. Between processes each frame costs.",
    ),
    "D": (
        "the driver",
        "processes",
        CRASHES,
        "A crash in C code ends its whole process, with all threads in it. Only a process of its own keeps "
        "the rest alive.",
    ),
    "E": (
        "one picture",
        "neither",
        SHORT,
        "To start a process takes longer than the whole job, by far, and one piece of work cannot be shared "
        "anyway.",
    ),
    "F": (
        "the numbers",
        "neither",
        ORDER,
        "There is nothing that two could do at the same time: each step waits for the one before.",
    ),
}


def observe(jobs: Any) -> Any:
    """Take the answers as they are."""
    return jobs


def judge(jobs: Any) -> str:
    """Name the first job for which another way is better, then the first reason that is not the one."""
    if not isinstance(jobs, dict):
        return 'Give a dict: {"A": ("threads", "it waits"), ...}.'
    for job, (what, way, _, why) in JOBS.items():
        answer = jobs.get(job)
        if not isinstance(answer, list | tuple) or len(answer) != 2:
            return f'Job {job} needs a way and a reason, such as ("threads", "it waits").'
        if str(answer[0]).lower() not in WAYS:
            return f"Job {job}: {answer[0]!r} is no way. Choose one of {', '.join(WAYS)}."
        if answer[1] not in REASONS:
            return f"Job {job}: {answer[1]!r} is not among the reasons: {'; '.join(REASONS)}."
        if answer[0].lower() != way:
            return f"Job {job}, {what}: {answer[0]}? {why}"
    for job, (what, way, reason, _) in JOBS.items():
        if jobs[job][1] != reason:
            return (
                f"Job {job}, {what}: {way} is right, but '{jobs[job][1]}' is not why. What would go wrong "
                "with another way?"
            )
    return ""


def draw(jobs: Any) -> None:
    """Show the answers."""
    rows = {}
    for job, answer in jobs.items() if isinstance(jobs, dict) else ():
        pair = answer if isinstance(answer, list | tuple) else (answer,)
        rows[str(job)] = dict(zip(("way", "why"), pair, strict=False))
    table(rows, "job")


EXERCISE = Exercise(
    observe,
    judge,
    draw,
    passed="Waiting and OpenCV: threads. Pure Python and danger: processes. And some work is left alone.",
    hints=(
        "Ask in this order: can it be shared at all? May it crash? Does it wait, or compute, and in what?",
        "Two jobs each are for threads, for processes and for neither, and each reason is used once.",
        "Threads: A (it waits) and C (OpenCV). Processes: B (pure Python) and D (a crash). Neither: E and F.",
    ),
)
