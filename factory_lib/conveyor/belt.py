"""The synthetic belt: pictures of parts on a conveyor as a camera would see them, and what is true of them.

A :class:`Belt` is a sequence of pictures, each made when asked for, whatever was read before
it. Its :class:`GroundTruth` follows from where the parts are, never from a detector, so that a detector
can be judged by it. ``python -m factory_lib.conveyor`` writes the course's two clips and their truths again.
"""

import argparse
import bisect
import math
import os
import random
import sys
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple, overload

import cv2
import numpy as np

from ..errors import FactoryError
from ..ground_truth import GroundTruth, Part
from ..resources import RESOURCE_FOLDER
from .scene import (
    CARRIER,
    HEIGHT,
    RADIUS,
    SCENES,
    WIDTH,
    Image,
    draw_belt,
    draw_glint,
    draw_hand,
    draw_lamp,
    draw_machine,
    draw_part,
    stamp,
    u8,
)

FPS = 30
EMPTY, STOP, GLINT, HAND = 45, 60, 14, 48  # how long each lasts, in frames; the belt is empty at first
MANY = 8  # from so many parts on a belt has room for every incident
CLIPS: dict[str, dict[str, Any]] = {  # what the course ships, by file name
    "conveyor": {"kind": "dark", "parts": 26, "seed": 1},
    "conveyor2": {"kind": "bright", "parts": 26, "seed": 7},
}


class _Placed(NamedTuple):
    """A part before it is filmed: where it lies on the belt and how."""

    at: int  # the belt's travel, in px, at which its carrier has just come wholly into the picture
    x: int  # px to the right of the lane's middle
    mark: str
    colour: str
    tilt: float  # of the carrier, degrees
    turn: float  # of the mark, degrees


class Belt(Sequence[Image]):
    """A conveyor belt seen from above: a sequence of (H, W, 3) uint8 BGR pictures, 30 a second.

    Parameters
    ----------
    kind : {"dark", "bright"}
        A dark belt whose parts lie on bright carriers (made for ``[default]`` of motion.cfg), or a bright
        belt with dark round parts (made for ``[cam2]``).
    parts : int
        How many parts pass, from 1 on.
    speed : float
        The belt's speed, 1 to 20, in px a frame of a picture 640 px wide.
    noise : float
        Standard deviation of the sensor's noise, 0 to 40 grey levels.
    light : float
        Brightness of the lamp: 1 as usual, above 0 and up to 2.
    size : tuple of int
        Width and height in px, even and four to three, from 160x120 on. The truth's boxes are in these px.
    seed : int
        From 0 on. The same parameters and seed make the same belt.
    incidents : bool
        Whether there are, from 8 parts on, two parts close behind one another, one that stops under the
        camera, one that lies askew, and on the empty belt a glint and a hand's shadow.

    Raises
    ------
    FactoryError
        If a parameter is out of its range.
    """

    fps = FPS

    def __init__(
        self,
        kind: str = "dark",
        *,
        parts: int = 8,
        speed: float = 6.0,
        noise: float = 4.0,
        light: float = 1.0,
        size: tuple[int, int] = (WIDTH, HEIGHT),
        seed: int = 0,
        incidents: bool = True,
    ) -> None:
        width, height = size
        for key, value, right, remedy in (
            ("kind", kind, kind in SCENES, "'dark' or 'bright'"),
            ("parts", parts, isinstance(parts, int) and parts >= 1, "a whole number from 1 on"),
            ("speed", speed, 1 <= speed <= 20, "1 to 20 pixels a frame"),
            ("noise", noise, 0 <= noise <= 40, "0 to 40 grey levels"),
            ("light", light, 0 < light <= 2, "a number above 0, up to 2"),
            (
                "size",
                size,
                width >= 160 and width % 8 == 0 and width * 3 == height * 4,
                "160x120, 320x240, 640x480",
            ),
            ("seed", seed, isinstance(seed, int) and seed >= 0, "a whole number from 0 on"),
        ):
            if not right:
                raise FactoryError(f"There is no belt with {key}={value!r}.", f"Choose {remedy}.")
        self.size = (width, height)
        self._scene = SCENES[kind]
        self._plan(parts, speed, seed, incidents and parts >= MANY)
        self._prepare(kind, speed, noise, light, np.random.default_rng(seed))
        self.truth = GroundTruth(kind, seed, FPS, len(self), self.size, tuple(self._true_parts()))

    def _plan(self, parts: int, speed: float, seed: int, incidents: bool) -> None:
        """Lay the parts on the belt and work out how far it has travelled at each frame."""
        rng = random.Random(seed)  # not NumPy's, whose numbers may change with its version
        scene, at = self._scene, round(EMPTY * speed) + CARRIER
        close, stops, askew, glint, hand = (
            n * parts // 20 + 1 if incidents else 0 for n in (4, 10, 15, 7, 12)
        )
        begin = {glint: math.inf, hand: math.inf}  # the travel at which each event begins
        self._placed: list[_Placed] = []
        for n in range(1, parts + 1):
            if n in begin:
                begin[n] = at + HEIGHT  # the part before has just left
                at += HEIGHT + CARRIER + round(speed * (HAND + 8))
            elif n > 1:
                at += CARRIER + round(rng.uniform(50, 58) if n == close else rng.uniform(60, 240))
            tilt = rng.choice((-7.0, 7.0)) if n == askew else rng.uniform(-1.2, 1.2)
            x = round(rng.uniform(-3, 3) + (2 * tilt if n == askew and scene.lane == WIDTH // 2 else 0))
            mark, colour = rng.choice("OX"), rng.choice(list(scene.caps))
            self._placed.append(_Placed(at, x, mark, colour, tilt, rng.uniform(0, 360)))
        halt = self._placed[stops - 1].at + scene.stop - CARRIER // 2 + RADIUS if incidents else math.inf
        travel, wait = [0.0], STOP
        while travel[-1] < at + HEIGHT + 10 * speed:
            left, step = halt - travel[-1], speed
            if wait and left <= 2 * speed:  # it brakes, stands for a while, and goes on
                step = left / 2 if left > 1 else 0.0
                wait -= step == 0
            travel.append(travel[-1] + step)
        self._travel = [round(t) for t in travel]
        self._glint, self._hand = (bisect.bisect(travel, begin[n]) for n in (glint, hand))

    def _true_parts(self) -> Iterable[Part]:
        scene, scale = self._scene, self.size[0] / WIDTH
        for number, part in enumerate(self._placed, start=1):
            left = scene.lane + part.x - RADIUS
            tops = [travel - part.at + CARRIER // 2 - RADIUS for travel in self._travel]
            first = bisect.bisect_left(tops, scene.crop[0])
            last = bisect.bisect_right(tops, scene.crop[1] - 2 * RADIUS) - 1
            cleared = bisect.bisect_left(tops, scene.margin)
            box = (left, tops[cleared], left + 2 * RADIUS, tops[cleared] + 2 * RADIUS)
            x0, y0, x1, y1 = (round(scale * place) for place in box)
            yield Part(number, part.mark, part.colour, cleared, (first, last), (x0, y0, x1, y1))

    def _prepare(self, kind: str, speed: float, noise: float, light: float, rng: np.random.Generator) -> None:
        """Draw once all that the pictures are put together from."""
        frames, (width, height) = len(self._travel), self.size
        blur = (1, max(1, round(0.4 * speed)))  # along the belt: the shutter is open for 0.4 of a frame
        still = [draw_belt(kind, rng)]
        for part in self._placed:
            still.extend(draw_part(kind, *part[2:]))
        moving = [u8(cv2.blur(image, blur)) for image in still]
        self._pieces = (still, moving)
        self._machine, self._lamp = draw_machine(kind), draw_lamp(kind)
        # Mains and camera never quite agree about the time: the brightness swings slowly.
        swing = np.sin(np.arange(frames) * (2 * np.pi / 77) + rng.uniform(0, 6))
        self._gain = light * (1 + 0.015 * swing + rng.normal(0, 0.004, frames))
        self._shake = rng.choice((-1, 0, 0, 0, 1), (frames, 2))
        # One sheet of noise, shifted for each frame, in two: uint8 has no sign.
        self._shift = rng.integers(0, 64, (frames, 2))
        sheet = (height + 64, width + 64)
        grain = 0.8 * rng.standard_normal((*sheet, 1), np.float32) + 0.6 * rng.standard_normal(
            (*sheet, 3), np.float32
        )
        self._noise = (u8(noise * grain), u8(-noise * grain))

    def __len__(self) -> int:
        return len(self._travel)

    @overload
    def __getitem__(self, index: int) -> Image: ...
    @overload
    def __getitem__(self, index: slice) -> list[Image]: ...
    def __getitem__(self, index: int | slice) -> Image | list[Image]:
        """Make a frame's picture, (H, W, 3) uint8 BGR; of a slice, a list of them."""
        frames = range(len(self))[index]
        return self._picture(frames) if isinstance(frames, int) else [self._picture(i) for i in frames]

    def _picture(self, i: int) -> Image:
        scene, travel, (dx, dy) = self._scene, self._travel[i], self._shake[i].tolist()
        belt, *sprites = self._pieces[i > 0 and travel - self._travel[i - 1] > 1]
        image = self._machine[1 - dy : HEIGHT + 1 - dy, 1 - dx : WIDTH + 1 - dx].copy()
        left, right = max(scene.edges[0] + dx, 0), scene.edges[1] + dx
        start = (-travel - dy) % (len(belt) - HEIGHT)
        image[:, left:right] = belt[start : start + HEIGHT, : right - left]
        for part, adds, through in zip(self._placed, sprites[::2], sprites[1::2], strict=True):
            stamp(image, adds, through, scene.lane + part.x + dx, travel - part.at + CARRIER // 2 + dy)
        cv2.multiply(image, self._lamp, dst=image, scale=self._gain[i] / 255)
        if 0 <= i - self._hand < HAND:  # the shadow comes in from the right and goes out again
            away = 420 * (1 - math.sin(math.pi * (i - self._hand) / HAND))
            move = np.array([[1, 0, scene.lane - 130 + away], [0, 1, scene.crop[0] - 100 + 0.1 * away]])
            shadow = cv2.warpAffine(draw_hand(), move, (WIDTH, HEIGHT), borderValue=(255, 255, 255))
            cv2.multiply(image, shadow, dst=image, scale=1 / 255)
        if 0 <= i - self._glint < GLINT:
            shine = math.sin(math.pi * (i - self._glint + 0.5) / GLINT)
            place = image[scene.margin + 8 :, scene.lane - 48 :][:96, :96]
            cv2.add(place, cv2.convertScaleAbs(draw_glint(), alpha=shine), dst=place)
        if self.size != (WIDTH, HEIGHT):
            image = u8(cv2.resize(image, self.size, interpolation=cv2.INTER_AREA))
        x, y = self._shift[i].tolist()
        for change, grain in zip((cv2.add, cv2.subtract), self._noise, strict=True):
            change(image, grain[y : y + self.size[1], x : x + self.size[0]], dst=image)
        return image


def write_clip(belt: Sequence[Image], path: str | os.PathLike[str]) -> None:
    """Write a belt as an MP4 file (H.264), frame for frame; the same belt gives the same bytes.

    Parameters
    ----------
    belt : sequence of ndarray of uint8, shape (H, W, 3)
        The pictures, BGR, of one even size.
    path : str or path-like
        The file; it appears whole or not at all.

    Raises
    ------
    FactoryError
        If PyAV is not installed, or the file cannot be written.
    """
    try:
        import av
    except ImportError as error:
        what = "Writing a clip needs the package av, which is not installed."
        raise FactoryError(what, "Run 'pip install -r requirements-dev.txt'.") from error
    path = Path(path)
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    # One thread and no notes of versions and dates, or two runs would differ; without B-frames the frames
    # are stored in the order in which they are shown.
    tags = "colorprim=smpte170m:transfer=smpte170m:colormatrix=smpte170m"
    options = {"preset": "medium", "crf": "25", "x264-params": f"threads=1:keyint={FPS}:bframes=0:{tags}"}
    try:
        with av.open(new, "w", "mp4", options={"movflags": "+faststart", "fflags": "+bitexact"}) as file:
            stream = file.add_stream("libx264", rate=FPS, options=options)
            stream.height, stream.width = belt[0].shape[:2]
            stream.pix_fmt = "yuv420p"
            for i, image in enumerate(belt):
                # OpenCV's conversion: that of PyAV rounds down and would darken the picture.
                planes = u8(cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420))
                frame = av.VideoFrame.from_ndarray(planes, "yuv420p")
                frame.pts, frame.time_base = i, Fraction(1, FPS)
                file.mux(stream.encode(frame))
            file.mux(stream.encode(None))
        new.replace(path)
    except OSError as error:
        what = f"The clip {path} cannot be written: {error.strerror}."
        raise FactoryError(what, "Name a file that you may write.") from error
    finally:
        new.unlink(missing_ok=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Write the course's clips and their truths; return the exit code."""
    parser = argparse.ArgumentParser(
        "python -m factory_lib.conveyor.belt", description="Write the course's clips."
    )
    parser.add_argument(
        "--folder", type=Path, default=RESOURCE_FOLDER, help="where to (default: %(default)s)"
    )
    parser.add_argument("--parts", type=int, help="how many parts pass (default: as in the course's clips)")
    options = parser.parse_args(argv)
    try:
        for name, settings in CLIPS.items():
            belt = Belt(**settings | ({} if options.parts is None else {"parts": options.parts}))
            path = options.folder / f"{name}.mp4"
            write_clip(belt, path)
            belt.truth.save(path.with_suffix(".json"))
            print(f"{path}: {len(belt.truth.parts)} parts in {len(belt)} frames, and its truth")
    except FactoryError as error:
        print(error, file=sys.stderr)
        return 2
    return 0
