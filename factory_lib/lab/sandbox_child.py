"""The other side of `apart`: runs one function in this fresh interpreter, and leaves word of how it went."""

import importlib
import json
import linecache
import os
import pickle
import socket
import sys
import traceback
import types
from pathlib import Path
from typing import Any


def main(folder: Path) -> None:
    """Run the function pickled in `folder`; report to the file `report` there, whatever happens."""
    # As in a notebook's kernel, whose __main__ is no file: a process started here does not find what
    # stands in a cell either, and says so in the same words.
    notebook = types.ModuleType("__main__")
    sys.modules["__main__"] = notebook
    report = _run(folder, notebook)
    # In two steps, so that whoever reads it finds it whole.
    (folder / "report.part").write_bytes(report)
    os.replace(folder / "report.part", folder / "report")


def _run(folder: Path, notebook: types.ModuleType) -> bytes:
    import cloudpickle  # type: ignore[import-untyped]

    try:
        sys.path[:], sources, call = pickle.loads((folder / "call").read_bytes())
        for file, lines in sources.items():
            linecache.cache[file] = (sum(map(len, lines)), None, lines, file)
        function, args, names = pickle.loads(call)
        notebook.__dict__.update(names)
        (folder / "begun").touch()  # from here on the time counts
        value = function(*args)
    except BaseException as error:  # also SystemExit: the learner's code may call sys.exit
        return pickle.dumps(("raised", describe(error)))
    try:
        return bytes(cloudpickle.dumps(("returned", value)))
    except Exception:
        return pickle.dumps(("returned", repr(value)))


def describe(error: BaseException) -> tuple[str, str, int]:
    """Say of an error what it is, and in which file and line of the learner's code it came out (or 0)."""
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if hasattr(error, "remedy"):
        text = str(error)
    not_theirs = ("<frozen", str(Path(__file__).parent.parent), sys.prefix, sys.base_prefix)
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [(one.filename, one.lineno or 0) for one in frames if not one.filename.startswith(not_theirs)]
    return (text, *(theirs[-1] if theirs else ("", 0)))


# What nearly every answer or its observer uses.
USED = ("cloudpickle", "cv2", "factory_lib.factory", "factory_lib.lab.content", "factory_lib.lab.workloads")


if sys.platform != "win32":

    def serve() -> Path:
        """Fork a child for each task that comes on standard input; return in that child, with its folder.

        Back go the number of the child and then its exit code, a line each. It is a whole interpreter, which
        ends like any other.
        """
        for name in USED:
            importlib.import_module(name)
        tasks = socket.socket(fileno=0)
        with tasks.makefile("rb") as lines:
            while line := lines.readline():
                pid = os.fork()
                if not pid:
                    break
                tasks.sendall(b"%d\n" % pid)
                tasks.sendall(b"%d\n" % os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
            else:
                sys.exit()
        task = json.loads(line)
        _leave_the_server(tasks, task)
        return Path(task["folder"])

    def _leave_the_server(tasks: socket.socket, task: Any) -> None:
        """Become a child like one that has been started: a session, an environment and files of its own."""
        os.setsid()
        os.environ.clear()
        os.environ.update(task["env"])
        os.chdir(task["cwd"])
        tasks.detach()  # its descriptor is the first that is replaced
        for number, name in enumerate((os.devnull, "printed", "complaints")):
            file = os.open(os.path.join(task["folder"], name), os.O_RDWR | os.O_APPEND)
            os.dup2(file, number)
            os.close(file)
        # What a fork has in common with its siblings, two interpreters have not.
        sys.modules["numpy"].random.seed()


if __name__ == "__main__":
    if sys.platform != "win32" and sys.argv[1] == "--serve":
        main(serve())
    else:
        main(Path(sys.argv[1]))
