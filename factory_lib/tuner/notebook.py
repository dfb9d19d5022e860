"""`MotionTuner`: tune a preset below a notebook's cell, and see at once what it detects."""

import os
import threading
from functools import partial
from typing import Any, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import FactoryError
from ..preset import MotionPreset, Reference
from .chart import bars, chart, cursor
from .model import Tuning, open_clip
from .pictures import corners, cut, framed, scaled
from .survey import Evaluation

SHOWN_FPS = 15  # a page in a browser cannot follow many more
PICTURES = {"frame": 460, "difference": 210, "binary": 210, "crop": 180}  # and how wide they are, in pixels
# What is shown of a clip for a section: when the cell is run again, its new tuner takes the old one's place.
_shown: dict[tuple[object, ...], "MotionTuner"] = {}


class MotionTuner:
    """Tune a preset on a clip: as a cell's last line with sliders and pictures, or from Python.

    Parameters
    ----------
    clip : str or path-like
        The recording; one of the course's also by its bare name, such as "conveyor.mp4".
    preset : MotionPreset, optional
        Where to begin; by default the slide's values.
    file, key : str
        The preset file and the section that Save writes.

    Raises
    ------
    VideoError
        If the clip cannot be read.
    """

    def __init__(
        self,
        clip: str | os.PathLike[str],
        preset: MotionPreset | None = None,
        file: str | os.PathLike[str] = "motion.cfg",
        key: str = "default",
    ) -> None:
        self._name = os.path.basename(clip)
        self._tuning = Tuning(open_clip(clip), preset or MotionPreset(), file, key)
        self._view: _View | None = None

    @property
    def preset(self) -> MotionPreset:
        """The preset as it stands now."""
        return self._tuning.preset

    def evaluate(self) -> Evaluation:
        """Return what the preset finds in the whole clip, compared with the ground truth if there is one.

        Raises
        ------
        VideoError
            If the clip cannot be read to its end.
        """
        return self._tuning.evaluate()

    def close(self) -> None:
        """Take the widgets away and end what runs. Shown again, it begins where it was."""
        self._tuning.close()
        if self._view:
            self._view.close()
        self._view = None

    def __repr__(self) -> str:
        return f"MotionTuner({self._name!r}, {self.preset})"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        """Show the widgets; the text is for whoever cannot."""
        if self._view is None:
            place = self._tuning.clip.path, self._tuning.file.absolute(), self._tuning.key
            if place in _shown:
                _shown[place].close()
                self._tuning.take_over(_shown[place]._tuning)
            _shown[place] = self
            self._view = _View(self._tuning)
        bundle: dict[str, Any] = self._view.box._repr_mimebundle_()
        return bundle | {"text/plain": repr(self)}


class _View:
    """The widgets, and what follows when one is moved."""

    def __init__(self, tuning: Tuning) -> None:
        self.tuning, self._lock, self._following = tuning, threading.Lock(), False
        self._made: list[Any] = []
        make, (width, height), preset = self._make, tuning.clip.size, tuning.preset
        last, step = (tuning.clip.count or 1) - 1, max(1, round(tuning.clip.fps / SHOWN_FPS))
        play = make("Play", max=last, step=step, interval=round(1000 * step / tuning.clip.fps))
        self.frame = make("IntSlider", wide="640px", max=last, description="frame")
        make("jslink", (play, "value"), (self.frame, "value"))
        self.time, self.account, self.said = (make("Label") for _ in range(3))
        self.bars, self.cursor, self.chart = (make("HTML") for _ in range(3))
        self.pictures = {name: make("Image", wide=f"{wide}px") for name, wide in PICTURES.items()}
        for picture in self.pictures.values():
            picture.layout.border = "1px solid #888"  # white ends where the page does not
        ratio: dict[str, Any] = {"max": 1.0, "step": 0.01}
        time: dict[str, Any] = {"max": max(1.0, preset.skip_time), "step": 0.001, "readout_format": ".3f"}
        self.controls = {
            "threshold": make("IntSlider", max=255),
            "top_ratio": make("FloatSlider", **ratio),
            "mid_ratio": make("FloatSlider", **ratio),
            "skip_time": make("FloatSlider", **time),
            "top_margin": make("IntSlider", min=1, max=max(100, preset.top_margin)),
            "roi x": make("IntRangeSlider", max=width),
            "roi y": make("IntRangeSlider", max=height),
            "crop x": make("IntRangeSlider", max=width),
            "crop y": make("IntRangeSlider", max=height),
            "reference": make("Dropdown", options=get_args(Reference)),
            "inverted": make("Checkbox"),
            "flipped": make("Checkbox"),
        }
        buttons = [make("Button", description=name) for name in ("Undo", "Save")]
        pictures = [make("VBox", [make("Label", value=name), self.pictures[name]]) for name in PICTURES]
        strips = make("HBox", [make("VBox", pictures[1:3]), pictures[3]])
        controls = list(self.controls.values())
        self.box = make(
            "VBox",
            [
                make("HBox", [play, self.frame, self.time]),
                make("HBox", [pictures[0], make("VBox", [strips, self.bars])]),
                make("HBox", [make("VBox", controls[n : n + size]) for n, size in ((0, 5), (5, 4), (9, 3))]),
                make("HBox", [*buttons, self.said]),
                self.account,
                self.cursor,
                self.chart,
            ],
        )
        for name, control in self.controls.items():
            control.description, control.layout.width = name, "280px"
            control.observe(partial(self._turned, name), "value")
        self.frame.observe(self._moved, "value")
        buttons[0].on_click(self._undo)
        buttons[1].on_click(self._save)
        if tuning.surveyor:
            tuning.surveyor.tell = self._draw_chart
        self.said.value = " ".join(tuning.notes)
        self._draw()
        if tuning.truth and tuning.truth.parts:
            self.frame.value = tuning.truth.parts[0].cleared  # where there is something to see

    def _make(self, kind: str, *parts: Any, wide: str = "auto", **values: Any) -> Any:
        import ipywidgets  # type: ignore[import-untyped]

        widget = getattr(ipywidgets, kind)(*parts, **values)
        if hasattr(widget, "layout"):
            widget.layout.width = wide
            self._made += [widget.layout, getattr(widget, "style", widget)]
        self._made.append(widget)
        return widget

    def close(self) -> None:
        for widget in self._made:
            widget.close()

    # What the person does

    def _moved(self, change: Any) -> None:
        try:
            self.tuning.go(change["new"])
        except FactoryError as error:
            self.said.value = str(error)
        self._draw_frame()

    def _turned(self, name: str, change: Any) -> None:
        if self._following:
            return
        value, (box, _, axis) = change["new"], name.partition(" ")
        if axis:
            spans = list(zip(*corners(self.tuning.preset, box), strict=True))  # (left, right), (top, bottom)
            spans["xy".index(axis)] = value
            first, last = zip(*spans, strict=True)
            self.tuning.change(**{f"{box}_top_left": first, f"{box}_bottom_right": last})
        else:
            self.tuning.change(**{name: round(value, 3) if isinstance(value, float) else value})
        self._draw()

    def _undo(self, _: Any) -> None:
        self.said.value = "Undone." if self.tuning.undo() else "There is nothing to undo."
        self._draw()

    def _save(self, _: Any) -> None:
        try:
            self.said.value = self.tuning.save()
        except FactoryError as error:
            self.said.value = str(error)

    # What is shown

    def _draw(self) -> None:
        """Let the controls show what has become of the preset, and draw what depends on it."""
        preset = self.tuning.preset
        self._following = True
        try:
            for name, control in self.controls.items():
                box, _, axis = name.partition(" ")
                if axis:
                    control.value = [corner["xy".index(axis)] for corner in corners(preset, box)]
                else:
                    control.value = getattr(preset, name)
        finally:
            self._following = False
        if self.tuning.surveyor:
            self.tuning.surveyor.ask(preset)
        self._draw_frame()
        self._draw_chart()

    def _draw_frame(self) -> None:
        tuning, frame = self.tuning, self.tuning.frame
        seen = tuning.explain()
        picture = framed(frame.image, tuning.preset, zoom=min(1.0, 640 / tuning.clip.size[0]))
        crop = cut(frame.image, tuning.preset, "crop")
        for name, image in zip(PICTURES, (picture, seen.difference, seen.binary, crop), strict=True):
            self.pictures[name].value = _encoded(image, PICTURES[name])
        self.time.value = f"{frame.time:.2f} s"
        self.bars.value = bars(tuning.preset, seen)
        self.cursor.value = cursor(frame.index / (self.frame.max + 1))

    def _draw_chart(self) -> None:
        """Draw the whole clip; the surveyor's thread does so too, when it has come to the end."""
        with self._lock:
            preset, survey = self.tuning.preset, self.tuning.survey
            self.account.value = self.tuning.account
            self.chart.value = chart(preset, survey, self.tuning.truth) if survey else ""


def _encoded(picture: NDArray[np.uint8], width: int) -> bytes:
    """Encode a picture for at most twice so many pixels of page: some screens have two dots for one."""
    zoom = 2 * width / picture.shape[1]
    kind = ".jpg" if picture.ndim == 3 else ".png"
    return cv2.imencode(kind, scaled(picture, zoom if zoom < 1 else int(zoom)))[1].tobytes()
