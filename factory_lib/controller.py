"""FactoryController drives the belt, the beacon and the actuators: a simulated board, later the real one."""

import os
import threading
import time
from collections import deque
from types import TracebackType
from typing import Self

from .errors import ControllerError

OUTPUTS = ("red", "orange", "green", "conveyor")
ACTUATORS = (1, 2)
# The log of a line that runs for days must not grow for days.
LOG_LENGTH = 1000


class _Output:
    """One of the board's outputs, as an attribute that can be read and set."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, controller: "FactoryController", owner: type) -> bool:
        return controller._outputs[self._name]

    def __set__(self, controller: "FactoryController", on: bool) -> None:
        controller._set(**{self._name: on})


class FactoryController:
    """The factory's board, with the calls of the course's kit. A context manager; usable from any thread.

    Parameters
    ----------
    port : str, optional
        The board's serial port, such as ``"/dev/ttyACM0"`` or ``"COM3"``. Without one the board is simulated.
    simulate : bool
        Simulate the board whatever the port; so does ``FACTORY_BOARD=simulated`` in the environment.

    Attributes
    ----------
    red, orange, green, conveyor : bool
        The beacon's lamps and the belt: read them, or set them with DEV_ON (True) and DEV_OFF (False).
    is_dummy : bool
        Whether the board is simulated.

    Raises
    ------
    ControllerError
        If the port cannot be opened, an order is not one that the board knows, or the controller is closed.
    """

    DEV_ON = True
    DEV_OFF = False

    def __init__(self, port: str | None = None, *, simulate: bool = False) -> None:
        simulate = simulate or os.environ.get("FACTORY_BOARD") == "simulated"
        if port is not None and not simulate:
            _open_board(port)
        self.is_dummy = True
        self._lock = threading.Lock()
        self._outputs = dict.fromkeys(OUTPUTS, False)
        self._log: deque[tuple[float, str]] = deque(maxlen=LOG_LENGTH)
        self._started = time.monotonic()
        self._closed = False

    red, orange, green, conveyor = _Output(), _Output(), _Output(), _Output()

    @property
    def log(self) -> list[tuple[float, str]]:
        """The last 1000 orders, each with its time in seconds since the controller was made."""
        with self._lock:
            return list(self._log)

    def system_start(self) -> None:
        """Show green and start the belt."""
        self._set(red=False, orange=False, green=True, conveyor=True)

    def system_stop(self) -> None:
        """Stop the belt and show red."""
        self._set(conveyor=False, green=False, orange=False, red=True)

    def push_actuator(self, number: int) -> None:
        """Let actuator 1 or 2 push once."""
        if number not in ACTUATORS:
            raise ControllerError(
                f"There is no actuator {number!r}.", f"Push one of {', '.join(map(str, ACTUATORS))}."
            )
        with self._lock:
            self._order(f"push actuator {number}")

    def close(self) -> None:
        """Switch everything off and let go of the board; again is harmless."""
        if not self._closed:
            self._set(**dict.fromkeys(OUTPUTS, False))
            self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        lamps = [lamp for lamp in ("red", "orange", "green") if self._outputs[lamp]]
        beacon = " and ".join(lamps) or "dark"
        belt = "running" if self.conveyor else "standing"
        with self._lock:
            last = f"{self._log[-1][1]} at {self._log[-1][0]:.1f} s" if self._log else "none yet"
        closed = ", closed" if self._closed else ""
        return f"<FactoryController, simulated{closed}: beacon {beacon}, belt {belt}; last order: {last}>"

    def _set(self, **outputs: bool) -> None:
        with self._lock:
            for name, on in outputs.items():
                if not isinstance(on, bool):
                    raise ControllerError(
                        f"{name} cannot be set to {on!r}.", "Use DEV_ON (True) or DEV_OFF (False)."
                    )
                # Orders that change nothing are no news, for the log or (later) for the wire.
                if self._outputs[name] != on:
                    self._order(f"{name} {'on' if on else 'off'}")
                    self._outputs[name] = on

    def _order(self, what: str) -> None:
        """Give one order to the board, with the lock held. The real board's protocol will go out here."""
        if self._closed:
            raise ControllerError(
                f"The controller is closed: it cannot do '{what}'.", "Make a new FactoryController."
            )
        self._log.append((time.monotonic() - self._started, what))


def _open_board(port: str) -> None:
    simulation = "or simulate the board: simulate=True, or FACTORY_BOARD=simulated in the environment."
    try:
        os.close(os.open(port, os.O_RDWR | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)))
    except OSError as error:
        raise ControllerError(
            f"The board's port {port} cannot be opened: {error.strerror}.",
            f"Check the cable and the port's name, {simulation}",
        ) from None
    raise ControllerError(
        f"{port} opens, but this version cannot talk to a real board yet.",
        f"Leave the port away, {simulation}",
    )
