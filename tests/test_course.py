"""course.py, run as learners run it: in copies of it whose requirements are a tiny project, off line."""

import ast
import importlib.util
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OLD_VERSIONS = ["2.7", "3.6", "3.7", "3.8", "3.9", "3.10"]
WINDOWS = os.name == "nt"
INSTALLING = "Installing the course into .venv (once, about a minute) ...\n"

# Builds the editable wheel of the tiny project: the standard library is enough, so no test needs PyPI.
BACKEND = """
import zipfile
from pathlib import Path

def get_requires_for_build_editable(config_settings=None):
    return []

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    name = "factory_lib-0.0.1-py3-none-any.whl"
    info = "factory_lib-0.0.1.dist-info/"
    with zipfile.ZipFile(Path(wheel_directory) / name, "w") as wheel:
        wheel.writestr("tiny_factory.pth", str(Path.cwd()) + "\\n")
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: factory-lib\\nVersion: 0.0.1\\n")
        tags = "Root-Is-Purelib: true\\nTag: py3-none-any\\n"
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nGenerator: tiny\\n" + tags)
        wheel.writestr(info + "RECORD", "")
    return name

build_wheel = build_editable
"""

# Stands for factory_lib, pytest and jupyterlab: tells how it was started.
TELL = """
import json, os, sys
told = {"module": sys.argv[0], "options": sys.argv[1:], "cwd": os.getcwd(), "prefix": sys.prefix,
        "encoding": os.environ.get("PYTHONWARNDEFAULTENCODING"), "utf8": os.environ.get("PYTHONUTF8")}
print(json.dumps(told))
if "--exit" in sys.argv:
    sys.exit(int(sys.argv[-1]))
if "--work" in sys.argv:
    import time
    try:
        print("working", flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        time.sleep(0.3)
        print("tidied up", flush=True)
        sys.exit(130)
"""

CLI = """
import runpy
def main():
    runpy.run_module("factory_lib.__main__", run_name="__main__")
    return 0
"""

# Stands for ipykernel: writes the kernel where ipykernel would, or fails as it does in a read-only home.
KERNEL = """
import json, os, pathlib, sys
folder = pathlib.Path(os.environ["JUPYTER_DATA_DIR"], "kernels", "parallelism")
folder.mkdir(parents=True, exist_ok=True)
(folder / "kernel.json").write_text(json.dumps({"argv": [sys.executable]}), encoding="utf-8")
(folder / "asked").write_text(json.dumps(sys.argv[1:]), encoding="utf-8")
"""

# The real venv, but for one step: ensurepip unpacks and compiles pip, which takes longer than all the rest.
# Here pip is linked, file by file, from the Python that runs the tests: a real one too.
QUICK_VENV = """
if __name__ == "__main__":
    import os, shutil, sys, sysconfig
    sys.path.remove(os.path.dirname(__file__))
    import venv

    def link_pip(self, context):
        there = sysconfig.get_path("purelib", "venv", {{"base": context.env_dir}})
        for folder in {folders}:
            link = shutil.copy2 if os.name == "nt" else os.symlink
            shutil.copytree(folder, os.path.join(there, os.path.basename(folder)), copy_function=link)

    venv.EnvBuilder._setup_pip = link_pip
    venv.main()
"""


class Course:
    """A folder with the real course.py and a tiny project."""

    def __init__(self, folder: Path, home: Path, modules: str = "") -> None:
        self.folder = folder
        self.home = home
        self.modules = modules
        folder.mkdir(parents=True)
        home.mkdir(exist_ok=True)
        for name in ("course.py", "factory.py"):
            shutil.copy(ROOT / name, folder)
        (folder / "notebooks").mkdir()
        self.write("requirements.txt", "-e .\n")
        self.write("requirements-dev.txt", "-r requirements.txt\n")
        self.write(
            "pyproject.toml",
            '[build-system]\nrequires = []\nbuild-backend = "tiny_backend"\nbackend-path = ["."]\n'
            '[project]\nname = "factory-lib"\nversion = "0.0.1"\n',
        )
        self.write("tiny_backend.py", BACKEND)
        for package in ("factory_lib", "pytest", "jupyterlab", "benchmarks"):
            self.write(f"{package}/__main__.py", TELL)
        self.write("factory_lib/cli.py", CLI)
        self.write("factory_lib/classroom/lessons.py", TELL)
        self.write("ipykernel/__main__.py", KERNEL)

    @property
    def python(self) -> Path:
        return self.folder / ".venv" / ("Scripts/python.exe" if WINDOWS else "bin/python")

    @property
    def stamp(self) -> Path:
        return self.folder / ".venv" / "course-stamp"

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def env(self, **more: str) -> dict[str, str]:
        """Return an environment without this machine's pip settings, and with a home of its own."""
        env = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "PYTHON", "JUPYTER", "COV"))}
        env |= {
            "HOME": str(self.home),
            "USERPROFILE": str(self.home),
            "JUPYTER_DATA_DIR": str(self.home / "jupyter"),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PYTHONPATH": self.modules,
            "PYTHONIOENCODING": "utf-8",
            "PYTHONWARNDEFAULTENCODING": "1",
        }
        return {k: v for k, v in (env | more).items() if v}

    def command(self, *arguments: str) -> list[str]:
        # An EncodingWarning in course.py itself would be an error; pip and venv are not ours.
        return [sys.executable, "-W", "error:::__main__", str(self.folder / "course.py"), *arguments]

    def run(self, *arguments: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            cwd=cwd or self.home,
            env=self.env(**env),
            capture_output=True,
            encoding="utf-8",
            timeout=100,
        )

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.home,
            env=self.env(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=not WINDOWS,
        )

    def bare_venv(self, pip: str) -> None:
        """Make .venv fast, with a pip that is only this program."""
        command = [sys.executable, "-m", "venv", "--without-pip", str(self.folder / ".venv")]
        subprocess.run(command, check=True, timeout=60)
        ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
        where = subprocess.run(
            [self.python, "-c", ask], capture_output=True, encoding="utf-8", check=True, timeout=60
        )
        package = Path(where.stdout.strip()) / "pip"
        package.mkdir()
        (package / "__init__.py").write_text("", encoding="utf-8")
        (package / "__main__.py").write_text(pip, encoding="utf-8")


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> str:
    """Return a folder for PYTHONPATH that makes venv quick; with --slow none, so that all is as it is."""
    pip = importlib.util.find_spec("pip")
    if pytestconfig.getoption("slow") or pip is None or pip.origin is None:
        return ""
    package = Path(pip.origin).parent
    folders = [str(package), *map(str, package.parent.glob("pip-*.dist-info"))]
    modules = tmp_path_factory.mktemp("modules")
    (modules / "venv.py").write_text(QUICK_VENV.format(folders=folders), encoding="utf-8")
    return str(modules)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, quick: str) -> Course:
    """Return a course that is installed, also for its tests, below a path with spaces and Hangul."""
    base = tmp_path_factory.mktemp("course")
    course = Course(base / "공장 실습 1", base / "home", quick)
    done = course.run("test")
    assert done.returncode == 0, done.stderr
    assert done.stderr == INSTALLING
    return course


@pytest.fixture
def installed(shared: Course) -> Iterator[Course]:
    """Return that course; all files that a test has changed, but for the environment's, are put back."""
    before = contents(shared)
    yield shared
    after = contents(shared)
    for path in after.keys() - before.keys():
        path.unlink()
    for path in before:
        if after.get(path) != before[path]:
            path.write_bytes(before[path])


def contents(course: Course) -> dict[Path, bytes]:
    """Read all files of the course and of its home, and of its environment the stamp."""
    files = [path for path in course.home.parent.rglob("*") if ".venv" not in path.parts and path.is_file()]
    return {path: path.read_bytes() for path in [*files, course.stamp] if path.exists()}


@pytest.fixture
def fresh(tmp_path: Path, quick: str) -> Course:
    return Course(tmp_path / "공장 실습 2", tmp_path / "home", quick)


def told(done: "subprocess.CompletedProcess[str]") -> dict[str, object]:
    assert done.returncode == 0, done.stderr
    result: dict[str, object] = json.loads(done.stdout)
    return result


# --- which Python -----------------------------------------------------------------------------------


def test_every_python_3_from_3_7_on_can_parse_it() -> None:
    text = (ROOT / "course.py").read_text(encoding="utf-8")
    ast.parse(text, feature_version=(3, 7))


def test_it_is_ascii_so_that_no_python_stumbles_over_its_encoding() -> None:
    assert (ROOT / "course.py").read_text(encoding="utf-8").isascii()


def test_it_imports_the_standard_library_only() -> None:
    tree = ast.parse((ROOT / "course.py").read_text(encoding="utf-8"))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(str(node.module))
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


@pytest.mark.parametrize("version", [(3, 6, 15), (3, 10, 13)])
def test_too_old_a_python_gets_one_sentence(version: tuple[int, int, int], tmp_path: Path) -> None:
    pretend = (
        f"import runpy, sys\nsys.version_info = {(*version, 'final', 0)}\n"
        f"sys.version = '{version[0]}.{version[1]} (made up)'\n"
        f"runpy.run_path({str(ROOT / 'course.py')!r}, run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", pretend], capture_output=True, encoding="utf-8", cwd=tmp_path, timeout=60
    )
    assert done.returncode == 2
    assert done.stderr == (
        f"Python {version[0]}.{version[1]} is too old: install Python 3.11 or newer (python.org), "
        "run course.py with it.\n"
    )


def old_pythons() -> list[str]:
    """Return the too old Pythons of this machine, if there are any."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    found = [shutil.which(f"python{v}", path=os.defpath) for v in OLD_VERSIONS]
    found += [str(p) for v in OLD_VERSIONS for p in pyenv.glob(f"{v}.*/bin/python")]
    return [path for path in found if path]


def test_every_old_python_of_this_machine_says_what_to_install(tmp_path: Path) -> None:
    for python in old_pythons():
        done = subprocess.run(
            [python, str(ROOT / "course.py"), "factory"],
            capture_output=True,
            encoding="utf-8",
            cwd=tmp_path,
            env={"PATH": os.defpath},
            timeout=60,
        )
        assert done.returncode != 0, python
        assert "install Python 3.11 or newer" in done.stderr, python
        assert "Traceback" not in done.stderr, python


# --- the command line -------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_without_a_command_it_prints_the_commands_and_installs_nothing(
    arguments: list[str], fresh: Course
) -> None:
    done = fresh.run(*arguments)
    assert done.returncode == 0
    for command in ("factory", "lab", "test", "benchmarks", "lessons", "kernel", "doctor"):
        assert f"python3 course.py {command}" in done.stdout
    assert not (fresh.folder / ".venv").exists()


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ("factroy", "did you mean 'factory'?"),
        ("xyz", "there are factory, lab, test, benchmarks, lessons, kernel, doctor."),
    ],
)
def test_an_unknown_command_is_answered_with_the_right_ones(wrong: str, hint: str, fresh: Course) -> None:
    done = fresh.run(wrong)
    assert done.returncode == 2
    assert done.stderr == f"course.py has no command '{wrong}': {hint}\n"


# --- the commands, once installed -------------------------------------------------------------------


def test_factory_keeps_the_callers_folder_and_its_options(installed: Course, tmp_path: Path) -> None:
    here = tmp_path / "다른 폴더"
    here.mkdir()
    answer = told(installed.run("factory", "--help", "-d", "a b", "벨트.mp4", cwd=here))
    assert answer["options"] == ["--help", "-d", "a b", "벨트.mp4"]
    assert Path(str(answer["cwd"])).samefile(here)
    assert Path(str(answer["prefix"])).samefile(installed.folder / ".venv")
    assert Path(str(answer["module"])).name == "factory.py"


@pytest.mark.parametrize("command", ["factory", "kernel", "lab"])
def test_the_learners_own_files_do_not_stand_in_for_modules(command: str, installed: Course) -> None:
    mine = installed.folder / "notebooks"
    for name in ("json.py", "factory_lib.py", "ipykernel.py"):
        (mine / name).write_text("raise SystemExit('a learner wrote this')\n", encoding="utf-8")
    done = installed.run(command, cwd=mine)
    assert done.returncode == 0, done.stderr
    assert "a learner wrote this" not in done.stderr + done.stdout


def test_test_runs_pytest_in_the_courses_folder_and_warns_of_default_encodings(installed: Course) -> None:
    answer = told(installed.run("test", "-k", "x or y", PYTHONWARNDEFAULTENCODING="", PYTHONUTF8="0"))
    # The user's options come last, so that they win.
    ours = ["-n", "logical", "--dist", "worksteal", "--durations", "10"]
    assert answer["options"] == [*ours, "-k", "x or y"]
    assert Path(str(answer["cwd"])).samefile(installed.folder)
    assert (answer["encoding"], answer["utf8"]) == ("1", "0")
    assert "pytest" in str(answer["module"])


def test_lab_opens_in_the_notebooks(installed: Course) -> None:
    answer = told(installed.run("lab", "--no-browser"))
    assert answer["options"] == ["--no-browser"]
    assert Path(str(answer["cwd"])).samefile(installed.folder / "notebooks")
    assert "jupyterlab" in str(answer["module"])


def test_lessons_keeps_the_callers_folder_and_installs_what_the_tests_need(installed: Course) -> None:
    installed.write("requirements-dev.txt", "# changed\n-r requirements.txt\n")
    done = installed.run("lessons", "--check", "02_capture")
    answer = told(done)
    assert done.stderr == INSTALLING
    assert answer["options"] == ["--check", "02_capture"]
    assert Path(str(answer["cwd"])).samefile(installed.home)
    assert str(answer["module"]).endswith("lessons.py")
    assert installed.run("test").stderr == ""


def test_benchmarks_run_in_the_courses_folder_with_the_peers_installed(installed: Course) -> None:
    installed.write("requirements-benchmarks.txt", "# peers\n-r requirements-dev.txt\n")
    done = installed.run("benchmarks", "detector", "--json", "x.json")
    answer = told(done)
    assert done.stderr == INSTALLING
    assert answer["options"] == ["detector", "--json", "x.json"]
    assert Path(str(answer["cwd"])).samefile(installed.folder)
    assert "benchmarks" in str(answer["module"])


def test_the_commands_exit_code_is_passed_on(installed: Course) -> None:
    assert installed.run("factory", "--exit", "7").returncode == 7


def test_a_later_run_adds_less_than_a_second(installed: Course) -> None:
    added = []
    for _ in range(3):
        start = time.perf_counter()
        done = installed.run("factory")
        with_course = time.perf_counter() - start
        start = time.perf_counter()
        subprocess.run(
            [installed.python, "-m", "factory_lib"], env=installed.env(), capture_output=True, timeout=60
        )
        added.append(with_course - (time.perf_counter() - start))
        assert done.stderr == ""
    assert min(added) < 1.0


@pytest.mark.skipif(WINDOWS, reason="A test cannot press Ctrl-C on Windows without hitting itself")
@pytest.mark.parametrize("whole_group", [True, False], ids=["by the terminal", "by kill"])
def test_ctrl_c_reaches_the_command_which_ends_in_its_own_way(whole_group: bool, installed: Course) -> None:
    # Where the tests run as a shell's background job, Ctrl-C is ignored, and children inherit that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with installed.start("factory", "--work") as child:
        signal.signal(signal.SIGINT, before)
        try:
            assert child.stdout is not None
            assert "working\n" in itertools.islice(child.stdout, 2)
            (os.killpg if whole_group else os.kill)(child.pid, signal.SIGINT)
            out, err = child.communicate(timeout=30)
        finally:
            child.kill()
    assert (child.returncode, out, err) == (130, "tidied up\n", "")


# --- the kernel -------------------------------------------------------------------------------------


def kernel_of(course: Course) -> Path:
    spec = course.home / "jupyter" / "kernels" / "parallelism" / "kernel.json"
    return Path(json.loads(spec.read_text(encoding="utf-8"))["argv"][0])


def test_installing_registers_the_kernel_for_this_folder(installed: Course) -> None:
    assert kernel_of(installed) == installed.python
    asked = installed.home / "jupyter" / "kernels" / "parallelism" / "asked"
    expected = ["install", "--user", "--name=parallelism", "--display-name", "parallelism"]
    assert json.loads(asked.read_text(encoding="utf-8")) == expected


@pytest.mark.parametrize("command", ["kernel", "lab"])
def test_a_kernel_of_another_copy_is_taken_back(command: str, installed: Course) -> None:
    spec = installed.home / "jupyter" / "kernels" / "parallelism" / "kernel.json"
    spec.write_text(json.dumps({"argv": ["/elsewhere/.venv/bin/python"]}), encoding="utf-8")
    done = installed.run(command)
    assert done.returncode == 0, done.stderr
    assert kernel_of(installed) == installed.python
    if command == "kernel":
        assert done.stderr == f"The kernel 'parallelism' runs {installed.python}\n"


def test_a_home_that_cannot_be_written_is_said_and_does_not_stop_the_course(installed: Course) -> None:
    installed.stamp.unlink()
    nowhere = installed.home / "a file"
    nowhere.write_text("", encoding="utf-8")
    done = installed.run("factory", JUPYTER_DATA_DIR=str(nowhere))
    assert done.returncode == 0
    assert "could not be registered in your home folder" in done.stderr
    assert json.loads(done.stdout)["options"] == []
    assert installed.run("kernel", JUPYTER_DATA_DIR=str(nowhere)).returncode == 2


# --- the doctor -------------------------------------------------------------------------------------


DOCTOR = "factory_lib/lab/diagnostics.py"


def test_the_doctor_runs_on_the_courses_python_in_its_folder_and_installs_nothing(installed: Course) -> None:
    installed.write(DOCTOR, TELL)
    stamp = installed.stamp.read_text(encoding="utf-8")
    installed.stamp.write_text("of older requirements", encoding="utf-8")
    done = installed.run("doctor")
    assert installed.stamp.read_text(encoding="utf-8") == "of older requirements"
    installed.stamp.write_text(stamp, encoding="utf-8")
    answer = told(done)
    assert (answer["options"], done.stderr) == ([], "")
    assert Path(str(answer["cwd"])).samefile(installed.folder)
    assert Path(str(answer["prefix"])).samefile(installed.folder / ".venv")


def test_without_a_venv_the_doctor_says_so_and_makes_none(fresh: Course) -> None:
    fresh.write(DOCTOR, (ROOT / DOCTOR).read_text(encoding="utf-8"))
    done = fresh.run("doctor")
    assert (done.returncode, done.stderr) == (1, "")
    assert "problem  Environment   The course's .venv cannot be used: there is none.\n" in done.stdout
    assert not (fresh.folder / ".venv").exists()


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        (".venv/course-stamp", "unfinished", "an earlier installing was cut off"),
        (".venv/pyvenv.cfg", "", "its Python does not work any more"),
        (".venv/diary.txt", "", "is not a virtual environment: delete it or move it away."),
    ],
)
def test_a_broken_venv_is_a_reason_for_the_doctor_and_left_as_it_is(
    name: str, text: str, reason: str, fresh: Course
) -> None:
    fresh.write(DOCTOR, TELL)
    fresh.write(name, text)
    (said,) = told(fresh.run("doctor"))["options"]  # type: ignore[misc]
    assert said.endswith(reason)
    assert [path.name for path in (fresh.folder / ".venv").iterdir()] == [Path(name).name]


def test_the_doctor_of_a_venv_without_packages_names_what_is_missing(fresh: Course) -> None:
    fresh.write(DOCTOR, (ROOT / DOCTOR).read_text(encoding="utf-8"))
    fresh.bare_venv(pip="")
    done = fresh.run("doctor")
    assert (done.returncode, done.stderr) == (1, "")
    assert "has no factory_lib" in " ".join(done.stdout.split())
    assert "problem  OpenCV        It cannot be loaded: No module named 'cv2'.\n" in done.stdout


def test_a_lonely_course_py_says_that_there_is_no_doctor(fresh: Course) -> None:
    done = fresh.run("doctor")
    assert done.returncode == 2
    assert done.stderr.endswith("diagnostics.py is not there: run the course.py of a whole copy.\n")


# --- installing -------------------------------------------------------------------------------------


def test_the_first_run_makes_a_whole_environment_and_installs(tmp_path: Path) -> None:
    course = Course(tmp_path / "공장 실습 3", tmp_path / "home")  # with all of the real venv
    done = course.run("factory")
    assert done.stderr == INSTALLING
    assert Path(str(told(done)["prefix"])).samefile(course.folder / ".venv")
    assert kernel_of(course) == course.python
    assert len(list(course.python.parent.glob("pip3*"))) > 0
    assert course.run("factory").stderr == ""


def test_changed_requirements_are_installed_once(installed: Course) -> None:
    told(installed.run("factory"))
    installed.write("requirements.txt", "# changed\n-e .\n")
    assert "Installing the course" in installed.run("factory").stderr
    assert installed.run("factory").stderr == ""


def test_the_tests_requirements_include_the_learners(installed: Course) -> None:
    installed.write("requirements-dev.txt", "# changed\n-r requirements.txt\n")
    assert installed.run("factory").stderr == ""
    assert "Installing the course" in installed.run("test").stderr
    assert installed.run("factory").stderr == ""


def test_a_moved_folder_is_installed_again(fresh: Course, installed: Course) -> None:
    shutil.rmtree(fresh.folder)
    shutil.copytree(installed.folder, fresh.folder, symlinks=True)
    done = fresh.run("factory")
    assert "Making .venv again: its folder was moved or copied." in done.stderr
    assert Path(str(told(done)["prefix"])).samefile(fresh.folder / ".venv")
    assert told(installed.run("factory"))["options"] == []


def test_a_venv_made_by_hand_is_used_as_it_is(fresh: Course) -> None:
    fresh.bare_venv(pip="")
    mine = fresh.folder / ".venv" / "mine.txt"
    mine.write_text("my own", encoding="utf-8")
    # This pip installs nothing, so that the command itself fails.
    done = fresh.run("factory")
    assert "This Python has no 'factory_lib'" in done.stderr
    assert "again" not in done.stderr
    assert mine.exists()


def test_a_venv_whose_python_is_gone_is_made_again(installed: Course) -> None:
    installed.python.unlink()
    done = installed.run("factory")
    assert "Making .venv again: its Python does not work any more.\n" in done.stderr
    assert Path(str(told(done)["prefix"])).samefile(installed.folder / ".venv")
    assert installed.run("factory").stderr == ""


def test_a_folder_of_the_users_own_named_venv_is_left_alone(fresh: Course) -> None:
    fresh.write(".venv/diary.txt", "dear diary")
    done = fresh.run("factory")
    assert done.returncode == 2
    assert "is not a virtual environment: delete it or move it away." in done.stderr
    assert (fresh.folder / ".venv" / "diary.txt").read_text(encoding="utf-8") == "dear diary"


def test_two_at_once_install_once(fresh: Course) -> None:
    wait = "import os, time\nwhile not os.path.exists('go'): time.sleep(0.02)\n"
    fresh.bare_venv(pip=wait + "open('count.txt', 'ab').write(b'x')\n")
    both = [fresh.start("factory") for _ in range(2)]
    said = [child.stderr.readline() for child in both if child.stderr is not None]
    fresh.write("go", "")
    for child in both:
        child.communicate(timeout=60)
    assert sorted("waiting for it" in line for line in said) == [False, True]
    assert (fresh.folder / "count.txt").read_bytes() == b"x"


@pytest.mark.skipif(WINDOWS, reason="Windows has no SIGKILL")
def test_a_killed_one_leaves_no_lock_behind(fresh: Course) -> None:
    fresh.bare_venv(pip="import os, time; print('pip runs', flush=True); time.sleep(60)")
    child = fresh.start("factory")
    deadline = time.monotonic() + 30
    while not fresh.stamp.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(child.pid, signal.SIGKILL)
    child.communicate(timeout=30)
    done = fresh.run("factory")
    assert "waiting" not in done.stderr
    assert "Making .venv again: an earlier installing was cut off." in done.stderr
    assert told(done)["options"] == []


@pytest.mark.parametrize("left", ["an empty stamp", "an empty folder"])
def test_what_a_kill_leaves_between_two_steps_is_made_again(fresh: Course, left: str) -> None:
    if left == "an empty stamp":
        fresh.bare_venv(pip="raise SystemExit('the half-made one was used')")
        fresh.stamp.touch()
    else:
        fresh.stamp.parent.mkdir()
    done = fresh.run("factory")
    assert done.stderr.startswith("Making .venv again: an earlier installing was cut off.\n")
    assert told(done)["options"] == []


# --- what can go wrong ------------------------------------------------------------------------------


def test_without_ensurepip_debians_package_is_named(fresh: Course, tmp_path: Path) -> None:
    hide = tmp_path / "shadow" / "ensurepip.py"
    hide.parent.mkdir()
    hide.write_text("raise ModuleNotFoundError(\"No module named 'ensurepip'\")\n", encoding="utf-8")
    done = fresh.run("factory", PYTHONPATH=str(hide.parent))
    assert done.returncode == 2
    assert f"sudo apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("retries", ["0", "1"], ids=["pip says little", "pip says why"])
def test_without_a_network_the_classrooms_way_is_named(retries: str, installed: Course) -> None:
    installed.write("requirements.txt", "numpy>=2.0\n-e .\n")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{unused.getsockname()[1]}/simple"
        done = installed.run(
            "factory", PIP_NO_INDEX="", PIP_INDEX_URL=closed, PIP_RETRIES=retries, PIP_NO_CACHE_DIR="1"
        )
    installed.write("requirements.txt", "-e .\n")
    assert done.returncode == 2
    assert done.stderr.splitlines()[1:] == [
        "The packages cannot be fetched (numpy>=2.0). Connect to the internet and run this again; in a "
        "classroom without it, set PIP_NO_INDEX=1 and PIP_FIND_LINKS to a folder of wheels (no spaces in "
        "its path), filled elsewhere by: "
        'pip download -d FOLDER -r requirements.txt "setuptools>=77"'
    ]
    assert told(installed.run("factory"))["options"] == []


@pytest.mark.parametrize(
    ("pip_says", "sentence"),
    [
        ("[Errno 28] No space left on device", "The disk is full: the course needs about 1 GB in {folder}."),
        ("[Errno 13] Permission denied: 'x'", "A file below {folder} could not be written."),
        ("something new", "Installing failed; the last lines say why:"),
    ],
)
def test_what_pip_says_becomes_a_sentence(pip_says: str, sentence: str, fresh: Course) -> None:
    lines = [f"line {number}" for number in range(30)]
    lines.append(f"ERROR: Could not install packages due to an OSError: {pip_says}")
    fresh.bare_venv(pip=f"import sys\nprint({chr(10).join(lines)!r}, file=sys.stderr)\nsys.exit(1)\n")
    done = fresh.run("factory")
    assert done.returncode == 2
    said = done.stderr.splitlines()
    assert said[1].startswith(sentence.format(folder=fresh.folder))
    assert "line 15" not in said
    assert "Traceback" not in done.stderr
    assert not fresh.stamp.exists()


def test_a_lonely_course_py_says_what_is_missing(fresh: Course) -> None:
    (fresh.folder / "requirements.txt").unlink()
    done = fresh.run("factory")
    assert done.returncode == 2
    assert done.stderr == "requirements.txt is not beside course.py: run the course.py of a whole copy.\n"


# --- the slide's program ----------------------------------------------------------------------------


def test_factory_py_without_the_packages_says_how_to_get_them(tmp_path: Path) -> None:
    shutil.copy(ROOT / "factory.py", tmp_path)
    done = subprocess.run(
        [sys.executable, "-S", "factory.py", "-d", "/dev/ttyUSB0"],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr == (
        "This Python has no 'factory_lib': activate the course's environment first "
        "(source .venv/bin/activate), or run 'python3 course.py factory', which also installs it.\n"
    )


def test_factory_py_hands_over_to_the_library(tmp_path: Path) -> None:
    shutil.copy(ROOT / "factory.py", tmp_path)
    (tmp_path / "factory_lib").mkdir()
    (tmp_path / "factory_lib" / "cli.py").write_text("def main() -> int:\n    return 5\n", encoding="utf-8")
    done = subprocess.run([sys.executable, "-S", "factory.py"], cwd=tmp_path, timeout=60)
    assert done.returncode == 5


def test_factory_py_without_a_system_library_names_the_package_that_has_it(tmp_path: Path) -> None:
    shutil.copy(ROOT / "factory.py", tmp_path)
    (tmp_path / "factory_lib").mkdir()
    broken = 'raise ImportError("libGL.so.1: cannot open shared object file: No such file or directory")\n'
    (tmp_path / "factory_lib" / "__init__.py").write_text(broken, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-S", "factory.py"], cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=60
    )
    assert done.returncode == 2
    assert done.stderr.startswith("OpenCV cannot be loaded (libGL.so.1: cannot open shared object file")
    assert "sudo apt install libgl1 libglib2.0-0" in done.stderr
    assert done.stderr.count("\n") == 1
