"""The inspection of one recording: what a worker does, wherever it is, and what becomes of it."""

import os
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from ..errors import FactoryError
from ..motion import Detection, MotionDetector
from ..preset import MotionPreset
from ..video import open_video

Recording = str | os.PathLike[str]
Inspect = Callable[[Any, MotionPreset], list[Detection]]
Found = list[Detection] | Exception


@dataclass(frozen=True, slots=True)
class Inspection:
    """What became of one recording: the parts detected in it, or the error that kept it from being read."""

    recording: Recording
    detections: list[Detection]
    error: BaseException | None = None


def inspect_recording(recording: Recording, preset: MotionPreset | None = None) -> list[Detection]:
    """Detect the parts of one recording, by its own time: the same list on any worker.

    Parameters
    ----------
    recording : str or path-like
        The path of a clip, or the URL of one; a worker elsewhere has to find it under the same name.
    preset : MotionPreset, optional
        The detector's settings; without one, the slide's.

    Raises
    ------
    FactoryError
        If the recording cannot be read to its end, or the preset does not fit it.
    """
    detector = MotionDetector(MotionPreset() if preset is None else preset)
    with open_video(recording, reuse=True) as video:
        return [
            Detection(frame.index, frame.time)
            for frame in video
            if detector.detect(frame.image, frame.time) is not None
        ]


def attempt(inspect: Inspect, preset: MotionPreset, recording: Recording, number: int) -> Found:
    """Run in the worker; an error goes home as a value, or Dask's workers would print it.

    Dask takes equal calls for one and answers a second attempt with the first one's result: so they differ.
    """
    try:
        return inspect(recording, preset)
    except Exception as error:
        if not isinstance(error, FactoryError):
            error.add_note(traceback.format_exc())  # the traceback itself stays behind in the process
        return error


def outcome(recording: Recording, future: Future[Found]) -> Inspection:
    """Turn a future that is done into its recording's result."""
    error = future.exception()
    found = future.result() if error is None else error
    if isinstance(found, BaseException):
        return Inspection(recording, [], found)
    return Inspection(recording, found)
