"""The doctor, on a machine that is well and on machines that are broken for the test."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from factory_lib.lab import diagnostics
from factory_lib.lab.diagnostics import CHECKS, CHILD_CHECKS, Finding, Findings, examine

ROOT = Path(__file__).resolve().parents[2]
linux = pytest.mark.skipif(sys.platform != "linux", reason="speaks of Linux's libraries and displays")
NAMES = [
    "Python",
    "Cores",
    "Start method",
    "Board",
    "Environment",
    "Packages",
    "Kernel",
    "OpenCV",
    "Display",
    "Clips",
]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a Jupyter folder of its own, in which the kernel runs this Python."""
    monkeypatch.delenv("FACTORY_BOARD", raising=False)
    monkeypatch.delenv("JUPYTER_PATH", raising=False)
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    write_kernel(tmp_path, json.dumps({"argv": [sys.executable], "display_name": "p", "language": "python"}))
    return tmp_path


def write_kernel(home: Path, text: str) -> None:
    path = home / "jupyter" / "kernels" / "parallelism" / "kernel.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def fake_package(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    """Put a file before all installed packages, for the doctor's child."""
    path = folder / "first" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(folder / "first"))


def by_name(findings: Findings) -> dict[str, Finding]:
    assert [finding.name for finding in findings] == NAMES
    return {finding.name: finding for finding in findings}


def copy_course(folder: Path) -> Path:
    """Return a copy of the course; its clips are damaged."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "factory_lib", folder / "factory_lib", ignore=ignore)
    for name in ("course.py", "requirements.txt"):
        shutil.copy(ROOT / name, folder)
    clips = folder / "resource" / "factory"
    clips.mkdir(parents=True)
    whole = (ROOT / "resource" / "factory" / "conveyor.mp4").read_bytes()
    (clips / "conveyor.mp4").write_bytes(whole[:1000])
    return folder


def run(course: Path, cwd: Path, **env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-P", str(course / "factory_lib" / "lab" / "diagnostics.py")],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        encoding="utf-8",
        timeout=100,
    )


def told(text: str, name: str) -> str:
    """Return what the text says of a name, on one line: mark, finding and remedy."""
    found = re.search(rf"^(\w+) +{name} +(.*?)(?=^\w)", text, re.M | re.S)
    assert found is not None, text
    return " ".join(f"{found[1]} {found[2]}".split())


# --- a machine that is well -------------------------------------------------------------------------


def test_on_a_machine_that_is_well_there_is_no_problem() -> None:
    findings = examine()

    found = by_name(findings)
    assert [finding for finding in findings if finding.mark == "problem"] == []
    assert findings.ok
    assert findings
    assert found["Python"].found.startswith(sys.version.split()[0])
    assert "spawn" in found["Start method"].found
    assert found["Board"].found.startswith("Simulated")
    assert found["Kernel"].mark == "ok"
    assert re.search(r"opencv-python \d.*numpy \d.*tqdm \d", found["Packages"].found)
    assert found["Clips"].found == (
        "A frame was read of conveyor.mp4 (1873 frames, 640x480) and conveyor2.mp4 (1811 frames, 640x480)."
    )


def test_a_warning_is_no_problem_and_a_problem_makes_the_findings_false() -> None:
    ok, warning, problem = Finding("A", "ok", "x"), Finding("B", "warning", "y"), Finding("C", "problem", "z")

    assert bool(Findings([ok, warning]))
    assert Findings([ok, warning]).summary == "No problem: the course can start."
    assert not Findings([ok, warning, problem])
    assert repr(Findings([ok, warning, problem])) == "<doctor: 1 ok, 1 warning, 1 problem>"


def test_in_plain_python_it_prints_a_table_of_words(capsys: pytest.CaptureFixture[str]) -> None:
    findings = diagnostics.doctor()

    out = capsys.readouterr().out
    assert out == findings.text() + "\n"
    for finding in findings:
        assert re.search(rf"^{finding.mark} +{finding.name} ", out, re.M)


def test_in_a_notebook_it_shows_a_table_and_the_text(tmp_path: Path) -> None:
    source = "from factory_lib.lab.diagnostics import doctor\nfindings = doctor()"
    # A kernel is started in a process of its own: it leaves threads behind in the one that starts it.
    code = f"""
import json, nbclient, nbformat
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell({source!r})])
nbclient.NotebookClient(notebook, kernel_name="python3", timeout=90).execute()
print(json.dumps(notebook.cells[0].outputs))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "JUPYTER_PREFER_ENV_PATH": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    (output,) = json.loads(done.stdout)
    assert output["output_type"] == "display_data"
    assert output["data"]["text/html"].startswith("<table")
    assert re.match(r"ok +Python ", output["data"]["text/plain"])


def test_the_table_has_a_caption_heads_and_words_and_escapes_what_it_shows() -> None:
    findings = Findings([Finding("A&B", "ok", "1 < 2"), Finding("C", "problem", "bad", "pip install 'x<3'")])
    tags, texts = [], []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
            tags.append((tag, dict(attributes)))

        def handle_data(self, data: str) -> None:
            texts.append(data.strip())

    Reader().feed(findings.html())

    assert [a.get("scope") for tag, a in tags if tag == "th"] == ["col"] * 4 + ["row"] * 2
    assert sum(tag == "caption" for tag, _ in tags) == 1
    assert all(a == {"aria-hidden": "true"} for tag, a in tags if tag == "span")
    assert texts[0] == findings.summary
    assert {"ok", "A&B", "1 < 2", "problem", "pip install 'x<3'"} <= set(texts)


# --- the kernel -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "mark", "words"),
    [
        ('["python", "-m", "ipykernel_launcher"]', "ok", "runs the Python of this folder"),
        ('["{other}/python"]', "warning", "belongs to another folder: it runs "),
        ('["/no/such/.venv/bin/python"]', "problem", "which is gone"),
        ("[]", "problem", "cannot be read"),
        ('["broken', "problem", "cannot be read"),
        (None, "problem", "find no kernel 'parallelism'"),
    ],
)
def test_the_kernel_is_read_as_jupyter_reads_it(argv: str | None, mark: str, words: str, home: Path) -> None:
    shutil.rmtree(home / "jupyter")
    if argv is not None:
        (home / "other").mkdir()
        (home / "other" / "python").write_bytes(b"")
        (home / "other" / "python").chmod(0o755)
        if os.name == "nt":
            shutil.copy(sys.executable, home / "other" / "python.exe")
        argv = argv.replace("{other}", (home / "other").as_posix())
        write_kernel(home, f'{{"argv": {argv}, "display_name": "p", "language": "python"}}')

    found, said, remedy = CHILD_CHECKS["Kernel"]()

    assert (found, words in said) == (mark, True), said
    assert ("course.py" in remedy and remedy.endswith(" kernel")) == (mark != "ok")


# --- broken packages and libraries ------------------------------------------------------------------


def test_a_missing_system_library_is_named_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = "libSM.so.6: cannot open shared object file: No such file or directory"
    fake_package(tmp_path, monkeypatch, "cv2.py", f"raise ImportError({error!r})")

    found = by_name(examine())

    assert found["OpenCV"].mark == "problem"
    assert found["OpenCV"].found == "It cannot be loaded: this system lacks libSM.so.6."
    assert "libsm6" in found["OpenCV"].remedy
    assert [found[name].mark for name in ("Packages", "Kernel", "Display", "Clips")] == [
        "ok",
        "ok",
        "warning",
        "warning",
    ]


@linux
def test_all_libraries_that_linux_lacks_are_named_at_once_even_without_a_venv(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(diagnostics.LIBRARIES, "libnowhere.so.1", "libnowhere1")
    monkeypatch.setitem(diagnostics.LIBRARIES, "libnever.so.2", "libnever2")

    opencv = examine("there is none")[-1]

    assert opencv.found == "It cannot be loaded: this system lacks libnowhere.so.1, libnever.so.2."
    assert "libnowhere1 libnever2" in opencv.remedy


@pytest.mark.parametrize(
    ("cv2", "found", "remedy"),
    [
        ("import os; os._exit(70)", "Looking at it stopped", "--force-reinstall"),
        ("raise ImportError('DLL load failed while importing cv2')", "DLL load failed", "winget install"),
        ("raise ModuleNotFoundError('No module named cv2')", "No module named cv2", "opencv-python>=4"),
    ],
)
def test_an_opencv_that_fails_or_ends_python_is_a_problem_and_the_doctor_goes_on(
    cv2: str, found: str, remedy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_package(tmp_path, monkeypatch, "cv2.py", cv2)

    opencv, display, clips = examine()[-3:]

    assert (opencv.mark, display.mark, clips.mark) == ("problem", "warning", "warning")
    assert found in opencv.found
    assert remedy in opencv.remedy


def test_another_version_and_a_missing_package_are_named_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "requirements.txt").write_text(
        "# a comment\nnumpy>=2.0,<3\nno-such-package>=1,<2\ntqdm>=4.66,<5\n-e .\n", encoding="utf-8"
    )
    monkeypatch.setattr(diagnostics, "ROOT", tmp_path)
    info = "tqdm-4.60.0.dist-info/METADATA"
    fake_package(tmp_path, monkeypatch, info, "Metadata-Version: 2.1\nName: tqdm\nVersion: 4.60.0\n")
    monkeypatch.syspath_prepend(str(tmp_path / "first"))

    mark, found, remedy = CHILD_CHECKS["Packages"]()

    assert mark == "problem"
    assert found == "Not as in requirements.txt: no-such-package is missing, tqdm is 4.60.0."
    assert re.search(r"install ['\"]no-such-package>=1,<2['\"] ['\"]tqdm>=4.66,<5['\"]$", remedy)


def test_a_missing_display_is_a_warning(no_display: None) -> None:
    mark, found, remedy = CHILD_CHECKS["Display"]()

    if sys.platform == "linux":
        assert (mark, "the variable DISPLAY is not set" in found) == ("warning", True)
        assert "--save" in remedy
    else:
        assert mark == "ok"


# --- folders ----------------------------------------------------------------------------------------


def test_damaged_and_missing_clips_are_named(tmp_path: Path) -> None:
    course = copy_course(tmp_path / "copy")
    done = run(course, course, PYTHONPATH=str(course))

    said = told(done.stdout, "Clips")
    assert done.returncode == 1
    assert said.startswith("problem")
    assert "is not a video that FFmpeg can read, or it was cut off." in said
    assert "There is no conveyor2.mp4" in said
    assert said.endswith("do this: Download the course again.")
    assert told(done.stdout, "Environment").startswith("warning Not the course's own .venv")


def test_a_notebook_of_one_folder_on_the_python_of_another_is_a_problem(tmp_path: Path) -> None:
    course = copy_course(tmp_path / "copy")
    (course / "notebooks").mkdir()
    done = run(ROOT, course / "notebooks")

    said = told(done.stdout, "Environment")
    assert said.startswith(
        f"problem The current folder is in {course}, but this is the Python and the code of"
    )
    assert re.search(r"do this: \w+ .*copy.course\.py kernel$", said)


def test_an_environment_with_another_folders_code_is_a_problem(tmp_path: Path) -> None:
    course = copy_course(tmp_path / "copy")
    done = run(course, course)

    said = told(done.stdout, "Environment")
    assert said.startswith(f"problem 'import factory_lib' takes the code of another folder, {ROOT}.")
    assert re.search(r"pip .*install -e .*copy$", said)


def test_without_a_venv_it_says_why_and_looks_at_the_rest_with_the_standard_library_alone() -> None:
    command = [sys.executable, "-I", "-S", diagnostics.__file__, "there is none"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60)

    assert (done.returncode, done.stderr) == (1, "")
    said = told(done.stdout, "Environment")
    assert said.startswith("problem The course's .venv cannot be used: there is none. do this: ")
    assert said.endswith(" factory")
    assert told(done.stdout, "Python").startswith("ok")


def test_a_terminal_without_the_letters_is_no_hindrance() -> None:
    command = [sys.executable, "-P", diagnostics.__file__, "공장 is gone"]
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, capture_output=True, encoding="ascii", env=env, timeout=60)

    assert (done.returncode, done.stderr) == (1, "")
    assert "\\uacf5\\uc7a5 is gone" in done.stdout


# --- small matters ----------------------------------------------------------------------------------


def test_the_board_of_the_environment_and_the_ports_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "serial ports seen: " in CHECKS["Board"]()[1]
    monkeypatch.setenv("FACTORY_BOARD", "simulated")
    assert CHECKS["Board"]() == ("ok", "Simulated (FACTORY_BOARD=simulated).", "")


def test_a_python_without_the_gil_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: True, raising=False)
    assert "with the GIL on" in CHECKS["Python"]()[1]
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False)
    mark, found, remedy = CHECKS["Python"]()
    assert (mark, "with the GIL off" in found, "PYTHON_GIL=1" in remedy) == ("warning", True, True)


def test_asking_for_the_start_method_does_not_fix_it() -> None:
    code = (
        "import multiprocessing; from factory_lib.lab.diagnostics import CHECKS; CHECKS['Start method']();"
        "multiprocessing.set_start_method('spawn'); print(CHECKS['Start method']()[1])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=60)

    assert done.stdout.startswith("spawn;"), done.stderr


def test_a_check_that_fails_is_a_finding_and_raises_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> object:
        raise RuntimeError("out of order")

    monkeypatch.setitem(diagnostics.CHECKS, "Cores", broken)

    assert examine("there is none")[1] == Finding("Cores", "warning", "Could not be looked at: out of order.")


@pytest.mark.parametrize("how", ["cannot start", "does not answer"])
def test_a_child_that_cannot_look_is_a_problem_and_raises_nothing(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "cannot start":
        monkeypatch.setattr(sys, "executable", str(tmp_path / "nowhere"))
    else:
        monkeypatch.setattr(diagnostics, "CHILD_SECONDS", 0.001)

    findings = examine()

    by_name(findings)
    assert [finding.mark for finding in findings[4:]] == ["problem"] + ["warning"] * 5
    assert findings[4].found.startswith("Looking at it stopped")


@pytest.mark.parametrize("system", ["posix", "nt"])
def test_a_remedy_can_be_pasted_whatever_the_folder_is_called(
    system: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnostics, "WINDOWS", system == "nt")
    paste: Callable[..., str] = diagnostics._paste

    quote = '"' if system == "nt" else "'"
    assert (
        paste("git", "-C", "C:/a b", "numpy>=2,<3")
        == f"git -C {quote}C:/a b{quote} {quote}numpy>=2,<3{quote}"
    )
