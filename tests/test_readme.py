"""What the README shows is true: its race, run as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_the_readmes_race_is_found_as_it_says(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    [race] = [block for block in blocks if "explore(" in block]
    program = tmp_path / "race.py"
    program.write_text(race, encoding="utf-8")

    done = subprocess.run([sys.executable, program], capture_output=True, encoding="utf-8", timeout=100)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(
        "VIOLATED: some orders go wrong.\nEvery order was tried: 6 orders, 4 of them"
    )
    assert "loses the other's write" in done.stdout


def test_the_readmes_ring_passes_a_hundred_frames_on(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    [ring] = [block for block in blocks if "FrameRing(" in block]
    program = tmp_path / "ring.py"
    program.write_text(ring, encoding="utf-8")

    done = subprocess.run(
        [sys.executable, program], cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=100
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [["Cam1", str(n)] for n in range(100)]
