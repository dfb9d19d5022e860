"""Exercise 03-count: count the parts of two cameras in two processes that run side by side."""

from collections.abc import Callable
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from typing import Any

from ..ground_truth import GroundTruth
from ..lab import workloads
from ..lab.content import Exercise
from ..lab.page import say
from ..lab.sandbox_child import describe
from ..resources import resource_path
from .recorder import BRACKETS, before

FRAMES = 300
# Two counts with their names take about 100 bytes; one crop of 224x224 takes 150,000.
MANY_BYTES = 20_000


def observe(count_both: Callable[[], Any]) -> dict[str, Any]:
    """Run it, and note its processes and how many bytes came home."""
    started: list[Any] = []
    seen: dict[str, Any] = {"together": 0, "bytes": 0, "targets": []}

    def note_start(process: Any) -> None:
        target = process._target  # gone once it has started
        module = "none" if target is None else getattr(getattr(target, "func", target), "__module__", "")
        if module.startswith("multiprocessing.managers"):
            return  # a server for results, no worker
        seen["targets"].append(module)
        seen["together"] = max(seen["together"], 1 + sum(map(_is_alive, started)))
        started.append(process)

    ends: Any = type(connection.Pipe()[0])  # what queues, pools and managers read from
    receive = ends._recv_bytes

    def noting_receive(self: Any, *args: Any) -> Any:
        received = receive(self, *args)
        seen["bytes"] += received.getbuffer().nbytes if hasattr(received, "getbuffer") else len(received)
        return received

    ends._recv_bytes = noting_receive
    before(BaseProcess, "start", note_start)
    try:
        seen["counts"], seen["said"] = count_both(), ""
    except Exception as error:
        seen["counts"], seen["said"] = None, describe(error)[0]
    seen["left"] = sum(map(_is_alive, started))
    targets = zip(started, seen["targets"], strict=True)
    # A pool ends its workers by force, and that is its right.
    codes = [_exit_code(one) for one, module in targets if not module.startswith("multiprocessing")]
    seen["exit codes"] = codes
    return seen


def _is_alive(process: Any) -> bool:
    try:
        return bool(process.is_alive())
    except ValueError:  # closed
        return False


def _exit_code(process: Any) -> int | None:
    try:
        code: int | None = process.exitcode
    except ValueError:  # closed, which a process can be only when it has ended
        return 0
    return code


def expected() -> dict[str, int]:
    """Tell how many parts the ground truth knows in the first frames of each camera."""
    counts = {}
    for camera, (clip, _) in workloads.CLIPS.items():
        truth = GroundTruth.load(resource_path(clip).with_suffix(".json"))
        counts[camera] = sum(part.cleared < FRAMES for part in truth.parts)
    return counts


def judge(seen: dict[str, Any]) -> str:
    """Name what keeps the counts from coming home."""
    if "none" in seen["targets"]:
        return BRACKETS
    if "__main__" in seen["targets"]:
        return (
            "Your target stands in a cell, and a fresh Python does not find it there: every process ended "
            "with an error. Use workloads.count_parts, which stands in a module."
        )
    if len(seen["targets"]) < 2:
        return f"You started {len(seen['targets'])} processes: start one for each camera. {seen['said']}"
    if seen["together"] < 2:
        return "Your processes ran one after the other: start both before you wait for either."
    if seen["said"]:
        early = " You took a result before any had come?" if "Empty" in seen["said"] else ""
        return f"Your code stopped with {seen['said']}.{early}"
    if seen["bytes"] > MANY_BYTES:
        sent = f"{seen['bytes']:,} bytes came home for two numbers"
        return f"{sent}: you send pictures. Count there, and send the counts."
    if not seen["bytes"]:
        return (
            f"Nothing came home, and you returned {seen['counts']!r}. A list or dict is copied to each "
            "process: give them a queue, and wait with get for what comes."
        )
    right = expected()
    if seen["counts"] != right:
        if seen["counts"] == dict(zip(right, reversed(right.values()), strict=True)):
            return "Your counts are swapped: who puts first is not known. Use the name in (camera, count)."
        return f"You returned {seen['counts']!r}, and that is not what count_parts sends for these cameras."
    if seen["left"]:
        return f"{seen['left']} of your processes were still running when you returned: join them."
    if any(seen["exit codes"]):
        return f"Your processes ended with exit codes {seen['exit codes']}: 0 is a good end."
    return ""


def draw(seen: dict[str, Any]) -> None:
    """Show the processes and what came home."""
    counts = seen["counts"]
    if isinstance(counts, dict):
        counts = dict(sorted(counts.items()))  # whoever came first
    say(
        f"processes started: {len(seen['targets'])}, side by side: {seen['together']}, "
        f"exit codes: {seen['exit codes']}\n"
        f"came home: {seen['bytes']:,} bytes\n"
        f"returned: {seen['said'] or counts!r}"
    )


EXERCISE = Exercise(
    observe,
    judge,
    draw,
    passed="Two processes counted side by side, and only two small results crossed between them.",
    hints=(
        "workloads.count_parts(camera, results) is a target that is ready: it puts (camera, count).",
        "Make one queue and two processes; start both; take two results; then join both.",
        "processes = [context.Process(target=workloads.count_parts, args=(camera, results)) for camera in "
        "cameras]; start each; counts = dict(results.get(timeout=30) for _ in processes); join each.",
    ),
    seconds=40.0,
)
