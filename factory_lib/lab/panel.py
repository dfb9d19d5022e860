"""The widgets of a live view, and what the page itself says about when it has them."""

import html
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

import numpy as np

from .gauges import CROP, WIDTH, Gauges, Image, Place
from .page import encoded

SPEEDS = {"1x": 1.0, "2x": 2.0, "as fast as possible": 0.0}
# So many updates may be on their way to the page: what comes meanwhile is not sent.
ON_THE_WAY = 3
# A kernel that has not called back for so many seconds runs somebody's cell.
BUSY = 0.5
# Rate and age are those of the last so many seconds.
FRESH = 2.0
# A page that was not heard by then is listened to once more, and again after twice that.
UNHEARD = 1.0


class Panel:
    """The widgets of a view; the view's own thread sets their values.

    Each update has a number, and the page sends it back once it has the update's pictures. So the view knows
    how old they were by then, holds back what the page cannot take, and notices when the page is gone.

    Parameters
    ----------
    start, stop : callable
        Called when a button is pressed.
    set_pace : callable
        Called with the speed that was chosen; `pace` is the one at first.
    """

    def __init__(
        self,
        start: Callable[[], None],
        stop: Callable[[], None],
        set_pace: Callable[[float], None],
        pace: float,
    ) -> None:
        import ipywidgets as widgets  # type: ignore[import-untyped]
        from IPython import get_ipython
        from traitlets import Unicode

        class Picture(widgets.Image):  # type: ignore[misc]
            # The page looks at a description before it takes the tooltip, by which a picture is known to
            # those who cannot see it; and a plain Image has none.
            description = Unicode("").tag(sync=True)

        self._picture = Picture
        self._make, self._row = widgets, widgets.Layout(flex_flow="row wrap", grid_gap="8px 16px")
        self._start = widgets.Button(description="Start", icon="play")
        self._stop = widgets.Button(description="Stop", icon="stop")
        self._start.on_click(lambda _: start())
        self._stop.on_click(lambda _: stop())
        other = {} if pace in SPEEDS.values() else {f"{pace:g}x": pace}
        speed = widgets.Dropdown(options={**other, **SPEEDS}, value=pace, description="Speed")
        speed.observe(lambda change: set_pace(change["new"]), "value")
        self._words, self._queue, self._board = (widgets.HTML() for _ in range(3))
        self._line = Picture(width=WIDTH, tooltip="How full the queue was in the last ten seconds")
        self._line.layout.display = "none"
        self._cameras = widgets.HBox(layout=self._row)
        self._pictures: dict[Place, Any] = {}
        self._tables: dict[str, Any] = {}
        self._blocks: dict[str, Any] = {}
        below = widgets.HBox([widgets.VBox([self._queue, self._line]), self._board], layout=self._row)
        above = widgets.HBox([self._start, self._stop, speed], layout=self._row)
        self.box = widgets.VBox([above, self._words, self._cameras, below])
        _hear_aside(self._start, self._stop, speed)
        self._unseen: list[Any] = []
        self._listen(0, UNHEARD)
        self._sent: deque[tuple[int, float]] = deque(maxlen=1000)
        self._back: deque[tuple[float, int, float]] = deque(maxlen=100)
        self._loop = get_ipython().kernel.io_loop
        self._asked, self._answered = 0.0, True
        self._heard, self._is_heard_aside = time.monotonic(), False

    def _listen(self, number: int, patience: float) -> None:
        """Make what is not shown: a number that the kernel sets, and its copy, which the page sets."""
        self._number, copy = self._make.Label(str(number)), self._make.Label(str(number))
        copy.observe(self._came_back, "value")
        _hear_aside(copy)
        self._unseen += [self._number, copy, self._make.jsdlink((self._number, "value"), (copy, "value"))]
        self._listening, self._patience = time.monotonic(), patience

    def is_clear(self) -> bool:
        """Tell whether the page can take another update; to be asked at each tick."""
        now = time.monotonic()
        if self._answered:
            self._asked, self._answered = now, False
            self._loop.add_callback(self._answer)
        if now - self._asked > BUSY and not self._is_heard_aside:
            # The kernel runs a cell and cannot hear the page: that nothing is heard means nothing.
            self._heard = now
            return True
        return not self._back or len(self._sent) < ON_THE_WAY

    def _answer(self) -> None:
        self._answered = True

    def _came_back(self, change: Any) -> None:
        now, number, taken = time.monotonic(), int(change["new"]), None
        while self._sent and self._sent[0][0] <= number:
            taken = self._sent.popleft()[1]
        if taken is not None:
            self._heard = now
            self._is_heard_aside = threading.current_thread() is not threading.main_thread()
            self._back.append((now, number, now - taken))

    @property
    def silence(self) -> float:
        """Seconds since a page that was there has last been heard; 0 if there never was one."""
        return time.monotonic() - self._heard if self._back else 0.0

    @property
    def lag(self) -> float:
        """Seconds since the oldest picture was taken that a page that is there does not have yet."""
        sent = list(self._sent)
        return time.monotonic() - sent[0][1] if self._back and sent else 0.0

    def pulse(self) -> str:
        """Say how many updates a second the page gets, and how old they are by then."""
        back = [one for one in list(self._back) if time.monotonic() - one[0] < FRESH]
        seconds = back[-1][0] - back[0][0] if back else 0.0
        if not seconds:
            return ""
        updates = back[-1][1] - back[0][1]
        age = max(self.lag, median(age for *_, age in back))
        return f" The page gets {updates / seconds:.0f} updates a second, less than {1000 * age:.0f} ms old."

    def send(self, pictures: Mapping[Place, Image], taken: float) -> None:
        """Set what is new; `taken` is when the oldest of it was shown, on the monotonic clock."""
        for place, picture in pictures.items():
            if place not in self._pictures:
                self._add(place[0])
            self._pictures[place].value = encoded(picture, (WIDTH if place[1] == "live" else CROP) // 2)
        number = int(self._number.value)
        if not self._back and time.monotonic() - self._listening > self._patience:
            # A copy's first change may have come before the kernel had a thread for what is heard aside: it
            # waits for the end of the cell that runs, and until then the page says no more with this copy.
            self._listen(number, 2 * self._patience)
        number += 1
        self._sent.append((number, taken))
        self._number.value = str(number)

    def tell(self, gauges: Gauges, can_start: bool, can_stop: bool) -> None:
        """Set everything else."""
        self._start.disabled, self._stop.disabled = not can_start, not can_stop
        self._words.value = html.escape(gauges.words) + (self.pulse() if can_stop else "")
        for camera in gauges.counts():
            if camera in self._tables:
                self._tables[camera].value = gauges.table(camera)
        self._queue.value, self._line.value = gauges.queue(), gauges.line()
        self._line.layout.display = None if self._line.value else "none"
        self._board.value = gauges.board(drawn=True)

    def _add(self, camera: str) -> None:
        """Make room for a camera."""
        live = self._picture(width=WIDTH, tooltip=f"{camera}: live")
        part = self._picture(width=CROP, tooltip=f"{camera}: the last part detected")
        part.value = encoded(np.full((CROP, CROP, 3), 235, np.uint8), CROP)
        self._pictures[camera, "live"], self._pictures[camera, "detected"] = live, part
        self._tables[camera] = self._make.HTML()
        title = self._make.HTML(Gauges.title(camera))
        layout = self._make.Layout(grid_gap="12px", align_items="center")
        below = self._make.HBox([part, self._tables[camera]], layout=layout)
        self._blocks[camera] = self._make.VBox([title, live, below])
        self._cameras.children = [self._blocks[name] for name in sorted(self._blocks)]

    def close(self) -> None:
        """Take everything out of the page."""
        waiting = [self.box, *self._unseen]
        while waiting:
            widget = waiting.pop()
            waiting += getattr(widget, "children", ())
            widget.close()


def _hear_aside(*asked: Any) -> None:
    """Have these widgets heard in a thread of their own, also while a cell is running, as the page asks for.

    From 7.4 on ipykernel would rather have them where they were made, in the thread of the cells.
    """
    for widget in asked:
        if hasattr(widget.comm, "_reply_subshell_for"):
            widget.comm._reply_subshell_for = lambda _, asked: asked
