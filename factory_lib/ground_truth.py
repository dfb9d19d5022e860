"""The ground truth of a clip: which parts pass when, and how a list of detections compares with it."""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .errors import TruthError

GOOD_SHOT = (
    "good_shot: first and last frame (both included) in which the whole cap lies in the crop box of the "
    "camera's preset; cleared: first frame in which it lies below the top margin of the preset's ROI; "
    "box: x0, y0, x1, y1 of the cap in that frame (x1, y1 excluded); the camera's shake is left out"
)


@dataclass(frozen=True, slots=True)
class Part:
    """One part that passed: ``O`` or ``X`` on a cap of some colour, and when and where it was in view."""

    id: int
    mark: str
    colour: str
    cleared: int
    good_shot: tuple[int, int]
    box: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Score:
    """How detections compare with the truth: parts found and missed, and detections that were false."""

    found: int
    missed: int
    false: int

    @property
    def precision(self) -> float:
        """Share of the detections that were right (1.0 if there was none)."""
        return self.found / (self.found + self.false) if self.found + self.false else 1.0

    @property
    def recall(self) -> float:
        """Share of the parts that were found (1.0 if there was none)."""
        return self.found / (self.found + self.missed) if self.found + self.missed else 1.0


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """What is true of a belt: its parts in the order in which they pass, and how it was filmed.

    A good shot of a part is any frame in which its whole cap lies within the crop box of the camera's preset:
    the crop that the detector hands on then shows all of the cap.
    """

    kind: str
    seed: int
    fps: int
    frames: int
    size: tuple[int, int]
    parts: tuple[Part, ...]

    def score(self, frames: Iterable[int], read: int | None = None) -> Score:
        """Compare detections with the parts.

        Parameters
        ----------
        frames : iterable of int
            The frame index of each detection.
        read : int, optional
            How many frames were read; without it, all. A part whose good shots did not end within them is
            not missed: it could still have been taken.

        Returns
        -------
        Score
            Of each part the first detection within its good shots is found; all other detections are false.
        """
        matches = self.match(frames)
        found = set[int]().union(*matches)
        false = sum(not new for new in matches)
        ended = [part for part in self.parts if part.good_shot[1] < (self.frames if read is None else read)]
        return Score(len(found), sum(part.id not in found for part in ended), false)

    def match(self, frames: Iterable[int]) -> list[set[int]]:
        """Tell of each detection's frame the ids of the parts that it is the first to find: none if false."""
        found: set[int] = set()
        matches = []
        for frame in frames:
            new = {part.id for part in self.parts if part.good_shot[0] <= frame <= part.good_shot[1]} - found
            found |= new
            matches.append(new)
        return matches

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the truth as JSON, one part a line."""
        head = {key: value for key, value in asdict(self).items() if key != "parts"} | {"about": GOOD_SHOT}
        lines = [f"  {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
        parts = ",\n".join("    " + json.dumps(asdict(part)) for part in self.parts)
        text = "\n".join(["{", *lines, '  "parts": [', parts, "  ]", "}", ""])
        try:
            Path(path).write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            what = f"The ground truth {path} cannot be written: {error.strerror}."
            raise TruthError(what, "Name a file that you may write.") from error

    @classmethod
    def beside(cls, clip: str | os.PathLike[str]) -> "GroundTruth | None":
        """Read a clip's truth, the .json of the same name; None if there is none.

        Raises
        ------
        TruthError
            If that file is no truth.
        """
        path = Path(clip).with_suffix(".json") if "://" not in os.fspath(clip) else None
        return cls.load(path) if path is not None and path.is_file() else None

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "GroundTruth":
        """Read a truth that :meth:`save` wrote.

        Raises
        ------
        TruthError
            If the file is missing or is no such truth; the message names the file and the key.
        """
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
            head = {key: _checked(data, "", key, need) for key, need in _HEAD.items()}
            parts = []
            for n, entry in enumerate(_checked(data, "", "parts", list)):
                where = f"parts[{n}]."
                part = Part(**{key: _checked(entry, where, key, need) for key, need in _PART.items()})
                if part.mark not in ("O", "X"):
                    raise ValueError(f"{where}mark is {part.mark!r}")
                if not 0 <= part.good_shot[0] <= part.cleared <= part.good_shot[1] < head["frames"]:
                    raise ValueError(f"{where}good_shot is {list(part.good_shot)}, out of order or range")
                parts.append(part)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise TruthError(
                f"{path} cannot be used as the ground truth of a belt: {reason}.",
                "Get the file again with git, or write it anew with 'python -m factory_lib.conveyor.belt'.",
            ) from error
        return cls(**head, parts=tuple(parts))


# What a truth's keys hold: a type, or how many whole numbers.
_HEAD: dict[str, type | int] = {"kind": str, "seed": int, "fps": int, "frames": int, "size": 2}
_PART: dict[str, type | int] = {
    "id": int,
    "mark": str,
    "colour": str,
    "cleared": int,
    "good_shot": 2,
    "box": 4,
}


def _checked(source: Any, where: str, key: str, need: type | int) -> Any:
    if type(source) is not dict or key not in source:
        raise ValueError(f"{where}{key} is missing")
    value = source[key]
    right = type(value) is (need if isinstance(need, type) else list)
    if right and isinstance(need, int):
        right = len(value) == need and all(type(number) is int for number in value)
    if not right:
        raise ValueError(f"{where}{key} is {value!r}")
    return tuple(value) if isinstance(need, int) else value
