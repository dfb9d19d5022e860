"""The command ``iotdemo-motion-detector``: tune a preset in windows, with mouse and keys."""

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial

import cv2
import numpy as np

from ..crops import CropFolder
from ..display import give_qt_a_font, windows_problem
from ..errors import DisplayError, FactoryError, PresetError, while_read
from ..motion import Explanation, Image
from ..preset import MotionPreset
from .clip import Live
from .model import Tuning, has_section, listed, open_clip
from .pictures import DARK, GREEN, RED, WHITE, compared, cut, framed, scaled, write

PROGRAM = "iotdemo-motion-detector"
INPUT, BINARY, CROP = TITLES = ("input", "threshold", "detected")
SIDE, ROI_HEIGHT = 460, 220  # pixels: of what stands above the trackbars
TRACKBARS = {  # the preset's key, the last position, what one step is worth
    "threshold": ("threshold", 255, 1),
    "top ratio %": ("top_ratio", 100, 0.01),
    "mid ratio %": ("mid_ratio", 100, 0.01),
    "skip time ms": ("skip_time", 1000, 0.001),
    "top margin px": ("top_margin", 100, 1),
}
ARROWS = {  # the numbers of these keys on Linux, Windows and macOS
    (-1, 0): (0xFF51, 0x250000, 0xF702),
    (0, -1): (0xFF52, 0x260000, 0xF700),
    (1, 0): (0xFF53, 0x270000, 0xF703),
    (0, 1): (0xFF54, 0x280000, 0xF701),
}
HELP = {
    "r": "take the ROI (green): drag a new one, or it, or a corner of it",
    "c": "take the crop box (red): drag it",
    "arrows": "move the box that is taken by one pixel",
    "space": "pause, play",
    ". ,": "one frame on, one back",
    "u s q": "undo, save, quit",
}


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
        0; 2 if something has to be put right (one sentence on stderr says what); after Ctrl-C 130.
    """
    options = _parser().parse_args(argv)
    try:
        problem = None if options.print else windows_problem()
        if problem:
            raise DisplayError(
                f"No window can be opened: {problem}.",
                "Tune in a notebook with MotionTuner, or see with --print what a preset finds.",
            )
        preset = _first_preset(options)
        source = options.path if options.camera is None else options.camera
        clip = Live(source) if isinstance(source, int) or "://" in source else open_clip(source)
        with closing(Tuning(clip, preset, options.preset, options.key)) as tuning:
            for note in tuning.notes:
                print(note, file=sys.stderr)
            crops = CropFolder(options.save) if options.save else None
            if options.print:
                _print(tuning, crops)
                return 0
            try:
                with closing(_Windows(tuning, options.loop, options.debug, crops)) as windows:
                    windows.run()
            finally:
                _leave(tuning)
    except FactoryError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(PROGRAM, description="Tune a preset and see what it detects.")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("path", nargs="?", help="a clip's path or a stream's URL")
    source.add_argument("-c", "--camera", type=int, metavar="N", help="a camera's index")
    add = parser.add_argument
    add("-l", "--loop", action="store_true", help="begin again at the clip's end")
    add("-I", "--invert", action="store_true", help="the parts are darker than the belt")
    add("-F", "--flip", action="store_true", help="look for the opposite: a full top, an empty rest")
    add("-D", "--debug", action="store_true", help="print what it makes of each frame and key")
    add("-p", "--preset", metavar="FILE", default="motion.cfg", help="where to save (%(default)s)")
    add("-P", "--loadpreset", metavar="FILE", help="where to begin (default: where to save, if it is there)")
    add("-k", "--key", default="default", help="the section's name, in both (%(default)s)")
    add("-s", "--save", metavar="DIR", help="save each detected crop, and all on one sheet detected.png")
    add("-W", "--width", type=int, metavar="PX", help="width of the crop box (224)")
    add("-H", "--height", type=int, metavar="PX", help="height of the crop box (224)")
    add("--print", action="store_true", help="open no window: print the preset and what it finds")
    return parser


def _first_preset(options: argparse.Namespace) -> MotionPreset:
    """Begin with the section that is asked for, or there already, or else with the slide's values."""
    file = options.loadpreset or options.preset
    known = options.loadpreset or has_section(file, options.key)
    preset = MotionPreset.load(file, options.key) if known else MotionPreset()
    print(f"Preset: {f'[{options.key}] of {file}' if known else 'as on the slide'}")
    (left, top), (right, bottom) = preset.crop_top_left, preset.crop_bottom_right
    width, height = options.width or right - left, options.height or bottom - top
    # Of another size it keeps its middle.
    left, top = max(0, (left + right - width) // 2), max(0, (top + bottom - height) // 2)
    return replace(
        preset,
        inverted=preset.inverted or options.invert,
        flipped=preset.flipped or options.flip,
        crop_top_left=(left, top),
        crop_bottom_right=(left + width, top + height),
    )


def _print(tuning: Tuning, crops: CropFolder | None) -> None:
    """Print the preset and what it finds, for machines without a screen."""
    print(listed(tuning.preset))
    evaluation = tuning.evaluate()
    for detection, parts in zip(evaluation.detections, evaluation.parts, strict=True):
        verdict = f"  part {min(parts)}" if parts else "  false" if tuning.truth else ""
        print(f"frame {detection.frame:5}  {detection.time:7.2f} s{verdict}")
        if crops:
            tuning.go(detection.frame)
            crops.save(tuning.clip.name, detection.frame, cut(tuning.frame.image, tuning.preset, "crop"))
    for part in tuning.truth.parts if tuning.truth else ():
        if not any(part.id in parts for parts in evaluation.parts):
            print(f"missed: part {part.id}, best in frames {part.good_shot[0]} to {part.good_shot[1]}")
    print(evaluation)
    if crops:
        crops.close()


def _leave(tuning: Tuning) -> None:
    """Lose no work without a word."""
    if tuning.preset == tuning.saved:
        return
    if sys.stdin and sys.stdin.isatty():
        try:
            answer = input(f"Save the changed preset as [{tuning.key}] in {tuning.file}? (y/n) ")
            if answer.strip().lower() in ("y", "yes"):
                print(tuning.save())
                return
        except (EOFError, KeyboardInterrupt, PresetError) as error:
            print(error)
    print(f"Not saved: [{tuning.key}]", listed(tuning.preset), sep="\n")


class _Windows:
    """What the windows show, and what mouse, trackbars and keys do."""

    def __init__(self, tuning: Tuning, loop: bool, debug: bool, crops: CropFolder | None) -> None:
        give_qt_a_font()
        self.tuning, self.loop, self.debug, self.crops = tuning, loop, debug, crops
        self.playing, self.help, self.said = True, False, ""
        self.crop: Image = np.full_like(cut(tuning.frame.image, tuning.preset, "crop"), DARK[0])
        self._drawn: object = None
        width, height = tuning.clip.size
        self.zoom = min(960 / width, 640 / height, 1.0 if width >= 480 else 640 / width)
        self._look()
        # A window that is shown empty, or moved before it is on the screen, may stay black (Qt on X11).
        for title, picture in zip(TITLES, self._pictures(), strict=True):
            cv2.namedWindow(title, cv2.WINDOW_AUTOSIZE | cv2.WINDOW_GUI_NORMAL)
            for name, (_, last, _) in TRACKBARS.items() if title == BINARY else ():
                now = self._position(name)
                cv2.createTrackbar(name, title, now, max(last, now), partial(self._turn, name))
            cv2.imshow(title, picture)
        for _ in range(10):
            cv2.waitKey(20)
        cv2.setMouseCallback(INPUT, self._point)
        side = round(width * self.zoom) + 20
        for title, place in zip(TITLES, ((0, 0), (side, 0), (side + SIDE + 20, 0)), strict=True):
            cv2.moveWindow(title, *place)
        self._due = time.monotonic()

    def run(self) -> None:
        """Go on until the person quits."""
        going_on = True
        while going_on:
            self._draw()
            left = self._due - time.monotonic() if self.playing else 0.03
            key = cv2.waitKeyEx(round(1000 * min(max(left, 0.001), 0.03)))
            going_on = self._press(key) and all(
                cv2.getWindowProperty(title, cv2.WND_PROP_VISIBLE) >= 1 for title in TITLES
            )
            if self.playing and time.monotonic() >= self._due:
                self._step(1)

    def close(self) -> None:
        """Take the windows away."""
        for title in TITLES:
            if cv2.getWindowProperty(title, cv2.WND_PROP_VISIBLE) >= 1:
                cv2.destroyWindow(title)
        cv2.waitKey(1)
        if self.crops:
            self.crops.close()

    def _step(self, by: int) -> None:
        tuning, before = self.tuning, self.tuning.frame
        again = self.loop and by > 0 and tuning.clip.path
        if not tuning.go(before.index + by) and not (again and tuning.go(0)):
            self.playing, self.said = False, f"There is no frame {'after' if by > 0 else 'before'} this one."
            return
        # At the clip's own speed; what took too long is not made up for.
        self._due = max(self._due + tuning.frame.time - before.time, time.monotonic() - 0.1)
        if by > 0:
            self._look()

    def _look(self) -> None:
        tuning, frame = self.tuning, self.tuning.frame
        crop = tuning.detect()
        if self.debug:
            seen, detected = tuning.explain(), " detected" * (crop is not None)
            text = f"frame {frame.index}: top {seen.top_ratio:.3f} mid {seen.mid_ratio:.3f}{detected}"
            print(text, flush=True)
        if crop is not None:
            self.crop = crop
            if self.crops:
                self.crops.save(tuning.clip.name, frame.index, crop)

    # What the person does

    def _press(self, key: int) -> bool:
        """Obey a key; False to quit."""
        tuning, letter = self.tuning, chr(key & 0xFF).lower() if 0 <= key & 0xFFFF < 256 else ""
        if key == -1:
            return True
        self.said = ""
        if self.debug:
            print(f"key {letter or key}", flush=True)
        if letter in ("q", "\x1b"):
            return False
        if letter == " ":
            self.playing, self._due = not self.playing, time.monotonic()
        elif letter in (".", ","):
            self.playing = False
            self._step(1 if letter == "." else -1)
        elif letter in ("r", "c"):
            tuning.active = "roi" if letter == "r" else "crop"
            tuning.settle()
        elif letter == "u":
            self.said = "Undone." if tuning.undo() else "There is nothing to undo."
        elif letter == "h":
            self.help = not self.help
        elif letter == "s":
            try:
                self.said = tuning.save()
                print(self.said, flush=True)
            except PresetError as error:
                self.said = str(error)
                print(f"{PROGRAM}: {error}", file=sys.stderr, flush=True)
        for direction, numbers in ARROWS.items():
            if key in numbers or key & 0xFFFF in numbers:
                tuning.nudge(*direction)
        return True

    def _point(self, event: int, x: int, y: int, flags: int, _: object) -> None:
        x, y = round(x / self.zoom), round(y / self.zoom)
        if event == cv2.EVENT_LBUTTONDOWN:
            self.tuning.press(x, y, reach=round(10 / self.zoom))
        elif event == cv2.EVENT_MOUSEMOVE and flags & cv2.EVENT_FLAG_LBUTTON:
            self.tuning.drag(x, y)
        elif event == cv2.EVENT_LBUTTONUP:
            self.tuning.drag(x, y)
            self.tuning.release()

    def _turn(self, name: str, position: int) -> None:
        key, _, step = TRACKBARS[name]
        # Also called when it is set from here, to the nearest position: that must not round the value.
        if position != self._position(name):
            self.tuning.change(**{key: position if step == 1 else round(position * step, 3)})

    def _position(self, name: str) -> int:
        key, _, step = TRACKBARS[name]
        value: float = getattr(self.tuning.preset, key)
        return round(value / step)

    # What they show

    def _draw(self) -> None:
        tuning, frame = self.tuning, self.tuning.frame
        for name in TRACKBARS:
            if cv2.getTrackbarPos(name, BINARY) != self._position(name):
                cv2.setTrackbarPos(name, BINARY, self._position(name))
        if tuning.surveyor:
            tuning.surveyor.ask(tuning.preset)
        now = (tuning.preset, frame, tuning.active, tuning.account, self.playing, self.help, self.said)
        if now == self._drawn:
            return
        self._drawn = now
        for title, picture in zip(TITLES, self._pictures(), strict=True):
            cv2.imshow(title, picture)

    def _pictures(self) -> tuple[Image, Image, Image]:
        """Draw what stands in the windows, in the order of TITLES."""
        tuning, frame = self.tuning, self.tuning.frame
        picture = framed(frame.image, tuning.preset, tuning.active, self.zoom)
        if self.help:
            cv2.rectangle(picture, (0, 0), (picture.shape[1], 26 * len(HELP) + 16), DARK, -1)
            for number, (keys, what) in enumerate(HELP.items()):
                write(picture, keys, 12, 28 + 26 * number)
                write(picture, what, 84, 28 + 26 * number)
        foot = np.full((52, picture.shape[1], 3), DARK[0], np.uint8)
        of = f" of {tuning.clip.count}" if tuning.clip.count else ""
        state = "playing" if self.playing else "paused"
        write(foot, f"frame {frame.index}{of}   {frame.time:.2f} s   {state}", 8, 20)
        write(foot, "h: help", picture.shape[1] - 64, 20)
        write(foot, self.said, 8, 42)
        return np.vstack([picture, foot]), self._why(tuning.explain()), self.crop

    def _why(self, seen: Explanation) -> Image:
        """Draw the ROI in black and white, and the two ratios against their limits."""
        preset, height, width = self.tuning.preset, *seen.binary.shape
        picture = np.full((ROI_HEIGHT + 182, SIDE, 3), DARK[0], np.uint8)
        zoom = min(SIDE / width, ROI_HEIGHT / height)
        binary = scaled(seen.binary, zoom)
        picture[: binary.shape[0], : binary.shape[1]] = binary[:, :, None]
        line = round(preset.top_margin * zoom)
        cv2.line(picture, (0, line), (binary.shape[1], line), GREEN, 2)
        y, left, right = ROI_HEIGHT, 8, SIDE - 8
        for name, ratio, needs, limit, keeps in compared(preset, seen.top_ratio, seen.mid_ratio):
            colour = GREEN if keeps else RED
            write(picture, f"{name} ratio {ratio:.3f}", left, y + 22)
            write(picture, f"{needs} {limit:.3f}: {'yes' if keeps else 'no'}", SIDE // 2, y + 22, colour)
            end, mark = (left + round(share * (right - left)) for share in (ratio, limit))
            cv2.rectangle(picture, (left, y + 30), (right, y + 44), (110, 110, 110), 1)
            cv2.rectangle(picture, (left, y + 30), (end, y + 44), colour, -1)
            cv2.line(picture, (mark, y + 26), (mark, y + 48), WHITE, 3)
            y += 52
        verdict = ("The frame passes.", GREEN) if seen.passes else ("The frame does not pass.", RED)
        write(picture, verdict[0], left, y + 20, verdict[1])
        for line in self.tuning.account.split("; "):
            write(picture, line, left, y + 44)
            y += 22
        return picture


if __name__ == "__main__":
    sys.exit(main())
