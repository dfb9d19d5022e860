#!/usr/bin/env python3
"""Set up the course and run it, from any folder.

    python3 course.py factory [options]       run the two-thread factory on the shipped clips
    python3 course.py lab [options]           open JupyterLab in notebooks/
    python3 course.py test [pytest options]   run the tests, on all cores; --slow: also soaks and sweeps
    python3 course.py benchmarks [names]      measure ours against peers, and install these first
    python3 course.py lessons [options]       make the lessons out of notebooks/solutions/ (for authors)
    python3 course.py kernel                  register the Jupyter kernel 'parallelism' for this folder
    python3 course.py doctor                  look for what is wrong here; installs nothing

The first run makes .venv and installs the course into it, which takes about a minute and needs the
internet; later runs start at once. What stands after the command is passed on: try 'factory --help'.
"""

import contextlib
import difflib
import hashlib
import importlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Up to the check below this file must parse on every Python 3. Python 2 stops at the f-string with a
# SyntaxError, and what it shows of it is that line: so the line itself says what to do.
OLDEST = (3, 11)
tell, this = sys.stderr.write, sys.version.split()[0]
if sys.version_info < OLDEST:
    tell(f"Python {this} is too old: install Python 3.11 or newer (python.org), run course.py with it.\n")
    sys.exit(2)

# Not resolve(): on Windows it turns a school's drive H: into \\server\share.
ROOT = Path(os.path.abspath(__file__)).parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
# -P: a learner's own queue.py or factory_lib/ in the current folder must not stand in for the real one.
MODULE = (str(PYTHON), "-P", "-m")
STAMP = VENV / "course-stamp"
LOCK = ROOT / ".venv.lock"
KERNEL = "parallelism"
COMMANDS = ("factory", "lab", "test", "benchmarks", "lessons", "kernel", "doctor")
REQUIREMENTS = {
    "test": "requirements-dev.txt",
    "lessons": "requirements-dev.txt",
    "benchmarks": "requirements-benchmarks.txt",
}
UNFINISHED = "unfinished"
TEXT: Any = {"stdin": subprocess.DEVNULL, "encoding": "utf-8", "errors": "replace"}
LOCK_SECONDS = 1800.0

# Prints the version if this really is a virtual environment with pip; without the check of the prefix,
# a .venv that lost its pyvenv.cfg would have us install into the system's Python.
PROBE = """
import importlib.util, sys
if sys.prefix != sys.base_prefix and importlib.util.find_spec("pip"):
    print("%d.%d" % sys.version_info[:2])
"""


class Trouble(Exception):
    """What the user can put right: its text says what is wrong and what to do."""


def say(text: str) -> None:
    """Tell the user something; standard output belongs to the command that runs."""
    print(text, file=sys.stderr, flush=True)


def explain(output: str) -> str:
    """Say what is wrong and what to do, from what pip, venv or the system said."""
    if re.search(r"Errno 28\b|WinError 112\b|No space left", output):
        return (
            f"The disk is full: the course needs about 1 GB in {ROOT}. "
            "Free some space (or move the folder to a bigger disk) and run this again."
        )
    if re.search(r"Errno (13|30)\b|WinError (5|32)\b", output):
        return (
            f"A file below {ROOT} could not be written. Close Jupyter and VSCode if they use its .venv, "
            f"or copy the course to a folder of your own; then run this again.\n{last_lines(output, 1)}"
        )
    # A package that PyPI has for certain, "from versions: none": with PIP_RETRIES=0 pip says no more.
    if re.search(r"connection broken|ConnectionError|ConnectTimeout|ReadTimeout|versions: none", output):
        missing = re.search(r"No matching distribution found for (\S+)", output)
        return (
            f"The packages cannot be fetched ({missing[1] if missing else 'the connection broke off'}). "
            "Connect to the internet and run this again; in a classroom without it, set PIP_NO_INDEX=1 and "
            "PIP_FIND_LINKS to a folder of wheels (no spaces in its path), filled elsewhere by: "
            'pip download -d FOLDER -r requirements.txt "setuptools>=77"'
        )
    return (
        f"Installing failed; the last lines say why:\n{last_lines(output, 15)}\n"
        f"Put that right and run this again; if it makes no sense, delete {VENV} first."
    )


def last_lines(output: str, count: int) -> str:
    """Return the last lines that are not empty, indented."""
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    return "\n".join(f"    {line}" for line in lines[-count:])


def run_quietly(command: list[str]) -> None:
    """Run pip or venv in the course's folder; on a terminal, one line shows how far it is."""
    env = {**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"}
    width = shutil.get_terminal_size().columns - 1 if sys.stderr.isatty() else 0
    lines: list[str] = []
    with subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **TEXT
    ) as child:
        try:
            for line in child.stdout or ():
                lines.append(line)
                if width and line.lstrip().startswith(("Collecting", "Downloading", "Installing")):
                    print("\r" + line.strip()[:width].ljust(width), end="", file=sys.stderr, flush=True)
        except KeyboardInterrupt:
            child.terminate()
            raise
        finally:
            if width:
                print("\r" + " " * width, end="\r", file=sys.stderr, flush=True)
    if child.returncode != 0:
        raise Trouble(explain("".join(lines)))


def ask(*options: str) -> tuple[bool, str]:
    """Run .venv's Python for a moment: return whether that went well, and what it said."""
    try:
        done = subprocess.run([PYTHON, "-P", *options], capture_output=True, timeout=120, **TEXT)
    except (OSError, subprocess.TimeoutExpired) as error:
        return False, str(error)
    return (True, done.stdout.strip()) if done.returncode == 0 else (False, done.stderr)


def venv_version() -> str:
    """Ask .venv's Python for its version, such as "3.11"; empty if it does not work."""
    works, version = ask("-I", "-c", PROBE)
    return version if works else ""


def fingerprint(requirements: str) -> str:
    """Return what the stamp holds once these requirements are installed, in this folder, by this Python."""
    parts = [str(ROOT.resolve()).encode("utf-8", "surrogateescape"), venv_version().encode()]
    for name in ("pyproject.toml", "requirements.txt", requirements):
        try:
            parts.append((ROOT / name).read_bytes())
        except FileNotFoundError:
            raise Trouble(f"{name} is not beside course.py: run the course.py of a whole copy.") from None
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def stamp() -> list[str]:
    """Return the stamp's lines: a fingerprint for each requirements file that is installed."""
    try:
        return STAMP.read_text(encoding="utf-8").split()
    except OSError:
        return []


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Let one course.py at a time change .venv; the system frees the lock of a killed one."""
    with LOCK.open("a", encoding="utf-8") as file:
        deadline = time.monotonic() + LOCK_SECONDS
        told = False
        while True:
            try:
                if sys.platform == "win32":
                    import msvcrt

                    msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
                else:
                    import fcntl

                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except (BlockingIOError, PermissionError):
                if time.monotonic() > deadline:
                    raise Trouble("Another course.py has been installing for too long: end it.") from None
                if not told:
                    say("Another course.py is installing in this folder: waiting for it ...")
                told = True
                time.sleep(0.2)
            except OSError:
                break  # Some network drives have no locks: a single user does well without.
        yield


def damage() -> str:
    """Say why .venv has to be made again; empty if it can be used as it is.

    An environment that the learner made by hand, with the classic steps, is used.
    """
    # Killed between two steps, one leaves a folder or a stamp with nothing in it yet.
    in_between = (STAMP.exists() and not stamp()) or (VENV.is_dir() and not any(VENV.iterdir()))
    if stamp() == [UNFINISHED] or in_between:
        return "an earlier installing was cut off"
    try:
        config = (VENV / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace")
    except OSError:
        raise Trouble(f"{VENV} is not a virtual environment: delete it or move it away.") from None
    made_as = re.search(r"^command = .* -m venv (?:--\S+ )*(.+)$", config, re.MULTILINE)
    if made_as and not (Path(made_as[1]).exists() and VENV.samefile(made_as[1])):
        return "its folder was moved or copied"
    version = venv_version()
    if not version:
        return "its Python does not work any more"
    if tuple(map(int, version.split("."))) < OLDEST:
        return f"its Python {version} is too old"
    return ""


def make_venv() -> None:
    """Make .venv, unless a usable one is there."""
    there = VENV.is_symlink() or VENV.exists()
    reason = damage() if there else "there is none"
    if not reason:
        return
    try:
        importlib.import_module("ensurepip")
        importlib.import_module("venv")
    except ImportError:
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        raise Trouble(
            "This Python cannot make virtual environments, because ensurepip is missing. On "
            f"Debian and Ubuntu run 'sudo apt install {package}', elsewhere install Python from python.org."
        ) from None
    if there:
        say(f"Making .venv again: {reason}.")
        shutil.rmtree(VENV)
    VENV.mkdir()
    STAMP.write_text(UNFINISHED, encoding="utf-8")
    run_quietly([sys.executable, "-P", "-m", "venv", str(VENV)])


def prepare(requirements: str) -> None:
    """Make .venv and install these requirements into it, unless that is done already."""
    if fingerprint(requirements) in stamp():
        return
    with alone():
        if fingerprint(requirements) in stamp():
            return  # The one that we waited for has done it.
        make_venv()
        say("Installing the course into .venv (once, about a minute) ...")
        STAMP.write_text(UNFINISHED, encoding="utf-8")
        pip = [*MODULE, "pip", "--disable-pip-version-check", "--no-input"]
        try:
            # pip looks up the line '-e .' from the folder that it is started in: the course's.
            run_quietly([*pip, "install", "--progress-bar=off", "-r", requirements])
        except Trouble:
            STAMP.unlink()  # pip stopped by itself, so that what is there is whole: the next run goes on.
            raise
        try:
            register_kernel()
        except Trouble as trouble:
            say(str(trouble))
        files = {"requirements.txt", requirements}
        STAMP.write_text("\n".join(fingerprint(name) for name in files), encoding="utf-8")


def kernel_python() -> str:
    """Return the Python that the user's kernel 'parallelism' runs; empty if there is no such kernel."""
    if sys.platform == "win32":
        data = Path(os.environ.get("APPDATA") or Path.home()) / "jupyter"
    elif sys.platform == "darwin":
        data = Path.home() / "Library" / "Jupyter"
    else:
        data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "jupyter"
    data = Path(os.environ.get("JUPYTER_DATA_DIR") or data)
    try:
        spec = json.loads((data / "kernels" / KERNEL / "kernel.json").read_text(encoding="utf-8"))
        return str(spec["argv"][0])
    except (OSError, ValueError, LookupError, TypeError):
        return ""


def register_kernel() -> None:
    """Make the user's kernel 'parallelism' run this folder's .venv."""
    name = (f"--name={KERNEL}", "--display-name", KERNEL)
    works, output = ask("-m", "ipykernel", "install", "--user", *name)
    if not works:
        raise Trouble(
            f"The kernel '{KERNEL}' could not be registered in your home folder; make that writable and run "
            f"'python3 course.py kernel', the rest works without.\n{last_lines(output, 1)}"
        )


def become(command: list[str], cwd: Path | None, env: dict[str, str]) -> int:
    """Run a command in this program's place and return its exit code.

    On POSIX the command takes over this process, and with it Ctrl-C, signals and the terminal.
    Windows has no such thing: there Ctrl-C goes to both, and this side waits.
    """
    if sys.platform == "win32":
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return subprocess.call(command, cwd=cwd, env=env)
    if cwd:
        os.chdir(cwd)
    os.execve(command[0], command, env)


def see_doctor() -> int:
    """Run the doctor on .venv's Python, or if that does not work on this one; install nothing."""
    doctor = ROOT / "factory_lib" / "lab" / "diagnostics.py"
    if not doctor.exists():
        raise Trouble(f"{doctor} is not there: run the course.py of a whole copy.")
    try:
        reason = damage() if VENV.is_symlink() or VENV.exists() else "there is none"
    except Trouble as trouble:
        reason = str(trouble)
    python = sys.executable if reason else str(PYTHON)
    return become([python, "-P", str(doctor), *([reason] if reason else [])], ROOT, dict(os.environ))


def test_run(options: list[str]) -> tuple[list[str], Path, dict[str, str]]:
    """Return the command that runs the tests, its folder and its environment.

    A worker for each core; the user's options come last, so that they win.
    """
    ours = ["-n", "logical", "--dist", "worksteal", "--durations", "10"]
    # Python then warns of every text file that is opened without an encoding. And NumPy's algebra, of which
    # the course uses nothing, starts no threads in each of a thousand processes: 0.1 s of CPU time each.
    env = {**os.environ, "PYTHONWARNDEFAULTENCODING": "1", "OPENBLAS_NUM_THREADS": "1"}
    return [str(PYTHON), "-m", "pytest", *ours, *options], ROOT, env


def run(command: str, options: list[str]) -> int:
    """Prepare what the command needs, then run it."""
    if command in ("kernel", "doctor") and options:
        raise Trouble(f"'{command}' takes no options: run 'python3 course.py {command}'.")
    if command == "doctor":
        return see_doctor()
    prepare(REQUIREMENTS.get(command, "requirements.txt"))
    if command == "kernel":
        register_kernel()
        say(f"The kernel '{KERNEL}' runs {kernel_python()}")
        return 0
    if command == "lab":
        # Another copy of the course may have the kernel: its notebooks would run on that copy's code.
        if kernel_python() != str(PYTHON):
            register_kernel()
        return become([*MODULE, "jupyterlab", *options], ROOT / "notebooks", dict(os.environ))
    if command == "test":
        return become(*test_run(options))
    if command == "benchmarks":
        return become([str(PYTHON), "-m", "benchmarks", *options], ROOT, dict(os.environ))
    if command == "lessons":
        return become([*MODULE, "factory_lib.classroom.lessons", *options], None, dict(os.environ))
    # By the slide's program, which says in one sentence if OpenCV cannot be loaded here.
    return become([str(PYTHON), "-P", str(ROOT / "factory.py"), *options], None, dict(os.environ))


def main(arguments: list[str]) -> int:
    """Run one command and return its exit code; 2 if it is for the user to put something right."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__)
        return 0
    command, *options = arguments
    try:
        if command not in COMMANDS:
            near = difflib.get_close_matches(command, COMMANDS, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(COMMANDS)}."
            raise Trouble(f"course.py has no command '{command}': {hint}")
        return run(command, options)
    except Trouble as trouble:
        say(str(trouble))
        return 2
    except OSError as error:
        say(explain(str(error)))
        return 2
    except KeyboardInterrupt:
        say("Stopped before all was installed: run this again to finish.")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
