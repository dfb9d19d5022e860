"""The preset file ``motion.cfg``: what a MotionDetector needs to know about one camera."""

import ast
import configparser
import difflib
import math
import os
import shutil
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, get_args

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
    roi_top_left, roi_bottom_right : tuple of int
        The region of interest as (x, y) in pixels; the bottom right corner lies outside.
    crop_top_left, crop_bottom_right : tuple of int
        What is cut out of the frame when a part has arrived, in the same way.
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
        if problem is not None:
            raise PresetError(f"A motion preset cannot be used: {problem}.", "Correct this value.")

    @classmethod
    def load(cls, path: str | os.PathLike[str] = "motion.cfg", key: str = "default") -> "MotionPreset":
        """Read one section of a preset file; keys that it lacks take the slide's values.

        Parameters
        ----------
        path : str or path-like
            A file as the kit's ``iotdemo-motion-detector`` writes it: values like ``True``, ``12``,
            ``0.6`` and ``(12, 0)``. They are parsed as literals, never evaluated as code.
        key : str
            The section's name.

        Raises
        ------
        PresetError
            If the file, the section, a key or a value is not right; the message names all three.
        """
        path = Path(path)
        where = f"{path}, section [{key}]"
        parser = _parse(path, _read(path))
        if not parser.has_section(key):
            there = ", ".join(name for name in parser.sections() if not name.endswith("_backup_")) or "none"
            raise PresetError(
                f"{path} has no section [{key}]; sections there: {there}.",
                "Use one of them, or save a preset under this name first.",
            )
        known = {field.name: field.type for field in fields(cls)}
        values: dict[str, object] = {}
        for name, text in parser.items(key):
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"Did you mean {near[0]}?" if near else f"Known keys: {', '.join(known)}."
                raise PresetError(f"{where}: there is no key {name}.", hint)
            try:
                values[name] = _value(name, text)
            except ValueError as error:
                raise PresetError(
                    f"{where}: {name} = {text} is not {error}.", f"Write it like {name} = {_EXAMPLES[name]}."
                ) from None
        try:
            return cls(**values)  # type: ignore[arg-type]
        except PresetError as error:
            problem = error.what.partition(": ")[2]
            raise PresetError(f"{where}: {problem}", "Correct this value in the file.") from None

    def save(self, path: str | os.PathLike[str] = "motion.cfg", key: str = "default") -> None:
        """Write this preset as one section; every other line of the file stays as it is.

        A section that exists already is first copied to ``[_KEY_backup_]``. The file is replaced in
        one step: a crash leaves the old file or the new one, never half of one.

        Parameters
        ----------
        path : str or path-like
            The preset file; made if it is not there.
        key : str
            The section's name, without brackets or line breaks.

        Raises
        ------
        PresetError
            If the name cannot be a section's, the file there is not a preset file, or it cannot be written.
        """
        path = Path(path)
        if not key.strip() or key != key.strip() or any(letter in key for letter in "[]\r\n"):
            raise PresetError(f"{key!r} cannot be a section's name.", "Use letters, digits, - and _.")
        text = _read(path) if path.exists() else ""
        newline = "\r\n" if "\r\n" in text else "\n"
        sections = _split(path, text)
        comments, old = sections.get(key, ("", None))
        if old is not None:
            backup = f"_{key}_backup_"
            sections[backup] = (sections.get(backup, ("", ""))[0], old.rstrip() + 2 * newline)
        lines = [
            f"{field.name} = {getattr(self, field.name)}{newline}"
            for field in fields(self)
            # The kit's tool does not know `reference`: it is written only where it says something.
            if field.name != "reference" or self.reference != "none"
        ]
        sections[key] = (comments, "".join(lines) + newline)
        blocks = [
            comments + (f"[{name}]{newline}" if name else "") + body
            for name, (comments, body) in sections.items()
        ]
        _replace(path, "".join(blocks).rstrip() + newline)


# What each key needs, in words and as an example, is said once: here.
_EXAMPLES = {
    field.name: str(field.default) if field.name != "reference" else "background"
    for field in fields(MotionPreset)
}


def _value(name: str, text: str) -> object:
    """Turn a key's text into its value; a ValueError says what the key needs."""
    default = next(field.default for field in fields(MotionPreset) if field.name == name)
    if isinstance(default, str):
        return text
    needs, kinds = {
        bool: ("True or False", bool),
        int: ("a whole number", int),
        float: ("a number", (int, float)),
        tuple: ("a point (x, y) of two whole numbers", tuple),
    }[type(default)]
    try:
        value = ast.literal_eval(text.strip().title() if isinstance(default, bool) else text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        raise ValueError(needs) from None
    # bool is a kind of int for Python, but True is no threshold.
    if not isinstance(value, kinds) or (isinstance(value, bool) and not isinstance(default, bool)):  # type: ignore[arg-type]
        raise ValueError(needs)
    return float(value) if isinstance(default, float) else value


def _first_problem(preset: MotionPreset) -> str | None:
    """Say what is wrong with the first wrong value, naming its key; None if all are right."""
    for name in ("inverted", "flipped"):
        if not isinstance(getattr(preset, name), bool):
            return f"{name} = {getattr(preset, name)!r} is not True or False"
    for name in ("top_margin", "threshold"):
        value = getattr(preset, name)
        if isinstance(value, bool) or not isinstance(value, int):
            return f"{name} = {value!r} is not a whole number"
    if not 0 <= preset.threshold <= 255:
        return f"threshold = {preset.threshold} is not between 0 and 255"
    for name, most in (("top_ratio", 1.0), ("mid_ratio", 1.0), ("skip_time", math.inf)):
        value = getattr(preset, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return f"{name} = {value!r} is not a number"
        if not 0 <= value <= most:
            return f"{name} = {value} is not " + ("between 0 and 1" if most == 1 else "0 or more seconds")
    for box in ("roi", "crop"):
        for corner in (f"{box}_top_left", f"{box}_bottom_right"):
            point = getattr(preset, corner)
            whole = isinstance(point, tuple) and len(point) == 2 and all(type(n) is int for n in point)
            if not whole:
                return f"{corner} = {point!r} is not a point (x, y) of two whole numbers"
            if min(point) < 0:
                return f"{corner} = {point} lies outside every frame: no coordinate is below 0"
        (left, top), (right, bottom) = (
            getattr(preset, f"{box}_top_left"),
            getattr(preset, f"{box}_bottom_right"),
        )
        if right <= left or bottom <= top:
            return (
                f"{box}_bottom_right = {(right, bottom)} is not below and to the right of "
                f"{box}_top_left = {(left, top)}, so the box is upside down or empty"
            )
    height = preset.roi_bottom_right[1] - preset.roi_top_left[1]
    if not 0 < preset.top_margin < height:
        return f"top_margin = {preset.top_margin} does not lie inside the ROI, which is {height} pixels high"
    if preset.reference not in get_args(Reference):
        return f"reference = {preset.reference} is not one of {', '.join(get_args(Reference))}"
    return None


def _read(path: Path) -> str:
    try:
        # As bytes, so that line ends stay as they are; -sig for the mark that Windows' Notepad may put first.
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise PresetError(
            f"There is no preset file {path}.",
            "Check the path, or make one with iotdemo-motion-detector or MotionPreset().save(path).",
        ) from None
    except UnicodeDecodeError:
        raise PresetError(
            f"{path} is not a text file in UTF-8.", "Name a preset file (motion.cfg)."
        ) from None
    except OSError as error:
        raise PresetError(
            f"The preset file {path} cannot be read: {error.strerror}.", "Name a file that you may read."
        ) from None


def _parse(path: Path, text: str) -> configparser.RawConfigParser:
    # No section of a preset file gives defaults to the others, so that role goes to an impossible name.
    parser = configparser.RawConfigParser(default_section="\n")
    try:
        parser.read_string(text, source=str(path))
    except configparser.Error as error:
        reason = " ".join(str(error).split())
        raise PresetError(
            f"{path} is not a preset file: {reason}.", "It needs lines '[section]' and 'key = value' only."
        ) from None
    return parser


def _split(path: Path, text: str) -> dict[str, tuple[str, str]]:
    """Cut a preset file into its sections: name -> (comments above its header, lines below it).

    What stands before the first section goes by the name ''.
    """
    sections = {"": ("", "")}
    name, comments = "", ""
    for line in text.splitlines(keepends=True):
        header = configparser.RawConfigParser.SECTCRE.match(line)
        if header:
            name = header["header"]
            sections[name], comments = (comments, ""), ""
        elif not line.strip() or line.startswith(("#", ";")):
            comments += line  # whose it is shows only at the next line that is none
        else:
            above, body = sections[name]
            sections[name], comments = (above, body + comments + line), ""
    above, body = sections[name]
    ending = "" if not text or text.endswith("\n") else "\n"
    sections[name] = (above, body + comments + ending)
    if list(sections)[1:] != _parse(path, text).sections():
        raise PresetError(f"{path} has a section header that is indented.", "Move it to the line's start.")
    return sections


def _replace(path: Path, text: str) -> None:
    # A preset behind a link stays behind it: the link's target is what gets replaced.
    target = path.resolve()
    new = target.with_name(f"{target.name}.{os.getpid()}.new")
    try:
        try:
            new.write_text(text, encoding="utf-8", newline="")
            if target.exists():
                shutil.copymode(target, new)
            new.replace(target)
        finally:
            new.unlink(missing_ok=True)
    except OSError as error:
        raise PresetError(
            f"The preset file {path} cannot be written: {error.strerror}.", "Save it in a folder of your own."
        ) from None
