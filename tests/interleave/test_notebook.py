"""In a notebook's cell the numbers are those of a script, and the source lines are the cell's."""

import json
import subprocess
import sys
from pathlib import Path

CELLS = [
    "import threading\nfrom threading import Lock",
    "from factory_lib.interleave import explore, play, plot_lanes",
    "x = 0\nlock = Lock()",
    "def more():\n    global x\n    x = x + 1",
    "def locked():\n    global x\n    with lock:\n        x = x + 1",
    "def thrice():\n    global x\n    for _ in range(3):\n        x = x + 1",
    """
results = [
    explore(more, more, invariant=lambda: x == 2),
    explore(more, more, granularity="step"),
    explore(thrice, thrice),
    explore(locked, locked, invariant=lambda: x == 2),
]
import json
print(json.dumps([[r.verdict, r.schedules, dict(r.outcomes)] for r in results]))
print(json.dumps([step.source for step in results[0].counterexample.steps]))
print(json.dumps([x, type(lock).__name__, [t.name for t in threading.enumerate() if t.name in "AB"]]))
""",
    "results[0]",
    "plot_lanes(results[0].counterexample)",
    "play(more, more)",
]

# jupyter_client alone: to import nbformat takes longer than all the rest.
RUN = """
import json, sys
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(startup_timeout=60)
found = []
try:
    for source in json.loads(sys.argv[1]):
        outputs = []
        kinds = ("stream", "display_data", "execute_result")
        hook = lambda message: message["msg_type"] in kinds and outputs.append(message["content"])
        reply = client.execute_interactive(source, timeout=60, output_hook=hook)
        assert reply["content"]["status"] == "ok", reply["content"]
        found.append(outputs)
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
print(json.dumps(found))
"""


def test_cells_give_the_numbers_that_a_script_gives(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", RUN, json.dumps(CELLS)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=110,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    outputs = json.loads(done.stdout.splitlines()[-1])

    counts, sources, left = map(json.loads, outputs[6][0]["text"].splitlines())
    assert counts[0] == ["violated", 6, {"x=1": 4, "x=2": 2}]
    assert counts[1] == ["holds", 20, {"x=1": 18, "x=2": 2}]
    assert counts[2] == ["holds", 924, {"x=2": 8, "x=3": 300, "x=4": 416, "x=5": 180, "x=6": 20}]
    assert counts[3] == ["holds", 2, {"x=2": 2}]
    assert sources == ["x = x + 1"] * 4
    assert left == [0, "lock", []]
    assert "VIOLATED" in outputs[7][0]["data"]["text/html"]
    assert "loses the other&#x27;s write" in outputs[8][0]["data"]["text/html"]
    assert "text/plain" in outputs[9][0]["data"]
