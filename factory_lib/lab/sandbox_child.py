"""The other side of `apart`: runs one function in this fresh interpreter, and leaves word of how it went."""

import linecache
import os
import pickle
import sys
import traceback
import types
from pathlib import Path


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


if __name__ == "__main__":
    main(Path(sys.argv[1]))
