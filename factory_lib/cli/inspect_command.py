"""The command ``factory inspect``: many recordings on threads, processes or a Dask cluster."""

import argparse
import hashlib
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from functools import partial
from pathlib import Path
from typing import TextIO

from tqdm import tqdm

from ..batch.inspection import Inspection
from ..batch.recordings import inspect_all
from ..batch.result_files import CsvTable, JsonLines, Result, ResultFile
from ..batch.workers import Engine, engine
from ..errors import FactoryError, TruthError
from ..ground_truth import GroundTruth, Score
from ..preset import MotionPreset
from ..resources import RESOURCE_FOLDER
from .signals import Stop, until_stopped

CLIPS = (".mp4", ".avi", ".mkv", ".webm", ".mov", ".m4v")  # what is taken out of a folder


NOTICE = "\nStopping once what has begun is finished; Ctrl-C again: at once.\n"


def main(argv: Sequence[str]) -> int:
    """Run the command with these arguments.

    Returns
    -------
    int
        0; 1 if some recordings failed; 2 if something has to be put right; after Ctrl-C 130.
    """
    options = _parser().parse_args(argv)
    return until_stopped(partial(_run, options), notice=NOTICE, again=_end_at_once)


def _end_at_once(number: int) -> None:
    """Wait no longer for what has begun; each line that was written is whole."""
    children = multiprocessing.active_children()
    for child in children:
        child.kill()
    if children:
        raise KeyboardInterrupt
    with suppress(RuntimeError):  # raised if the signal has interrupted a print
        sys.stdout.flush()
    os._exit(128 + number)  # a thread that decodes cannot be ended in any other way


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="factory inspect",
        description="Inspect many recordings. The exit code is 0, 1 if some recordings failed, 2 if "
        "something has to be put right, and 130 after Ctrl-C: once what has begun is finished, or at "
        "once after a second one. The same command then goes on where it stopped: a recording that "
        "stands in every named file is not inspected again, unless it failed or the preset has changed.",
    )
    parser.add_argument(
        "clips",
        nargs="+",
        metavar="CLIP",
        help="a clip, a folder of clips, @FILE for a file that names one on each line, or - for such lines "
        "on stdin",
    )
    parser.add_argument(
        "--workers",
        type=_engine,
        default="threads",
        metavar="WHO",
        help="threads:N, processes:N or dask://HOST:PORT, the address of a scheduler (default: threads, as "
        "many as there are cores)",
    )
    parser.add_argument(
        "--preset",
        metavar="FILE",
        default=str(RESOURCE_FOLDER / "motion.cfg"),
        help="the preset file (default: the shipped motion.cfg)",
    )
    parser.add_argument("--key", default="default", help="its section of the preset file (%(default)s)")
    parser.add_argument(
        "--json", metavar="FILE", help="write each result at once, as a line of JSON, to FILE"
    )
    parser.add_argument("--csv", metavar="FILE", help="write each result at once, as a row, to FILE")
    return parser


def _engine(text: str) -> Engine:
    try:
        return engine(text)
    except FactoryError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _run(options: argparse.Namespace, stop: Stop) -> int:
    started = time.perf_counter()
    preset = MotionPreset.load(options.preset, options.key)
    # Results of other settings are no results of these: a changed preset is another one.
    label = f"{options.key} {hashlib.sha256(repr(preset).encode()).hexdigest()[:8]}"
    clips = list(dict.fromkeys(_absolute(clip) for clip in _named(options.clips)))
    counts: Counter[str] = Counter()
    with ExitStack() as stack:
        files = [stack.enter_context(file) for file in _files(options)]
        finished = set.intersection(*(file.finished(label) for file in files)) if files else set()
        todo = [clip for clip in clips if clip not in finished]
        if todo:
            executor = stack.enter_context(options.workers())
            replaced = set(todo)
            for file in files:
                file.open(replaced)
            results = stack.enter_context(closing(inspect_all(todo, executor, preset, stop=stop)))
            for inspection in results:
                result = _result(inspection, label)
                for file in files:
                    file.write(result)
                _tell(result, counts, aloud=not files)
    skipped = len(clips) - len(todo)
    print(_summary(len(clips), skipped, counts), f"in {time.perf_counter() - started:.1f} s")
    return 1 if counts["failed"] else 0


def _files(options: argparse.Namespace) -> Iterator[ResultFile]:
    """Make the files for the results, one after the other: each is locked once it is made."""
    if options.json and options.csv and Path(options.json).resolve() == Path(options.csv).resolve():
        raise FactoryError(
            "Both results would go to one file.", "Name a file for --json and another for --csv."
        )
    if options.json:
        yield JsonLines(options.json)
    if options.csv:
        yield CsvTable(options.csv)


def _named(arguments: Iterable[str]) -> Iterator[str]:
    """List what the arguments stand for."""
    for argument in arguments:
        try:
            if argument == "-":
                yield from _names(sys.stdin)
            elif argument.startswith("@"):
                with open(argument[1:], encoding="utf-8-sig", errors="surrogateescape") as lines:
                    yield from _names(lines)
            elif os.path.isdir(argument):
                yield from _clips_in(Path(argument))
            else:
                yield argument
        except OSError as error:
            raise FactoryError(
                f"{argument.removeprefix('@')} cannot be read: {error.strerror}.",
                "Name a folder of clips or, after an @, a text file with a clip on each line.",
            ) from None


def _clips_in(folder: Path) -> list[str]:
    inside = sorted(str(path) for path in folder.iterdir() if path.suffix.lower() in CLIPS)
    if not inside:
        raise FactoryError(
            f"There is no clip in the folder {folder}.", f"It would end with {', '.join(CLIPS)}."
        )
    return inside


def _names(lines: Iterable[str]) -> Iterator[str]:
    return (line.rstrip("\r\n") for line in lines if line.strip())


def _absolute(clip: str) -> str:
    """Make the name that a recording goes by: the same from any folder, and on any worker."""
    if "\n" in clip or "\r" in clip:
        raise FactoryError(f"The name {clip!r} is more than one line.", "Rename it.")
    return clip if "://" in clip else os.path.abspath(clip)


def _result(inspection: Inspection, label: str) -> Result:
    recording, error = os.fspath(inspection.recording), inspection.error
    score: Score | None = None
    if error is None:
        try:
            truth = GroundTruth.beside(recording)
            score = truth.score([detection.frame for detection in inspection.detections]) if truth else None
        except TruthError as problem:
            _say(f"Not compared with a ground truth: {problem.what}", sys.stderr)
    text = None if error is None else " ".join(f"{error}".split()) or type(error).__name__
    if error is not None and not isinstance(error, FactoryError):
        text = f"{type(error).__name__}: {text}"
    return Result(recording, label, inspection.detections, score, text)


def _tell(result: Result, counts: "Counter[str]", aloud: bool) -> None:
    """Count a result and say what nobody would read elsewhere."""
    if result.error is not None:
        counts["failed"] += 1
        _say(f"factory: {result.recording}: {result.error}", sys.stderr)
        return
    counts["inspected"] += 1
    counts["detected"] += len(result.detections)
    scores = (
        {}
        if result.truth is None
        else {
            "found": result.truth.found,
            "missed": result.truth.missed,
            "false": result.truth.false,
        }
    )
    counts.update(scores)
    if aloud:
        words = [f"{len(result.detections)} detected", *(f"{value} {key}" for key, value in scores.items())]
        _say(f"{result.recording}: {', '.join(words)}", sys.stdout)


def _say(text: str, stream: TextIO) -> None:
    """Print a line beside the progress bar; a path can hold what the stream's encoding cannot."""
    encoding = stream.encoding or "utf-8"
    tqdm.write(text.encode(encoding, "backslashreplace").decode(encoding), file=stream)


def _summary(clips: int, skipped: int, counts: "Counter[str]") -> str:
    left = clips - skipped - counts["inspected"] - counts["failed"]
    words = [f"{counts['inspected']} inspected", f"{counts['failed']} failed"]
    words += [f"{skipped} done before"] if skipped else []
    words += [f"{left} left"] if left else []
    parts = [f"{counts['detected']} detected"]
    parts += [f"{counts[key]} {key}" for key in ("found", "missed", "false") if "found" in counts]
    return f"{clips} recording{'s' * (clips != 1)}: {', '.join(words)}; {', '.join(parts)}"
