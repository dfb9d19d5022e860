"""From a live view's start to its end: the newest picture of each place, and the thread that sends them."""

import threading
import time
from collections.abc import Callable

from ..errors import DisplayError, FactoryError
from .gauges import Gauges, Image, Place
from .panel import Panel

# All but the pictures is told so often a second.
TELL = 4
# Seconds to wait for a page that is gone, for a main loop that shows nothing, for one that has to end.
GONE, IDLE, PATIENCE = 15.0, 10.0, 5.0
# Without a cap: so many updates a second, until the page is so many seconds behind.
UNCAPPED, MOST_BEHIND = 200.0, 2.0


class Sender:
    """Sends to a panel, if there is one, from when it is made until `end`.

    Parameters
    ----------
    fps, seconds
        As in `LiveView`.
    is_own : bool
        Whether the view runs the main loop; any other one may go away without a word.
    at_end : callable
        Called in the thread at last.

    Attributes
    ----------
    last : dict
        The last picture of each place that was sent.
    fault : BaseException, optional
        What went wrong.
    """

    def __init__(
        self,
        gauges: Gauges,
        panel: Panel | None,
        fps: float | None,
        seconds: float | None,
        is_own: bool,
        at_end: Callable[[], None],
    ) -> None:
        self._gauges, self._panel, self._at_end = gauges, panel, at_end
        self._fps, self._seconds, self._is_own = fps, seconds, is_own
        self.last: dict[Place, Image] = {}
        self.fault: BaseException | None = None
        self._new: dict[Place, tuple[Image, float]] = {}
        self._lock, self._halted, self._over = threading.Lock(), threading.Event(), threading.Event()
        self._why = "ended"
        self._since = self._called = self._halted_at = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="LiveView", daemon=True)
        self._thread.start()

    @property
    def is_halted(self) -> bool:
        """Whether the main loop has been asked to end."""
        return self._halted.is_set()

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be sent."""
        return self._over.is_set()

    def put(self, place: Place, image: Image) -> None:
        """Take a picture; if the one before was not sent yet, it never will be.

        Raises
        ------
        DisplayError
            If the main loop was asked to end long ago: this ends one that does not ask `poll`.
        """
        if self.is_halted and time.monotonic() - self._halted_at > PATIENCE:
            raise DisplayError(
                f"The view was stopped {PATIENCE:g} s ago, and the main loop still shows pictures.",
                "Let the loop end once view.poll() is False.",
            )
        with self._lock:
            self._called = time.monotonic()
            self._new[place] = image, self._called
            self._gauges.shown[place] += 1
            self._gauges.peek()

    def halt(self, why: str) -> None:
        """Ask the main loop to end; the first reason counts."""
        if not self.is_halted:
            self._why, self._halted_at = why, time.monotonic()
            self._halted.set()

    def end(self) -> None:
        """Send what is left, and end the thread."""
        self._over.set()
        self._thread.join(timeout=PATIENCE)

    def _run(self) -> None:
        due = tell = self._since
        try:
            while not self._over.wait(timeout=max(0.0, due - time.monotonic())):
                now = time.monotonic()
                due = max(now, due + 1 / (self._fps or UNCAPPED))
                self._gauges.sample(now)
                self._heed_limits(now)
                if self._panel is not None and (self._panel.is_clear() or self._fps is None):
                    self._send(self._panel)
                    if now >= tell:
                        tell = now + 1 / TELL
                        self._tell(now)
            if self._panel is not None:
                self._send(self._panel)
            self._tell(time.monotonic())
            self._at_end()
        except Exception as error:
            self.fault = error

    def _send(self, panel: Panel) -> None:
        with self._lock:
            new, self._new = self._new, {}
        if new:
            pictures = {place: image for place, (image, _) in new.items()}
            panel.send(pictures, min(taken for _, taken in new.values()))
            self.last |= pictures

    def _heed_limits(self, now: float) -> None:
        silence, lag = (self._panel.silence, self._panel.lag) if self._panel is not None else (0.0, 0.0)
        if self._seconds is not None and now - self._since >= self._seconds:
            self.halt(f"stopped, as seconds={self._seconds:g} says")
        if silence > GONE:
            self.halt("stopped, since the page was gone")
        if lag > MOST_BEHIND and self._fps is None:
            self.halt(f"stopped, since the page was {lag:.1f} s behind")
        if now - self._called > IDLE and not self._is_own:
            self._why = f"ended, since nothing was shown for {IDLE:g} s"
            self._over.set()

    def _tell(self, now: float) -> None:
        if self.is_over:
            name = "" if isinstance(self.fault, FactoryError) else f"{type(self.fault).__name__}: "
            why = self._why if self.fault is None else f"ended by an error. {name}{self.fault}"
            words = f"After {now - self._since:.1f} s: {why.removesuffix('.')}."
        elif not self.is_halted:
            words = f"Running for {now - self._since:.0f} s."
        elif now - self._halted_at < PATIENCE:
            words = "Stopping."
        else:
            words = "Stopping: the main loop has to end once view.poll() is False, and it goes on."
        self._gauges.words = words
        if self._panel is not None:
            can_stop = not self.is_over and not self.is_halted
            self._panel.tell(self._gauges, can_start=self.is_over and self._is_own, can_stop=can_stop)
