"""Result files of many recordings: a self-contained line each, so that a run can go on where it stopped."""

import csv
import hashlib
import io
import json
import os
import shutil
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import portalocker

from ..errors import FactoryError
from ..ground_truth import Score
from ..motion import Detection

csv.field_size_limit(2**31 - 1)  # the frames of a recording of days are one field


@dataclass(frozen=True, slots=True)
class Result:
    """What a file keeps of one recording: how it was inspected, and what was detected or went wrong."""

    recording: str
    preset: str
    detections: list[Detection]
    truth: Score | None
    error: str | None


class Key(NamedTuple):
    """What tells whether a recording has to be inspected: which one, with which preset, whether it failed."""

    recording: str
    preset: str
    failed: bool


class ResultFile(ABC):
    """A file that grows by a line for each recording, each written whole and at once.

    A run that was killed can have left its last line cut off: that one does not count and is taken away.
    A file has one writer at a time, from when this is made until it is left as a context manager.

    Raises
    ------
    FactoryError
        If there is another kind of file there (it is left as it is), none can be written, or another
        process is writing there.
    """

    head = b""  # what stands above the lines
    start = b""  # how each line begins
    errors = "surrogateescape"  # how a path's bytes that are no text are written

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).resolve()
        self._file: FileIO | None = None
        # Of what is there, only a plain file can be gone on with: no folder, no device.
        other = os.path.exists(self.path) and not os.path.isfile(self.path)
        if other or not os.path.isdir(self.path.parent):
            raise FactoryError(
                f"The results cannot be written to {path}.", "Name a file in a folder that exists."
            )
        self._held = ExitStack()
        try:
            self._held.callback(_lock(self.path))
        except portalocker.AlreadyLocked:
            raise FactoryError(
                f"Another command is writing to {path}.", "Wait until it has ended, or name another file."
            ) from None
        except (OSError, portalocker.LockException):
            pass  # where there can be no lock, there is none
        try:
            self._keys = [key for key, _ in self._lines()]
        except FactoryError:
            self._held.close()
            raise

    @abstractmethod
    def line(self, result: Result) -> str:
        """Make a result's line, its end included."""

    @abstractmethod
    def key(self, line: str) -> Key:
        """Understand a line; raise ValueError, KeyError or TypeError if it is none of ours."""

    def finished(self, preset: str) -> set[str]:
        """Tell which recordings need not be inspected again with this preset: those that did not fail."""
        return {key.recording for key in self._keys if key.preset == preset and not key.failed}

    def open(self, replaced: Collection[str]) -> None:
        """Begin to write; the lines of recordings that will be replaced, and a cut off one, go first."""
        kept = [key for key in self._keys if key.recording not in replaced]
        try:
            size = self.path.stat().st_size if self.path.exists() else 0
            if len(kept) < len(self._keys) or size != self._whole:
                self._rewrite(replaced)
            self._file = self._held.enter_context(self.path.open("ab", buffering=0))
            if not self._file.tell():
                self._put(self.head)
        except OSError as error:
            raise self._unwritable(error) from error
        self._keys = []

    def write(self, result: Result) -> None:
        """Write one result, so that it is in the file when this returns."""
        try:
            self._put(self.line(result).encode("utf-8", self.errors))
        except OSError as error:
            raise self._unwritable(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.close()

    def _put(self, line: bytes) -> None:
        assert self._file is not None
        while line:  # on a disk that is nearly full, a part of it may be written
            line = line[self._file.write(line) :]

    def _lines(self) -> Iterator[tuple[Key, bytes]]:
        """Read the whole lines, each with what it says; note where the last one ends."""
        self._whole = 0
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            return
        except OSError as error:
            raise FactoryError(
                f"{self.path} cannot be read: {error.strerror}.", "Name a file that you may read and write."
            ) from None
        with file:
            for number, raw in enumerate(file, start=1):
                begin = self.head if number == 1 and self.head else self.start
                if not raw.startswith(begin[: len(raw)] if not raw.endswith(b"\n") else begin):
                    raise self._foreign(number)
                if not raw.endswith(b"\n"):
                    return
                self._whole += len(raw)
                if number == 1 and self.head:
                    continue
                try:
                    yield self.key(raw.decode("utf-8", "surrogateescape")), raw
                except (ValueError, KeyError, TypeError):
                    raise self._foreign(number) from None

    def _rewrite(self, replaced: Collection[str]) -> None:
        """Replace the file in one step by one without these recordings' lines."""
        new = self.path.with_name(f"{self.path.name}.{os.getpid()}.new")
        try:
            with new.open("wb") as file:
                file.write(self.head)
                file.writelines(raw for key, raw in self._lines() if key.recording not in replaced)
            shutil.copymode(self.path, new)
            new.replace(self.path)
        finally:
            new.unlink(missing_ok=True)

    def _foreign(self, number: int) -> FactoryError:
        return FactoryError(
            f"Line {number} of {self.path} is no result of 'factory inspect', so nothing was written there.",
            "Name another file.",
        )

    def _unwritable(self, error: OSError) -> FactoryError:
        return FactoryError(
            f"{self.path} cannot be written: {error.strerror}.",
            "Name a file that you may write, where there is room.",
        )


def _lock(path: Path) -> Callable[[], None]:
    """Keep other writers away from a file; return what lets them in again, and leaves nothing behind.

    The lock is a file of its own, since the result file itself may be replaced while it is held.
    """
    name = f"factory-{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}.lock"
    own = Path(tempfile.gettempdir(), name)
    while True:
        lock = portalocker.Lock(own, fail_when_locked=True)
        held = lock.acquire()
        # The one that held it before may have deleted it after we had opened it: then it locks nothing.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(held.fileno()), own.stat()):
                break
        lock.release()

    def release() -> None:
        if sys.platform == "win32":  # where no open file can be deleted, nor one that another has opened
            lock.release()
        with suppress(OSError):
            own.unlink(missing_ok=True)
        lock.release()

    return release


class JsonLines(ResultFile):
    """A JSON object on each line."""

    start = b'{"recording": "'
    errors = "backslashreplace"  # which is how JSON writes them too

    def line(self, result: Result) -> str:
        """Make a result's line, its end included."""
        return json.dumps(asdict(result), ensure_ascii=False) + "\n"

    def key(self, line: str) -> Key:
        """Understand a line; raise ValueError, KeyError or TypeError if it is none of ours."""
        values = json.loads(line)
        return Key(values["recording"], values["preset"], values["error"] is not None)


class CsvTable(ResultFile):
    """A row for each recording below a row of titles, for spreadsheets; frames are separated by spaces."""

    titles = ("recording", "preset", "detected", "found", "missed", "false", "frames", "times", "error")
    head = (",".join(titles) + "\n").encode()

    def line(self, result: Result) -> str:
        """Make a result's line, its end included."""
        truth = result.truth
        row = [
            result.recording,
            result.preset,
            len(result.detections),
            *((truth.found, truth.missed, truth.false) if truth else ("", "", "")),
            " ".join(str(detection.frame) for detection in result.detections),
            " ".join(f"{detection.time:.3f}" for detection in result.detections),
            result.error or "",
        ]
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerow(row)
        return text.getvalue()

    def key(self, line: str) -> Key:
        """Understand a line; raise ValueError, KeyError or TypeError if it is none of ours."""
        (row,) = csv.reader([line])
        values = dict(zip(self.titles, row, strict=True))
        return Key(values["recording"], values["preset"], values["error"] != "")
