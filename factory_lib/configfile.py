"""A file of ``[section]`` and ``key = value`` lines as text, so that saving one section keeps the others."""

import configparser
import os
import shutil
from pathlib import Path

from .errors import PresetError


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
