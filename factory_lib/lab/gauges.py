"""What a live view tells beside its pictures: counts, queue and board, in words and drawn."""

import html
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from queue import Queue
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..controller import ACTUATORS, FactoryController
from ..factory import Camera
from .page import encoded, image_tag

Image = NDArray[np.uint8]
Place = tuple[str, str]  # a camera, and "live" or "detected"

WIDTH, CROP, LINE = 400, 112, 60  # pixels in the page: a live picture, a crop, the height of the queue's line
PAST = 10.0  # seconds that the queue's line shows
COUNTERS = ("read", "shown", "dropped", "detected")
LAMPS = {"red": "#d62728", "orange": "#ff9f1c", "green": "#2ca02c"}
BELT = "repeating-linear-gradient(115deg, #777 0 6px, #bbb 6px 12px)"


class Gauges:
    """Collects what there is to tell, and tells it.

    Attributes
    ----------
    words : str
        One sentence: whether the view runs, or what ended it.
    shown : Counter
        How many pictures were shown in each place.
    cameras : dict of Camera
        Those whose reports are told, by name.
    """

    def __init__(self) -> None:
        self.look_at((), None, None)
        self.restart()

    def restart(self) -> None:
        """Forget what was counted."""
        self.words = "Not started."
        self.shown: Counter[Place] = Counter()
        self._depths: deque[tuple[float, int]] = deque()
        self._depth = self._deepest = self._moment = 0
        self._pushes = [0] * len(ACTUATORS)

    def look_at(
        self, cameras: Sequence[Camera], board: FactoryController | None, events: "Queue[Any] | None"
    ) -> None:
        """Take what is told as well; see `LiveView.look_at`."""
        self.cameras = {camera.name: camera for camera in cameras}
        self._board, self._events = board, events

    def peek(self) -> None:
        """Look how full the queue is. Main loops empty it quickly: each picture is an occasion to look."""
        if self._events is not None:
            self._depth = max(self._depth, self._events.qsize())

    def sample(self, now: float) -> None:
        """Note how full the queue was at most since the last time; `now` is on the monotonic clock."""
        self.peek()
        self._depths.append((now, self._depth))
        self._deepest, self._depth = max(self._deepest, self._depth), 0
        while now - self._depths[0][0] > PAST:
            self._depths.popleft()

    def counts(self) -> dict[str, list[str]]:
        """Return for each camera the values of `COUNTERS`; "?" is what nobody told the view."""
        found: dict[str, list[str]] = {}
        for name in sorted({*self.cameras, *(camera for camera, _ in list(self.shown))}):
            shown, parts = self.shown[name, "live"], self.shown[name, "detected"]
            row: list[int | None] = [None, shown, None, parts]
            report = self.cameras[name].report if name in self.cameras else None
            if report is not None and report.read:
                row = [report.read, shown, report.dropped, max(parts, len(report.detections))]
            found[name] = ["?" if count is None else f"{count:,}" for count in row]
        return found

    @staticmethod
    def title(camera: str) -> str:
        """Write what stands above a camera's pictures."""
        return f"<b>{html.escape(camera)}</b> live; below it the last part detected"

    def table(self, camera: str) -> str:
        """Write a camera's counts as a table."""
        rows = (
            f'<tr><th scope="row" style="text-align:left">{title}</th>'
            f'<td style="text-align:right;min-width:4em">{count}</td></tr>'
            for title, count in zip(COUNTERS, self.counts()[camera], strict=True)
        )
        return f"<table>{''.join(rows)}</table>"

    def queue(self) -> str:
        """Tell how full the queue is."""
        if self._events is None or not self._depths:
            return "Queue: nobody told the view which."
        room = f"room for {self._events.maxsize}" if self._events.maxsize > 0 else "no bound"
        return f"Queue: {self._depths[-1][1]} waiting now, {self._deepest} at most, {room}."

    def line(self) -> bytes:
        """Draw how full the queue was as a PNG: the lower line is empty, the upper one full.

        It is empty if nobody told the view which queue.
        """
        if self._events is None:
            return b""
        picture = np.full((LINE, WIDTH), 255, np.uint8)
        for y in (5, LINE - 5):
            cv2.line(picture, (0, y), (WIDTH, y), (190,))
        depths, most = list(self._depths), max(self._events.maxsize, self._deepest, 1)
        points = [
            (
                round(WIDTH - 1 - (depths[-1][0] - when) * WIDTH / PAST),
                round(LINE - 5 - depth * (LINE - 10) / most),
            )
            for when, depth in depths
        ]
        cv2.polylines(picture, [np.array(points, np.int32).reshape(-1, 1, 2)], False, (30,), 2, cv2.LINE_AA)
        return cv2.imencode(".png", picture)[1].tobytes()

    def board(self, drawn: bool = False) -> str:
        """Tell the board's outputs in words; or as HTML, with a small picture of each output's state.

        Drawn again, a running belt has moved, and an actuator that has pushed since then is out.
        """
        board = self._board
        if board is None:
            return "Board: nobody told the view which."
        parts = []
        for lamp, colour in LAMPS.items():
            on = bool(getattr(board, lamp))
            look = f"border:2px solid {colour};border-radius:7px;background:{colour if on else 'none'}"
            parts.append((f"{lamp} {'on' if on else 'off'}", on, 14, look))
        runs, orders = board.conveyor, [order for _, order in board.log]
        self._moment += 3 * (drawn and runs)
        look = f"border:2px solid #777;background:{BELT} {self._moment}px 0"
        parts.append((f"belt {'runs' if runs else 'stands'}", runs, 72, look))
        pushes = [orders.count(f"push actuator {number}") for number in ACTUATORS]
        for number, count, before in zip(ACTUATORS, pushes, self._pushes, strict=True):
            out, look = count > before, "background:#777;border-right:5px solid #333"
            words = f"actuator {number}: {count} push{'' if count == 1 else 'es'}"
            parts.append((words, out, 40 if out else 16, look))
        if not drawn:
            return f"Board: {', '.join(words for words, *_ in parts)}."
        self._pushes = pushes
        box = "display:inline-block;box-sizing:border-box;height:14px;vertical-align:middle;margin-right:6px"
        spans = [
            f'<span style="{box};width:{width}px;{look}"></span>{f"<b>{words}</b>" if on else words}'
            for words, on, width, look in parts
        ]
        return f'<div style="line-height:1.7">{"&emsp;".join(spans[:3])}<br>{"<br>".join(spans[3:])}</div>'

    def __str__(self) -> str:
        rows = [("camera", *COUNTERS), *((name, *row) for name, row in self.counts().items())]
        table = ("".join(f"{cell:>10}" for cell in row) for row in rows)
        return "\n".join([self.words, *table, self.queue(), self.board()])

    def bundle(self, pictures: Mapping[Place, Image]) -> dict[str, str]:
        """Make what remains in a notebook: HTML with the last pictures, and the text."""

        def tag(place: Place, what: str, width: int) -> str:
            if place not in pictures:
                return ""
            return image_tag(encoded(pictures[place], width // 2), f"{place[0]}: {what}", width)

        page = f'<p>{html.escape(self.words)}</p><div style="display:flex;flex-wrap:wrap;gap:8px 16px">'
        for name in self.counts():
            live = tag((name, "live"), "the last picture", WIDTH)
            part = tag((name, "detected"), "the last part detected", CROP)
            page += f"<div>{self.title(name)}<br>{live}"
            page += (
                f'<div style="display:flex;gap:12px;align-items:center">{part}{self.table(name)}</div></div>'
            )
        line = self.line()
        queue = image_tag(line, "How full the queue was", WIDTH) if line else ""
        page += f"</div><p>{self.queue()}<br>{queue}</p>{self.board(drawn=True)}"
        return {"text/plain": str(self), "text/html": page}
