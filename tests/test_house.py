"""The house rules that a machine can check."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import course

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "factory_lib"


def run(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=110,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        ("mypy",),
        # Half a minute each the first time, since they read all libraries again.
        pytest.param(("mypy", "--platform", "win32"), marks=pytest.mark.slow),
        pytest.param(("mypy", "--platform", "darwin"), marks=pytest.mark.slow),
    ],
    ids=lambda command: " ".join(command),
)
def test_the_checkers_have_nothing_to_say(command: tuple[str, ...]) -> None:
    assert run(*command) == ""


def test_a_file_imports_only_what_the_contracts_allow() -> None:
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert (done.returncode, "Contracts: 4 kept, 0 broken." in done.stdout) == (0, True), (
        done.stdout + done.stderr
    )


# Lines of Python, docstrings included. Small is part of the mission: these are ceilings, not targets.
CEILINGS = {
    "batch": 730,
    "classroom": 1200,
    "cli": 575,
    "conveyor": 590,
    "exercises": 2900,
    "interleave": 3840,
    "lab": 3860,
    "processes": 1250,
    "tuner": 1500,
}
CORE = {
    "__init__",
    "capture",
    "controller",
    "crops",
    "display",
    "errors",
    "factory",
    "ground_truth",
    "motion",
    "preset",
    "report",
    "resources",
    "video",
}


def lines(*files: Path) -> int:
    return sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files)


def test_the_core_has_thirteen_files_and_stays_short() -> None:
    files = list(PACKAGE.glob("*.py"))

    assert {file.stem for file in files} - {"__main__"} == CORE
    assert lines(*files) <= 2000


def test_the_contract_names_every_file_of_the_core_and_every_wing() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    core, _, rest = text.partition("source_modules = [")[2].partition("forbidden_modules = [")
    wings = rest.partition("]")[0]

    assert set(re.findall(r"factory_lib\.(\w+)", core)) == CORE - {"__init__"}
    assert set(re.findall(r"factory_lib\.(\w+)", wings)) == set(CEILINGS)


def test_every_wing_keeps_to_its_size() -> None:
    sizes = {path.parent.name: lines(*path.parent.rglob("*.py")) for path in PACKAGE.glob("*/__init__.py")}

    assert {wing: size for wing, size in sizes.items() if size > CEILINGS[wing]} == {}
    assert sizes.keys() == CEILINGS.keys()


def test_every_public_name_of_the_package_is_there_and_sorted() -> None:
    import factory_lib

    assert factory_lib.__all__ == sorted(factory_lib.__all__)
    assert all(getattr(factory_lib, name).__doc__ for name in factory_lib.__all__)


def printed(code: str) -> str:
    """Run code in a Python of its own; return what it printed."""
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, stdout=subprocess.PIPE, text=True, encoding="utf-8", timeout=60, check=True
    ).stdout


def test_importing_the_factory_imports_nothing_that_it_does_not_use() -> None:
    heavy = {
        "av",
        "matplotlib",
        "IPython",
        "multiprocessing",
        "tqdm",
        "asyncio",
        "email",
        "psutil",
        "distributed",
        "portalocker",
    }
    # What is there before is not ours: coverage also measures this child, with modules of its own.
    code = (
        "import sys; before = set(sys.modules); import factory_lib.cli; "
        f"print(sorted({heavy} & (set(sys.modules) - before)))"
    )
    assert printed(code) == "[]\n"


@pytest.mark.parametrize(
    "package", ["factory_lib", "factory_lib.lab", "factory_lib.interleave", "factory_lib.lab.sandbox_child"]
)
def test_importing_a_package_loads_neither_opencv_nor_numpy(package: str) -> None:
    code = f"import sys, {package}; print(sorted({{'cv2', 'numpy', 'psutil'}} & set(sys.modules)))"

    assert printed(code) == "[]\n"


def test_nothing_that_is_imported_looks_at_every_call_of_the_process() -> None:
    """An audit hook in Python stays, and on 3.11 two threads cannot set their traces at once with one."""
    code = """
import importlib, pkgutil, sys
hooks = []
sys.addaudithook = hooks.append
import factory_lib
names = [found.name for found in pkgutil.walk_packages(factory_lib.__path__, "factory_lib.")]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
print(len(names) > 90, hooks)
"""
    assert printed(code) == "True []\n"


def test_requirements_and_project_agree_on_their_ranges() -> None:
    project = re.findall(
        r'^    "([\w-]+)([^"]*)",$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M
    )
    learner = dict(
        re.findall(r"^([\w-]+)(.*)$", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.M)
    )

    ranges = {
        name: limits for name, limits in project if name in ("numpy", "opencv-python", "tqdm", "portalocker")
    }
    assert len(ranges) == 4
    assert {name: learner[name] for name in ranges} == ranges


def test_no_blocking_call_of_the_product_is_without_a_timeout() -> None:
    """Queue.get, join and wait must come back; a pool's shutdown is the one exception, and has none here."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                name, given = node.func.attr, {keyword.arg for keyword in node.keywords}
                receiver = ast.unparse(node.func.value)
                if (name in ("get", "put") and "events" in receiver) or (name == "wait" and not node.args):
                    assert "timeout" in given, f"{path.name}:{node.lineno}: {ast.unparse(node)}"


def test_ci_runs_the_readmes_commands_word_for_word() -> None:
    start = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Start\n")[2].partition("\n## ")[0]
    promised = re.findall(r"^python3 course\.py .*$", start, re.MULTILINE)
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    run = re.findall(r'as "[^"]+" (python3 course\.py [^&;\n]*[^&;\s])', script)

    assert len(promised) == 2
    assert run[-2:] == promised
    # What else it runs are the same commands, with options that the README names.
    for command in run:
        [known] = [one for one in promised if command.startswith(one)]
        options = command.removeprefix(known).strip()
        assert all(f"`{word}`" in start or f"`{options}`" in start for word in options.split())


def test_ci_adds_one_variable_to_a_plain_login() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")

    assert "env -i" in script
    assert re.findall(r"\b[A-Z_]+(?==)", script.partition("login=(")[2].partition(")\n")[0]) == [
        "LANG",
        "FACTORY_REQUIRE_ALL",
    ]


def test_a_text_file_without_an_encoding_fails_in_every_file_of_the_tests() -> None:
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    watched = [re.compile(found) for found in re.findall(r'"error::EncodingWarning:(.*)"', settings)]
    # A package's files are named by it; others are found by their own names.
    names = [
        path.parent.name if (path.parent / "__init__.py").exists() else path.stem
        for path in (ROOT / "tests").rglob("*.py")
    ]

    assert [name for name in names if not any(one.match(name) for one in watched)] == []


def test_what_course_py_sets_reaches_every_test() -> None:
    command, folder, env = course.test_run(["-n", "2", "--no-header", "-p", "no:cacheprovider"])
    probe = ROOT / "tests" / "probe_variables.py"

    done = subprocess.run(
        [sys.executable, *command[1:], str(probe)],
        cwd=folder,
        env=env,
        capture_output=True,
        encoding="utf-8",
        timeout=100,
    )

    assert " 6 passed in " in done.stdout, done.stdout + done.stderr
