"""Exercise 03-join: run a target in a process, bring its result home, and notice when it fails."""

import multiprocessing
import re
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from typing import Any

from ..lab import workloads
from ..lab.content import Exercise
from ..lab.page import say
from .recorder import BRACKETS, attempt, before

VALUE = 26
LARGE = 1_000_000


def observe(run: Callable[..., Any]) -> dict[str, Any]:
    """Give it three targets: one that takes its time, one with a large result, one that fails."""
    given: list[Any] = []
    targets: list[Any] = []

    def note(process: Any) -> None:
        target = process._target  # gone once it has started
        targets.append(target)
        given.extend((*process._args, *process._kwargs.values(), *getattr(target, "args", ())))
        given.extend(getattr(target, "keywords", {}).values())

    before(BaseProcess, "start", note)
    seen: dict[str, Any] = {}
    for case, target, value in (
        ("late", workloads.answer_twice, VALUE),
        ("large", workloads.answer_at_once, bytes(LARGE)),
        ("failing", workloads.answer_and_break, VALUE),
    ):
        result, said, runtime_error = attempt(run, target, value, seconds=10)
        if isinstance(result, bytes):
            result = len(result)
        children = multiprocessing.active_children()
        seen[case] = {"result": result, "said": said, "alive": len(children), "right error": runtime_error}
        for child in children:
            child.kill()
            child.join(timeout=5)
    seen["queues"] = sum(hasattr(one, "put") for one in given)
    seen["started"] = len(targets)
    seen["called"] = None in targets
    return seen


def judge(seen: dict[str, Any]) -> str:
    """Name what is lost, left or not noticed."""
    late, large, failing = seen["late"], seen["large"], seen["failing"]
    if seen["called"]:
        return BRACKETS
    if "not iterable" in late["said"]:
        return "args must be a tuple: args=(value, results), also for one argument: args=(value,)."
    if not seen["started"]:
        return f"You started no process. {late['said']}".rstrip()
    if "Empty" in late["said"]:
        return "You looked into the queue before the result was there. Use get with a timeout: it waits."
    if "exit code None" in late["said"]:
        return "An exitcode of None means that the process still runs: join it before you look."
    if not seen["queues"]:
        return (
            "The target wants to put its result into a queue, and got something else: a list or a variable "
            "of yours is only copied to the process and never comes back."
        )
    if late["said"]:
        return f"With a target that answers after 0.3 s your code: {late['said']}."
    if late["result"] != 2 * VALUE:
        return (
            f"The target answered {2 * VALUE}, your function returned {late['result']!r}. The result is "
            "lost: wait for it, and let it come home through a queue."
        )
    if late["alive"]:
        return "You returned while your process was still running: join it before you return."
    if large["result"] != 2 * LARGE or large["alive"]:
        return (
            "A large result does not come home: a process does not end while its queue still holds data, and "
            "you join it first. Take the result, then join."
        )
    if failing["said"] == "":
        return (
            "One target ended with exit code 3, and you returned its result as if all were well: look at "
            "exitcode after join, and raise RuntimeError if it is not 0."
        )
    if not failing["right error"] or not re.search(r"\b3\b", failing["said"]):
        return f"Exit code 3 should be a RuntimeError that names it. It came as: {failing['said']}."
    return ""


def draw(seen: dict[str, Any]) -> None:
    """Show what came home in each case."""
    lines = []
    for case in ("late", "large", "failing"):
        one = seen[case]
        came = one["said"] if one["said"] else f"returned {one['result']!r}"
        lines.append(f"{case:8} {came}; processes still running: {one['alive']}")
    say("\n".join(lines))


EXERCISE = Exercise(
    observe,
    judge,
    draw,
    passed="The result came home, nothing was left running, and a failed process was noticed.",
    hints=(
        "Three things are missing: a way home for the result, a wait for the end, a look at how it ended.",
        "context.Queue() goes as the last argument; get(timeout=...) waits for the result; exitcode is known "
        "after join(timeout=...).",
        "Queue, Process, start; value = results.get(timeout=20); process.join(timeout=20); raise "
        "RuntimeError unless exitcode is 0; return value.",
    ),
    seconds=40.0,
)
