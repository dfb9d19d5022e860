"""What tests share: small clips, waiting, repetitions."""

import ctypes
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

Image = NDArray[np.uint8]
MakeClip = Callable[..., Path]

pytest_plugins = ["whole_run", "runs_ahead"]


@pytest.fixture
def no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    hide_display(monkeypatch)


def hide_display(monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform == "linux":
        monkeypatch.delenv("DISPLAY", raising=False)
    else:  # where there is always a desktop: as if OpenCV had been built without windows
        monkeypatch.setattr(cv2, "currentUIFramework", lambda: "")


@pytest.fixture
def make_clip(tmp_path: Path) -> MakeClip:
    """Write a real small clip in which frame i is filled with the grey level that `grey` gives for i."""

    def make(
        name: str = "clip.mp4",
        frames: int = 30,
        size: tuple[int, int] = (64, 48),
        fps: float = 30.0,
        grey: Callable[[int], int] = lambda index: 8 * (index % 30),
        codec: str = "mp4v",
    ) -> Path:
        path = tmp_path / name
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), fps, size)
        assert writer.isOpened()
        for index in range(frames):
            writer.write(np.full((size[1], size[0], 3), grey(index), np.uint8))
        writer.release()
        return path

    return make


def colour(blue: int, green: int, red: int, size: tuple[int, int] = (224, 224)) -> Image:
    return np.full((*size, 3), (blue, green, red), np.uint8)


@contextmanager
def unreadable(path: Path) -> Iterator[None]:
    """Take the right to read a file away, also from root, whom no mode keeps out."""
    path.chmod(0)
    with without_power_over_modes() if sys.platform == "linux" and os.geteuid() == 0 else nullcontext():
        yield


@contextmanager
def without_power_over_modes() -> Iterator[None]:
    """Let root be a user like any other where files' modes are concerned: see capabilities(7)."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # the version of what follows, for this thread
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable: bits 0 to 31, then 32 to 63
    assert libc.capget(header, sets) == 0
    before = sets[0]
    sets[0] &= ~(1 << 1 | 1 << 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    assert libc.capset(header, sets) == 0
    try:
        yield
    finally:
        sets[0] = before
        assert libc.capset(header, sets) == 0


def turns(count: int, quick: int) -> list[Any]:
    """Number a test's repetitions, for `parametrize`; those after the first few are slow ones."""
    return [pytest.param(turn, marks=pytest.mark.slow if turn >= quick else ()) for turn in range(count)]


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Wait for something that happens elsewhere; tell whether it did."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True
