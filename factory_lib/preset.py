"""The preset file ``motion.cfg``: what a MotionDetector needs to know about one camera."""

import ast
import configparser
import difflib
import math
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from .errors import PresetError

Point = tuple[int, int]
Reference = Literal["none", "previous", "background"]


@dataclass(frozen=True, slots=True)
class MotionPreset:
    """The settings of one camera's detector; the defaults are those of the course's slide.

    Parameters
    ----------
    inverted : bool
        The parts are darker than the belt: both bright shares are turned into 1 - share.
    flipped : bool
        Look for the opposite: top share at least `top_ratio` and middle share at most `mid_ratio`.
    top_margin : int
        Height of the strip at the top of the ROI that a part must have cleared, in pixels.
    threshold : int
        A pixel is bright if the largest of its B, G and R is greater than this, 0 to 255.
    top_ratio, mid_ratio : float
        Limits of the bright shares of the top strip and of the rest of the ROI, 0 to 1.
    skip_time : float
        Seconds without a passing frame before the next passing frame counts as a new part.
    roi_top_left, roi_bottom_right, crop_top_left, crop_bottom_right : (int, int)
        The region of interest, and what is cut out of the frame when a part has arrived: corners
        (x, y) in pixels, the bottom right one outside.
    reference : {"none", "previous", "background"}
        What is subtracted from the frame first: nothing, the frame before, or a running picture
        of the empty belt.

    Raises
    ------
    PresetError
        If a value is not what its key needs; the message names the key.
    """

    inverted: bool = False
    flipped: bool = False
    top_margin: int = 10
    threshold: int = 127
    top_ratio: float = 0.6
    mid_ratio: float = 0.4
    skip_time: float = 0.099
    roi_top_left: Point = (12, 0)
    roi_bottom_right: Point = (212, 90)
    crop_top_left: Point = (0, 10)
    crop_bottom_right: Point = (224, 234)
    reference: Reference = "none"

    def __post_init__(self) -> None:
        problem = _first_problem(self)
        if problem:
            key = problem.split()[0]
            default = next(field.default for field in fields(self) if field.name == key)
            raise PresetError(f"{problem}.", f"Correct it; the slide has {key} = {default}.")

    @classmethod
    def load(cls, path: str | os.PathLike[str] = "motion.cfg", key: str = "default") -> "MotionPreset":
        """Read one section of a preset file; keys that it lacks take the slide's values.

        Values like ``True``, ``12``, ``0.6`` and ``(12, 0)`` are parsed as literals, never evaluated.

        Raises
        ------
        PresetError
            If the file, the section, a key or a value is not right; the message names all three.
        """
        path = Path(path)
        where = f"{path}, section [{key}]"
        parser = parse(path, read_text(path))
        if not parser.has_section(key):
            there = ", ".join(name for name in parser.sections() if not name.endswith("_backup_")) or "none"
            raise PresetError(
                f"{path} has no section [{key}]; sections there: {there}.",
                "Use one of them, or save a preset under this name first.",
            )
        known = [field.name for field in fields(cls)]
        for name in parser.options(key):
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"Did you mean {near[0]}?" if near else f"Known keys: {', '.join(known)}."
                raise PresetError(f"{where}: there is no key {name}.", hint)
        try:
            return cls(**{name: _literal(text) for name, text in parser.items(key)})
        except PresetError as error:
            raise PresetError(f"{where}: {error.what}", error.remedy) from None

    def save(self, path: str | os.PathLike[str] = "motion.cfg", key: str = "default") -> None:
        """Write this preset as one section; every other line of the file stays as it is.

        A section that exists already is first copied to ``[_KEY_backup_]``. The file is replaced in
        one step: a crash leaves the old file or the new one, never half of one.

        Raises
        ------
        PresetError
            If the name cannot be a section's, the file there is not a preset file, or it cannot be written.
        """
        path = Path(path)
        if not key or key != key.strip() or any(letter in key for letter in "[]\r\n"):
            raise PresetError(f"{key!r} cannot be a section's name.", "Use letters, digits, - and _.")
        text = read_text(path) if os.path.exists(path) else ""
        end = "\r\n" if "\r\n" in text else "\n"
        sections = split_sections(path, text)
        if text.strip():  # a new section stands apart from what is there
            name, (above, below) = sections.popitem()
            sections[name] = (above, below.rstrip() + 2 * end)
        comments = ""
        if key in sections:
            comments, old = sections[key]
            sections[f"_{key}_backup_"] = ("", old.rstrip() + 2 * end)
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        if self.reference == "none":
            del values["reference"]  # the kit's tool does not know this key
        lines = [f"{name} = {value}{end}" for name, value in values.items()]
        sections[key] = (comments, "".join(lines) + end)
        blocks = [
            above + (f"[{name}]{end}" if name else "") + below for name, (above, below) in sections.items()
        ]
        replace_text(path, "".join(blocks).rstrip() + end)


def _first_problem(preset: MotionPreset) -> str | None:
    """Say what is wrong with the first wrong value, beginning with its key; None if all are right."""
    for field in fields(preset):
        value = getattr(preset, field.name)
        needs, is_right = _NEEDS[type(field.default)]
        if not is_right(value):
            return f"{field.name} = {value} is not {needs}"
    if not 0 <= preset.threshold <= 255:
        return f"threshold = {preset.threshold} is not between 0 and 255"
    for name in ("top_ratio", "mid_ratio"):
        if not 0 <= getattr(preset, name) <= 1:
            return f"{name} = {getattr(preset, name)} is not between 0 and 1"
    if preset.skip_time < 0:
        return f"skip_time = {preset.skip_time} is not 0 or more seconds"
    for box in ("roi", "crop"):
        first, last = f"{box}_top_left", f"{box}_bottom_right"
        (left, top), (right, bottom) = getattr(preset, first), getattr(preset, last)
        if min(left, top) < 0:
            return f"{first} = {left, top} lies outside every frame: no coordinate is below 0"
        if right <= left or bottom <= top:
            return (
                f"{last} = {right, bottom} is not below and to the right of {first} = {left, top}, "
                "so the box is upside down or empty"
            )
    height = preset.roi_bottom_right[1] - preset.roi_top_left[1]
    if not 0 < preset.top_margin < height:
        return f"top_margin = {preset.top_margin} does not lie inside the ROI, which is {height} pixels high"
    if preset.reference not in get_args(Reference):
        return f"reference = {preset.reference} is not one of {', '.join(get_args(Reference))}"
    return None


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]


def _is_point(value: object) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and all(type(n) is int for n in value)


# By the kind of a key's default. type() instead of isinstance(): True is an int, but no threshold.
_NEEDS: dict[type, tuple[str, Callable[[object], bool]]] = {
    bool: ("True or False", lambda value: type(value) is bool),
    int: ("a whole number", lambda value: type(value) is int),
    float: ("a number", _is_number),
    tuple: ("a point (x, y) of two whole numbers", _is_point),
    str: ("a word", lambda value: isinstance(value, str)),
}


def _literal(text: str) -> Any:
    """Turn a value's text into what it stands for; what is no Python literal stays text."""
    try:
        return ast.literal_eval({"true": "True", "false": "False"}.get(text.lower(), text))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def read_text(path: Path) -> str:
    """Read the file's text, line ends and all."""
    try:
        # As bytes, so that line ends stay as they are; -sig for the mark that Windows may put first.
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise PresetError(
            f"There is no preset file {path}.",
            "Check the path, or make one with iotdemo-motion-detector or MotionPreset().save(path).",
        ) from None
    except UnicodeDecodeError:
        raise PresetError(f"{path} is not a text file in UTF-8.", "Name a preset file.") from None
    except OSError as error:
        raise PresetError(
            f"{path} cannot be read: {error.strerror}.", "Name a file that you may read."
        ) from None


def parse(path: Path, text: str) -> configparser.RawConfigParser:
    """Understand the text; `path` is for the messages only."""
    # No section of a preset file gives defaults to the others, so that role goes to an impossible name.
    parser = configparser.RawConfigParser(default_section="\n")
    try:
        parser.read_string(text, source=str(path))
    except configparser.Error as error:
        raise PresetError(
            f"{path} is not a preset file: {' '.join(str(error).split())}.",
            "It needs lines '[section]' and 'key = value' only.",
        ) from None
    return parser


def split_sections(path: Path, text: str) -> dict[str, tuple[str, str]]:
    """Cut a preset file into its sections: name -> (comments above its header, lines below it).

    What stands before the first section goes by the name ''.
    """
    sections, name, comments = {"": ("", "")}, "", ""
    for line in text.splitlines(keepends=True):
        header = configparser.RawConfigParser.SECTCRE.match(line)
        if header:
            name = header["header"]
            sections[name], comments = (comments, ""), ""
        elif not line.strip() or line.startswith(("#", ";")):
            comments += line  # whose it is shows only at the next line that is none
        else:
            above, below = sections[name]
            sections[name], comments = (above, below + comments + line), ""
    above, below = sections[name]
    sections[name] = (above, below + comments + ("" if text.endswith("\n") or not text else "\n"))
    if list(sections)[1:] != parse(path, text).sections():
        raise PresetError(f"{path} has a section header that is indented.", "Move it to the line's start.")
    return sections


def replace_text(path: Path, text: str) -> None:
    """Replace the file in one step: a crash leaves the old one or the new one, never half of one."""
    target = path.resolve()  # a preset behind a link stays behind it
    new = target.with_name(f"{target.name}.{os.getpid()}.new")
    try:
        try:
            new.write_text(text, encoding="utf-8", newline="")
            if os.path.exists(target):
                shutil.copymode(target, new)
            new.replace(target)
        finally:
            new.unlink(missing_ok=True)
    except OSError as error:
        raise PresetError(
            f"{path} cannot be written: {error.strerror}.", "Save it in a folder of your own."
        ) from None
