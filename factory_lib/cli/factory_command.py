"""The command ``factory``: two cameras, two threads, one queue."""

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import NoReturn

from ..controller import FactoryController
from ..crops import CropFolder
from ..display import Display, Image, NoDisplay, open_display, windows_problem
from ..errors import FactoryError, TruthError, while_read
from ..factory import Camera, run_factory
from ..ground_truth import GroundTruth, Score
from ..motion import Detection, MotionDetector
from ..preset import MotionPreset
from ..report import CameraReport, FactoryReport
from ..resources import RESOURCE_FOLDER
from ..video import VideoSource, open_video
from .signals import Stop, until_stopped


@while_read
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str, optional
        The command's arguments; by default those of the process.

    Returns
    -------
    int
        0; 2 if something has to be put right (one sentence on stderr says what); after Ctrl-C, a clean
        stop and the summary: 130. Of ``factory inspect`` also 1, if some recordings failed.
    """
    argv = sys.argv[1:] if argv is None else argv
    if argv[:1] == ["inspect"]:
        from .inspect_command import main as inspect  # only now: it brings pools of processes with it

        return inspect(argv[1:])
    options = _parser().parse_args(argv)
    return until_stopped(partial(_run, options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="factory",
        description="Watch a conveyor belt with two cameras: a thread for each, one queue, one main loop.",
        epilog="factory inspect CLIP ... inspects many recordings: see factory inspect --help.",
    )
    for number, clip, key in ((1, "conveyor.mp4", "default"), (2, "conveyor2.mp4", "cam2")):
        parser.add_argument(
            f"--cam{number}",
            metavar="SOURCE",
            default=str(RESOURCE_FOLDER / clip),
            help=f"a clip's path, a camera's index or a stream's URL (default: the shipped {clip})",
        )
        parser.add_argument(
            f"--cam{number}-key",
            metavar="KEY",
            default=key,
            help="its section of the preset file (%(default)s)",
        )
    parser.add_argument(
        "--preset",
        metavar="FILE",
        default=str(RESOURCE_FOLDER / "motion.cfg"),
        help="the preset file (default: the shipped motion.cfg)",
    )
    parser.add_argument(
        "-d", "--device", metavar="PORT", help="the board's port (default: a simulated board)"
    )
    parser.add_argument(
        "--display",
        choices=("auto", "windows", "none"),
        default="auto",
        help="auto (the default): windows where there is a display",
    )
    parser.add_argument(
        "--pace",
        action=argparse.BooleanOptionalAction,
        help="play clips at their own speed, or as fast as possible (default: own speed with windows)",
    )
    parser.add_argument(
        "--workers",
        choices=("threads", "processes"),
        default="threads",
        help="who watches the cameras: a thread or a process for each (%(default)s)",
    )
    parser.add_argument("--seconds", type=_positive, metavar="S", help="stop after S seconds")
    parser.add_argument(
        "--save", metavar="DIR", help="save each detected crop, and all on one sheet detected.png"
    )
    parser.add_argument("--json", metavar="FILE", help="write the report to FILE")
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    return parser


class _Version(argparse.Action):
    """Looks the version up when it is asked for: that costs as much as all else that --help needs."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version

        print(f"factory {version('factory-lib')}")
        parser.exit()


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds greater than 0")
    return value


def _run(options: argparse.Namespace, stop: Stop) -> int:
    target = _writable(options.json) if options.json else None
    with ExitStack() as stack:
        display = open_display(options.display)
        stack.callback(display.close)
        windows = not isinstance(display, NoDisplay)
        cameras = _open_cameras(options, stack, pace=windows if options.pace is None else options.pace)
        truths = [_truth_beside(options.cam1), _truth_beside(options.cam2)]
        controller = stack.enter_context(FactoryController(options.device))
        crops = stack.enter_context(closing(CropFolder(options.save))) if options.save else None
        _say_where_it_shows(options.display, windows)

        def keep(camera: str, detection: Detection, crop: Image) -> None:
            if crops is not None:
                crops.save(camera, detection.frame, crop)

        scores: dict[str, Score | None] = {}
        try:
            with closing(_Bars(display, cameras)) as bars:
                report = run_factory(
                    cameras,
                    controller,
                    bars,
                    drop_live=windows,
                    seconds=options.seconds,
                    stop=stop,
                    on_detection=keep,
                    workers=options.workers,
                )
        finally:
            # Also after an error: what was seen until then counts.
            for camera, truth in zip(cameras, truths, strict=True):
                scores[camera.name] = _score(camera.report, truth)
            print(_table([camera.report for camera in cameras], scores))
    print(f"{report.seconds:.1f} s, deepest queue {report.deepest_queue}")
    if target is not None:
        _write_report(report, scores, target)
    return 0


def _writable(name: str) -> Path:
    target = Path(name).absolute()
    if target.is_dir() or not target.parent.is_dir():
        raise FactoryError(
            f"The report cannot be written to {target}.", "Name a file in a folder that exists."
        )
    return target


def _open_cameras(options: argparse.Namespace, stack: ExitStack, pace: bool) -> list[Camera]:
    cameras = []
    for name, text, key in (
        ("Cam1", options.cam1, options.cam1_key),
        ("Cam2", options.cam2, options.cam2_key),
    ):
        detector = MotionDetector(MotionPreset.load(options.preset, key))
        source = stack.enter_context(open_video(int(text) if text.isdecimal() else text, pace=pace))
        cameras.append(Camera(name, source, detector))
        print(f"{name}: {source.name}, preset [{key}]")
    return cameras


def _say_where_it_shows(wish: str, windows: bool) -> None:
    if windows:
        print("Shown in windows: q or Ctrl-C stops.", flush=True)  # also behind a pipe
    else:
        reason = "" if wish == "none" else f", since {windows_problem()}"
        print(f"Shown in no window{reason}: Ctrl-C stops.", flush=True)


def _score(report: CameraReport, truth: GroundTruth | None) -> Score | None:
    frames = [detection.frame for detection in report.detections]
    return truth.score(frames, report.read) if truth else None


def _write_report(report: FactoryReport, scores: dict[str, Score | None], target: Path) -> None:
    values = report.as_dict()
    for name, score in scores.items():
        values["cameras"][name]["truth"] = asdict(score) if score else None
    target.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


def _truth_beside(source: str) -> GroundTruth | None:
    """Find a clip's ground truth, if it has one that can be read."""
    try:
        return GroundTruth.beside(source)
    except TruthError as error:
        print(f"Not compared with a ground truth: {error.what}", file=sys.stderr)
        return None


class _Bars:
    """A display with a progress bar for each camera, on a terminal."""

    def __init__(self, display: Display, cameras: Sequence[Camera]) -> None:
        from tqdm import tqdm  # only now: it takes a while to import

        self._display = display
        self.show = display.show
        self._bars = [
            # disable=None: no bars where stderr is a file or a pipe.
            (camera.report, tqdm(desc=camera.name, total=_frame_count(camera), unit=" frames", disable=None))
            for camera in cameras
        ]

    def poll(self) -> bool:
        self._update()
        return self._display.poll()

    def close(self) -> None:
        self._update()
        for _, bar in self._bars:
            bar.close()

    def _update(self) -> None:
        for report, bar in self._bars:
            bar.update(report.read - bar.n)


def _frame_count(camera: Camera) -> int | None:
    return camera.source.frame_count if isinstance(camera.source, VideoSource) else None


def _table(reports: Sequence[CameraReport], scores: dict[str, Score | None]) -> str:
    titles = ["camera", "read", "shown", "dropped", "detected", "fps"]
    rows = [
        [
            report.name,
            report.read,
            report.delivered,
            report.dropped,
            len(report.detections),
            f"{report.fps:.0f}",
        ]
        for report in reports
    ]
    if any(scores.values()):
        titles += ["found", "missed", "false"]
        for row, report in zip(rows, reports, strict=True):
            score = scores[report.name]
            row += [score.found, score.missed, score.false] if score else ["-"] * 3
    lines = [titles, *([str(value) for value in row] for row in rows)]
    return "\n".join("  ".join(f"{cell:>8}" for cell in line) for line in lines)
