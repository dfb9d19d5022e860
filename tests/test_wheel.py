"""What `pip install` makes of the project works too, from any folder."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from factory_lib import resource_path
from factory_lib.ground_truth import GroundTruth

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("course.py", "factory.py", "factory_lib", "pyproject.toml", "README.md", "LICENSE", "resource")
LEVELS = """
from factory_lib.lab import level
print(level("count").explore().verdict, level("two-locks").explore().verdict)
"""

pytestmark = pytest.mark.timeout(300)


def run(*command: object, folder: Path) -> str:
    done = subprocess.run(
        [*map(str, command)],
        cwd=folder,
        env={key: value for key, value in os.environ.items() if not key.startswith(("COV", "PYTHON"))},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and install it where nothing else of ours is; the libraries are those of this run."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in PARTS:  # what is built in a folder leaves files there
        path, ignore = ROOT / name, shutil.ignore_patterns("__pycache__")
        shutil.copytree(path, source / name, ignore=ignore) if path.is_dir() else shutil.copy(path, source)
    run(sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", folder, source, folder=folder)
    run(sys.executable, "-m", "venv", "--without-pip", folder / "env", folder=folder)
    python = folder / "env" / ("Scripts" if os.name == "nt" else "bin") / "python"
    [wheel] = folder.glob("*.whl")
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", wheel, folder=folder)
    libraries = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", folder=folder)
    # A path in such a file is searched, but what is installed there to be edited is not found by it.
    Path(libraries.strip(), "libraries.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return python


def test_the_package_comes_from_the_wheel(python: Path, tmp_path: Path) -> None:
    where = run(python, "-c", "import factory_lib; print(factory_lib.__file__)", folder=tmp_path)

    assert Path(where.strip()).is_relative_to(python.parent.parent)


def test_its_levels_can_be_looked_into(python: Path, tmp_path: Path) -> None:
    assert run(python, "-c", LEVELS, folder=tmp_path) == "violated deadlock\n"


def test_its_command_finds_clips_and_presets(python: Path, tmp_path: Path) -> None:
    output = run(python.with_name("factory"), "--display", "none", folder=tmp_path)

    found = len(GroundTruth.load(resource_path("conveyor.json")).parts)
    [row] = [line.split() for line in output.splitlines() if line.split()[:1] == ["Cam1"]]
    assert row[6:] == [str(found), "0", "0"]


def test_every_package_is_in_the_wheel(python: Path) -> None:
    code = "import factory_lib; print(factory_lib.__path__[0])"
    installed = Path(run(python, "-c", code, folder=python.parent).strip())

    there = {
        path.relative_to(ROOT) for path in (ROOT / "factory_lib").rglob("*.py*") if path.suffix != ".pyc"
    }
    assert {path for path in there if not (installed.parent / path).is_file()} == set()
