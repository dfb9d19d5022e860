"""The factory live in a notebook: a display for any main loop, and a thread for one to run in."""

import threading
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from functools import partial
from queue import Queue
from typing import Any

import numpy as np

from ..controller import FactoryController
from ..errors import DisplayError
from ..factory import QUEUE_SIZE, Camera, Event, camera_and_kind, run_factory
from ..motion import MotionDetector
from ..preset import MotionPreset
from ..report import FactoryReport
from ..resources import resource_path
from ..video import VideoSource, open_video
from .gauges import Gauges, Image
from .page import in_notebook
from .panel import Panel
from .sender import PATIENCE, Sender
from .workloads.cameras import CLIPS
from .workloads.targets import SHARE

MOST_UNCAPPED = 30.0  # seconds
WIDGET = "application/vnd.jupyter.widget-view+json"


def two_clips(view: "LiveView") -> FactoryReport:
    """Run the factory on the course's two clips; its board is simulated, and an actuator pushes each part."""
    events: Queue[Event] = Queue(QUEUE_SIZE)
    with ExitStack() as stack:
        controller, cameras = stack.enter_context(FactoryController()), []
        for name, (clip, key) in CLIPS.items():
            preset = MotionPreset.load(resource_path("motion.cfg"), key)
            source = stack.enter_context(open_video(resource_path(clip), pace=view.pace))
            cameras.append(Camera(name, source, MotionDetector(preset)))
        view.look_at(cameras, controller, events)

        def push(camera: str, *_: object) -> None:
            controller.push_actuator(list(CLIPS).index(camera) + 1)

        return run_factory(cameras, controller, view, events=events, on_detection=push)


class LiveView:
    """A display in the notebook's page: pictures, counts, queue and board, with Start, Stop and a speed.

    As a cell's last line it starts: it calls `factory` in a thread of its own, the cell returns at once, and
    the factory's main loop shows its pictures here. Or a main loop in a cell uses it as any other display,
    with `show`, `poll` and `close`. A second view ends the first. Outside a notebook nothing is drawn, and
    the counts are printed at the end.

    Parameters
    ----------
    factory : callable
        Called with this view whenever it is started. It builds cameras and controller, gives them to
        `look_at`, shows what happens with `show`, and ends soon after `poll` is False; `join` returns what
        it returns. Without it: the course's factory on its two clips.
    fps : float or None
        How often a second to send pictures at most. None: as often as they come, and without waiting for
        the page, to see what becomes of it; that needs `seconds`.
    pace : float
        The speed of the clips, as in `open_video`, until another is chosen in the page.
    seconds : float, optional
        Stop after so long.

    Raises
    ------
    DisplayError
        If `factory` is no function, `fps` not above 0, or a view without a cap has no limit.
    """

    def __init__(
        self,
        factory: Callable[["LiveView"], Any] = two_clips,
        *,
        fps: float | None = 15.0,
        pace: float = 1.0,
        seconds: float | None = None,
    ) -> None:
        if not callable(factory):
            raise DisplayError(
                f"LiveView was given a {type(factory).__name__}, and it needs a function.",
                "Write your main loop as 'def factory(view):', and give LiveView(factory).",
            )
        if fps is not None and not fps > 0:
            raise DisplayError(f"With fps={fps} no picture is ever sent.", "Give a number such as 15.")
        if fps is None and not 0 < (seconds or 0) <= MOST_UNCAPPED:
            raise DisplayError(
                "Without a cap (fps=None) the page falls behind until it freezes.",
                f"Say when to stop: seconds=5, or another number up to {MOST_UNCAPPED:g}.",
            )
        self._factory, self._fps, self._pace = factory, fps, float(pace)
        self._seconds = seconds and seconds * SHARE
        self._gauges = Gauges()
        self._panel: Panel | None = None
        self._sender: Sender | None = None
        self._result: Future[Any] | None = None
        self._id, self._cell, self._is_replaced = uuid.uuid4().hex, -1, False

    @property
    def pace(self) -> float:
        """The speed to open clips with; the sources of the cameras in `look_at` follow when it is set."""
        return self._pace

    @pace.setter
    def pace(self, pace: float) -> None:
        self._pace = pace
        for camera in self._gauges.cameras.values():
            if isinstance(camera.source, VideoSource):
                camera.source.pace = pace

    def look_at(
        self,
        cameras: Sequence[Camera] = (),
        controller: FactoryController | None = None,
        events: "Queue[Any] | None" = None,
    ) -> None:
        """Tell the view what pictures do not: the cameras' reports and sources, the board, and the queue."""
        self._gauges.look_at(cameras, controller, events)

    # -- a display ----------------------------------------------------------------------------------

    def show(self, title: str, image: Image) -> None:
        """Show an image of shape (H, W, 3), BGR, or (H, W), in the window `title`, such as "Cam1 live".

        Raises
        ------
        DisplayError
            If it is no image, a newer view has taken this one's place, or the view was stopped and the main
            loop has gone on for seconds.
        """
        if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim not in (2, 3):
            raise DisplayError(
                f"What is to be shown as {title!r} is no image, but {type(image).__name__}.",
                "Show only the events whose name begins with VIDEO: the others carry no image.",
            )
        sender = self._sender
        if sender is None or sender.is_over:
            sender = self._begin(is_own=False)
            self._appear()
        camera, kind = camera_and_kind(title)
        place = (camera, kind) if kind in ("live", "detected") else (title, "live")
        sender.put(place, image)

    def poll(self) -> bool:
        """Tell whether to go on; False once somebody has pressed Stop."""
        if self._sender is None or self._sender.is_over:
            return not self._is_replaced
        if self._sender.fault is not None:
            raise self._sender.fault
        return not self._sender.is_halted

    def close(self) -> None:
        """Leave the last pictures, and end the view's thread; again is harmless."""
        if self._sender is not None:
            self._sender.end()

    def __str__(self) -> str:
        return str(self._gauges)

    # -- a factory in a thread ----------------------------------------------------------------------

    def start(self) -> None:
        """Show the view below this cell, and start its factory unless it is running."""
        self._start()
        self._appear()

    def stop(self) -> None:
        """Ask for the end, and return at once."""
        if self._sender is not None:
            self._sender.halt("stopped")

    def join(self, timeout: float) -> Any:
        """Wait until the factory has ended, and return what it returned, such as a `FactoryReport`.

        Parameters
        ----------
        timeout : float
            Seconds to wait at most.

        Raises
        ------
        DisplayError
            If the view was never started, or its factory has not ended by then.
        Exception
            The factory's own error.
        """
        if self._result is None:
            raise DisplayError("This view was never started.", "Call start(), or make it a cell's last line.")
        if not wait([self._result], timeout).done:
            raise DisplayError(f"After {timeout:g} s the factory is still running.", "Call stop() first.")
        return self._result.result()

    def _ipython_display_(self) -> None:
        self.start()

    def _start(self) -> None:
        with _stage:
            if self._sender is None or self._sender.is_over:
                if self._result is not None:
                    self.look_at()  # no more at what the run before had
                sender, pool = self._begin(is_own=True), ThreadPoolExecutor(1, "factory")
                self._result = pool.submit(self._work, sender)
                pool.shutdown(wait=False)

    def _work(self, sender: Sender) -> Any:
        try:
            return self._factory(self)
        except BaseException as error:
            sender.fault = error
            raise
        finally:
            sender.end()

    # -- one view in a kernel -----------------------------------------------------------------------

    def _begin(self, is_own: bool) -> Sender:
        global _on_stage
        with _stage:
            if self._is_replaced:
                raise DisplayError(
                    "A newer LiveView has taken this one's place.", "Run the cell that made this one again."
                )
            if _on_stage is not None and _on_stage is not self:
                _on_stage._leave()
            _on_stage = self
            if self._panel is None:
                self._appear()
            self._gauges.restart()
            self._sender = Sender(self._gauges, self._panel, self._fps, self._seconds, is_own, self._publish)
            return self._sender

    def _leave(self) -> None:
        """Stop for a newer view, and leave the last picture without widgets."""
        if self._sender is not None:
            self._sender.halt("stopped, since a newer view began")
        if self._result is not None and not wait([self._result], 2 * PATIENCE).done:
            what = "The view before this one does not stop: its main loop goes on though poll() is False."
            raise DisplayError(what, "Restart the kernel, and let the loop end then.")
        self.close()
        self._is_replaced = True
        if self._panel is not None:
            panel, self._panel = self._panel, None
            self._publish()
            panel.close()

    def _appear(self) -> None:
        """Show the view below this cell, if it is not there yet."""
        if not in_notebook() or self._is_replaced:
            return
        from IPython import get_ipython

        if self._panel is None:
            self._panel = Panel(self._start, self.stop, partial(setattr, self, "pace"), self._pace)
        cell = get_ipython().execution_count
        if cell != self._cell:
            self._cell = cell
            self._publish(update=False)

    def _publish(self, update: bool = True) -> None:
        """Put into the notebook, behind the widgets, what is seen where there is no kernel; or print it."""
        if not in_notebook():
            print(self)
            return
        from IPython.display import display

        data: dict[str, Any] = {**self._gauges.bundle(self._sender.last if self._sender is not None else {})}
        if self._panel is not None:
            data[WIDGET] = {"version_major": 2, "version_minor": 0, "model_id": self._panel.box.model_id}
        display(data, raw=True, display_id=self._id, update=update)  # type: ignore[no-untyped-call]


_stage = threading.RLock()
_on_stage: LiveView | None = None


def _leave_nothing_behind() -> None:
    if _on_stage is not None:
        _on_stage.stop()


# Not atexit: before that is asked, Python waits for the threads of pools, such as those of the cameras.
threading._register_atexit(_leave_nothing_behind)  # type: ignore[attr-defined]
