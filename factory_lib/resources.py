"""Where the shipped clips and presets are, whatever folder the program or notebook was started in."""

from pathlib import Path

from .errors import FactoryError

_PACKAGE = Path(__file__).resolve().parent
# Beside the package in a clone, inside of it where a wheel has been installed.
_BESIDE, _INSIDE = _PACKAGE.parent / "resource" / "factory", _PACKAGE / "resource" / "factory"
RESOURCE_FOLDER = _INSIDE if _INSIDE.is_dir() else _BESIDE


def resource_path(name: str) -> Path:
    """Find a shipped file by its name.

    Parameters
    ----------
    name : str
        The file's name in ``resource/factory``, such as ``"conveyor.mp4"``.

    Returns
    -------
    pathlib.Path
        Its absolute path.

    Raises
    ------
    FactoryError
        If there is no such file; the message lists those there are.
    """
    path = RESOURCE_FOLDER / name
    if not path.is_file():
        there = ", ".join(sorted(p.name for p in RESOURCE_FOLDER.glob("*.*"))) or "none"
        raise FactoryError(
            f"There is no {name} in {RESOURCE_FOLDER} (files there: {there}).",
            "Work in a complete clone of the course and run 'pip install -r ./requirements.txt' there.",
        )
    return path
