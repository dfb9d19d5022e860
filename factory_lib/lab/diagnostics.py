"""Looks for what a lesson would stumble over on this machine, and says of each problem what to do.

`python3 course.py doctor` runs this file by its path: standard library only, so that it works without the
packages, too. What may fail to load, or end the Python that tries, is tried in a child process.
"""

import ctypes
import html
import importlib.metadata
import importlib.util
import json
import multiprocessing
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(os.path.abspath(__file__)).parents[2]
WINDOWS = os.name == "nt"
KERNEL = "parallelism"
CLIPS = ("conveyor.mp4", "conveyor2.mp4")
CHILD_SECONDS = 90.0
# What opencv-python's wheel expects of a Linux system, and the Debian package that has it.
LIBRARIES = {
    "libGL.so.1": "libgl1",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libxcb.so.1": "libxcb1",
    "libX11.so.6": "libx11-6",
    "libXext.so.6": "libxext6",
    "libSM.so.6": "libsm6",
    "libICE.so.6": "libice6",
}
SYMBOLS = {"ok": "\u2713", "warning": "!", "problem": "\u2717"}

Mark = Literal["ok", "warning", "problem"]
Verdict = tuple[Mark, str, str]


@dataclass(frozen=True)
class Finding:
    """What was looked at, its mark, what was found, and what to do about it ("" if nothing)."""

    name: str
    mark: Mark
    found: str
    remedy: str = ""


class Findings(list[Finding]):
    """All findings; true if none of them is a problem."""

    @property
    def ok(self) -> bool:
        """Whether none is a problem; a warning is not one."""
        return all(finding.mark != "problem" for finding in self)

    def __bool__(self) -> bool:
        return self.ok

    def _ipython_display_(self) -> None:
        """Show nothing: as the last line of a cell, `doctor` has already shown its table."""

    def __repr__(self) -> str:
        marks = [finding.mark for finding in self]
        return f"<doctor: {', '.join(f'{marks.count(mark)} {mark}' for mark in SYMBOLS)}>"  # type: ignore[arg-type]

    @property
    def summary(self) -> str:
        """The outcome in one sentence."""
        count = sum(finding.mark == "problem" for finding in self)
        if not count:
            return "No problem: the course can start."
        return f"{count} problem{'s' * (count > 1)}: do the first 'do this', then look again."

    def text(self) -> str:
        """Return the table as plain text."""
        lines = []
        for one in self:
            found = textwrap.wrap(one.found, 86, break_long_words=False, break_on_hyphens=False)
            lines.append(f"{one.mark:8} {one.name:13} " + f"\n{'':23}".join(found))
            lines += [f"{'do this:':>22} {one.remedy}"] * bool(one.remedy)
        return "\n".join([*lines, self.summary])

    def html(self) -> str:
        """Return the table as HTML: with a caption and heads, and each mark also as a word."""
        left = 'style="text-align: left"'  # Jupyter's own tables have it right
        heads = "".join(
            f'<th scope="col" {left}>{head}</th>' for head in ("Mark", "What", "Found", "Do this")
        )
        rows = "".join(
            f'<tr><td {left}><span aria-hidden="true">{SYMBOLS[one.mark]}</span>&nbsp;{one.mark}</td>'
            f'<th scope="row" {left}>{html.escape(one.name)}</th><td {left}>{html.escape(one.found)}</td>'
            f"<td {left}>{f'<code>{html.escape(one.remedy)}</code>' if one.remedy else ''}</td></tr>"
            for one in self
        )
        caption = f"<caption {left}>{html.escape(self.summary)}</caption>"
        return f'<table lang="en">{caption}<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'


def doctor() -> Findings:
    """Look at this machine and show what was found: a table in a notebook, text elsewhere.

    Returns
    -------
    Findings
        The list of findings, true if none is a problem. A check that fails is a finding: nothing is raised.
    """
    findings = examine()
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if getattr(shell, "kernel", None) is None:
        _say(findings.text())
    else:
        from IPython.display import publish_display_data

        both = {"text/html": findings.html(), "text/plain": findings.text()}
        publish_display_data(both)  # type: ignore[no-untyped-call,unused-ignore]
    return findings


def examine(no_venv: str = "") -> Findings:
    """Look at everything; if .venv cannot be used for the reason given, at what does without it."""
    findings = Findings(_look(name, check) for name, check in CHECKS.items())
    if not no_venv:
        findings += _looked_at_by_child()
        return findings
    found = f"The course's .venv cannot be used: {no_venv.rstrip('.')}."
    findings.append(Finding("Environment", "problem", found, _course("factory")))
    if missing := _missing_libraries():
        findings.append(Finding("OpenCV", *_lacking(missing)))
    return findings


def _look(name: str, check: Callable[[], Verdict]) -> Finding:
    try:
        return Finding(name, *check())
    except Exception as error:
        return Finding(name, "warning", f"Could not be looked at: {error or repr(error)}.")


def _looked_at_by_child() -> list[Finding]:
    output = b""
    try:
        # -P: the files beside this one must not stand in for modules of the same name.
        done = subprocess.run(
            [sys.executable, "-P", os.path.abspath(__file__), "--child"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=CHILD_SECONDS,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        output, end = done.stdout, f"it ended with exit code {done.returncode}"
    except subprocess.TimeoutExpired as error:
        output, end = error.stdout or b"", f"no answer for {CHILD_SECONDS:.0f} s"
    except (OSError, ValueError) as error:
        end = str(error)
    lines = [line for line in output.decode(errors="replace").splitlines() if line.startswith('["')]
    findings = [Finding(*json.loads(line)) for line in lines]
    # One look ended the child's Python; those after it did not take place.
    for name in list(CHILD_CHECKS)[len(findings) :]:
        if len(findings) == len(lines):
            found = f"Looking at it stopped {sys.executable} ({end})."
            remedy = _pip("--force-reinstall", *_requirements())
            findings.append(Finding(name, "problem", found, remedy))
        else:
            findings.append(Finding(name, "warning", "Not looked at, because of the problem before."))
    return findings


# --- what is looked at here ------------------------------------------------------------------------


def _python() -> Verdict:
    version = f"{sys.version.split()[0]}, {64 if sys.maxsize > 2**32 else 32} bit"
    if getattr(sys, "_is_gil_enabled", lambda: True)():
        return "ok", f"{version}, with the GIL on.", ""
    found = f"{version}, with the GIL off: the lessons' words about threads in pure Python do not hold."
    return "warning", found, "Set PYTHON_GIL=1 in the environment and start again."


def _cores() -> Verdict:
    if sys.platform == "linux":
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    if count == 1:
        return "warning", "One core: computing at the same time gains nothing here, only waiting does.", ""
    return "ok", f"{count} cores.", ""


def _start_method() -> Verdict:
    # Asking in this way does not fix it; the first of all is what this system takes by itself.
    method = multiprocessing.get_start_method(allow_none=True) or multiprocessing.get_all_start_methods()[0]
    return "ok", f"{method}; the lessons ask for spawn, which every system has.", ""


def _board() -> Verdict:
    if os.environ.get("FACTORY_BOARD") == "simulated":
        return "ok", "Simulated (FACTORY_BOARD=simulated).", ""
    if sys.platform == "win32":
        import winreg

        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"HARDWARE\DEVICEMAP\SERIALCOMM") as key:
                ports = [str(winreg.EnumValue(key, index)[1]) for index in range(winreg.QueryInfoKey(key)[1])]
        except OSError:
            ports = []
    else:
        ports = [str(path) for kind in ("ttyACM*", "ttyUSB*", "cu.usb*") for path in Path("/dev").glob(kind)]
    seen = ", ".join(sorted(ports)) or "none"
    return "ok", f"Simulated, unless a port is named; serial ports seen: {seen}.", ""


# --- what is looked at by the child ----------------------------------------------------------------


def _environment() -> Verdict:
    spec = importlib.util.find_spec("factory_lib")
    if spec is None or not spec.origin:
        return "problem", f"{sys.executable} has no factory_lib.", _pip(*_requirements(), "-e", str(ROOT))
    used = Path(spec.origin).parents[1]
    if not _same(used, ROOT):
        found = f"'import factory_lib' takes the code of another folder, {used}."
        return "problem", found, _pip("-e", str(ROOT))
    here = (p for p in (Path.cwd(), *Path.cwd().parents) if (p / "factory_lib").is_dir())
    folder = next((p for p in here if (p / "course.py").is_file()), ROOT)
    if not _same(folder, ROOT):
        found = f"The current folder is in {folder}, but this is the Python and the code of {ROOT}."
        return "problem", found, _course("kernel", root=folder)
    if not _same(sys.prefix, ROOT / ".venv"):
        found = f"Not the course's own .venv, but {sys.prefix}: all this is about that one."
        return "warning", found, f"Choose the kernel '{KERNEL}'."
    return "ok", "The course's own .venv, with its own code.", ""


def _packages() -> Verdict:
    try:
        from packaging.requirements import Requirement
    except ImportError:
        from pip._vendor.packaging.requirements import Requirement  # type: ignore[assignment,unused-ignore]

    good, bad, wanted = [], [], []
    for line in _requirements():
        requirement = Requirement(line)
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            version = ""
        if version and requirement.specifier.contains(version, prereleases=True):
            good.append(f"{requirement.name} {version}")
        else:
            bad.append(f"{requirement.name} is {version or 'missing'}")
            wanted.append(line)
    if bad:
        return "problem", f"Not as in requirements.txt: {', '.join(bad)}.", _pip(*wanted)
    return "ok", f"{', '.join(good)}.", ""


def _kernel() -> Verdict:
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        program = str(KernelSpecManager().get_kernel_spec(KERNEL).argv[0])
    except NoSuchKernel:
        return "problem", f"Jupyter and VSCode find no kernel '{KERNEL}'.", _course("kernel")
    except (OSError, ValueError, LookupError, TypeError) as error:
        return "problem", f"The kernel '{KERNEL}' cannot be read: {error}.", _course("kernel")
    if re.fullmatch(r"python3?(\.\d+)?", program):
        program = sys.executable  # so does Jupyter
    if not shutil.which(program):
        return "problem", f"The kernel '{KERNEL}' runs {program}, which is gone.", _course("kernel")
    bin_folder = ROOT / ".venv" / ("Scripts" if WINDOWS else "bin")
    if not any(_same(Path(program).parent, folder) for folder in (bin_folder, Path(sys.executable).parent)):
        found = f"The kernel '{KERNEL}' belongs to another folder: it runs {program}."
        return "warning", found, _course("kernel")
    return "ok", f"'{KERNEL}' runs the Python of this folder.", ""


def _opencv() -> Verdict:
    try:
        import cv2
    except ImportError as error:
        named = re.findall(r"([\w.+-]+\.so[.\d]*): cannot open shared", str(error))
        if named:
            return _lacking([*named, *_missing_libraries()])
        remedy = _pip("--force-reinstall", *_requirements("opencv", "numpy"))
        if "DLL load failed" in str(error):
            remedy = "winget install Microsoft.VCRedist.2015+.x64"
        return "problem", f"It cannot be loaded: {error}.", remedy
    return "ok", f"{cv2.__version__} can be loaded.", ""


def _missing_libraries() -> list[str]:
    missing = []
    for library in LIBRARIES if sys.platform == "linux" else ():
        try:
            ctypes.CDLL(library)
        except OSError:
            missing.append(library)
    return missing


def _lacking(libraries: list[str]) -> Verdict:
    found = f"It cannot be loaded: this system lacks {', '.join(dict.fromkeys(libraries))}."
    packages = " ".join(dict.fromkeys(LIBRARIES.get(name, name) for name in libraries))
    if not shutil.which("apt-get"):
        return "problem", found, f"Install what Debian calls {packages}, your system's way."
    sudo = "sudo " if shutil.which("sudo") else ""
    return "problem", found, f"{sudo}apt-get update && {sudo}apt-get install -y {packages}"


def _display() -> Verdict:
    from factory_lib.display import windows_problem

    if problem := windows_problem():
        found = f"No windows: {problem}. The lessons need none; the factory can save what it shows."
        return "warning", found, _course("factory", "--save", "crops")
    return "ok", "Windows can be opened.", ""


def _clips() -> Verdict:
    from factory_lib import FactoryError, open_video, resource_path

    good, bad = [], []
    for name in CLIPS:
        try:
            with open_video(resource_path(name)) as video:
                height, width = next(video).image.shape[:2]
                good.append(f"{name} ({video.frame_count} frames, {width}x{height})")
        except FactoryError as error:
            bad.append(error.what)
    if bad:
        again = _paste("git", "-C", str(ROOT), "checkout", "--", "resource/factory")
        return "problem", " ".join(bad), again if (ROOT / ".git").exists() else "Download the course again."
    return "ok", f"A frame was read of {' and '.join(good)}.", ""


CHECKS: dict[str, Callable[[], Verdict]] = {
    "Python": _python,
    "Cores": _cores,
    "Start method": _start_method,
    "Board": _board,
}
CHILD_CHECKS: dict[str, Callable[[], Verdict]] = {
    "Environment": _environment,
    "Packages": _packages,
    "Kernel": _kernel,
    "OpenCV": _opencv,
    "Display": _display,
    "Clips": _clips,
}


def _same(one: Path | str, other: Path | str) -> bool:
    return os.path.exists(one) and os.path.exists(other) and os.path.samefile(one, other)


def _requirements(*names: str) -> list[str]:
    """Return the lines of requirements.txt that begin so; '-e .' is the environment's check."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if re.match(r"\w", line) and line.startswith(names or "")]


def _paste(*words: str) -> str:
    """Return a command for a terminal; on Windows cmd and PowerShell read it alike."""
    if WINDOWS:
        return " ".join(word if re.fullmatch(r"[\w.:\\/-]+", word) else f'"{word}"' for word in words)
    return shlex.join(words)


def _course(*words: str, root: Path = ROOT) -> str:
    return _paste("py" if WINDOWS else "python3", str(root / "course.py"), *words)


def _pip(*words: str) -> str:
    # Not Python's own path first: PowerShell does not run what stands in quotes.
    python = ("py", "-m", "pip", "--python", sys.executable) if WINDOWS else (sys.executable, "-m", "pip")
    return _paste(*python, "install", *words)


def _say(text: str) -> None:
    """Print, also what this terminal has no letters for."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding))


def main(arguments: list[str]) -> int:
    """Print the findings, and return 1 if one is a problem; an argument says why .venv cannot be used."""
    if arguments == ["--child"]:
        for name, check in CHILD_CHECKS.items():
            print(json.dumps(astuple(_look(name, check))), flush=True)
        return 0
    findings = examine(*arguments)
    _say(findings.text())
    return 0 if findings.ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
