"""What the tests of batches have workers do: importable, so that it can be sent to other processes."""

import os
from pathlib import Path
from typing import Any

from conftest import wait_until

from factory_lib import Detection, MotionPreset, inspect_recording


def number(recording: str, preset: MotionPreset) -> list[Detection]:
    """Take a name such as "7" for the detection in frame 7, kill the process at "poison", else fail."""
    if "poison" in recording:
        os._exit(3)
    return [Detection(int(recording), 0.0)]


def held(recording: Path, preset: MotionPreset) -> list[Detection]:
    """Inspect a recording once there is a file "go" beside it; say before which process has it."""
    recording.with_suffix(f".{os.getpid()}").touch()
    if not wait_until(recording.with_name("go").exists, 60):
        raise TimeoutError
    return inspect_recording(recording, preset)


def allow_no_failures(dask_scheduler: Any) -> None:
    dask_scheduler.allowed_failures = 0  # so that Dask gives up as soon as one worker has died
