"""What runs in a camera's process: `watch_camera`, with a way home in place of the threads' queue."""

import contextlib
import os
import pickle
import queue
import signal
import threading
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import connection, reduction
from typing import Any

from ..errors import FactoryError, RingTimeout
from ..factory import Event, camera_and_kind
from ..motion import Detection, Image
from ..report import CameraReport
from .producer import RingProducer

# How long a process that is to end may go on before it is ended by force. A stream that has stopped takes
# half of that until it is noticed.
PATIENCE = 10.0


@dataclass
class Part:
    """Comes home after that many live images: a detection and its crop."""

    after: int
    detection: Detection
    crop: Image


@dataclass
class Done:
    """Comes home last, after that many live images: the report, and the error if there was one."""

    after: int
    report: CameraReport
    error: BaseException | None


class Parcel:
    """Something for a process, packed as that is started and unpacked where an error can be sent home.

    Parameters
    ----------
    what : str
        What it is, for the error: "Cam1's source".
    value : object
        Anything that can be pickled.
    """

    def __init__(self, what: str, value: object) -> None:
        self._what, self._value = what, value

    def __getstate__(self) -> bytes:
        try:
            return bytes(reduction.ForkingPickler.dumps(self._value))
        except FactoryError:
            raise
        except Exception as error:
            raise FactoryError(
                f"{self._what} cannot be sent to a process: {error}.",
                "Give what open_video returned or a list of Frame, or use workers='threads'.",
            ) from error

    def __setstate__(self, packed: bytes) -> None:
        self._packed = packed

    def open(self) -> Any:
        """Unpack it, in the process that it was sent to."""
        return pickle.loads(self._packed)


def work(
    name: str, task: Sequence[Parcel], end: RingProducer, line: "connection.Connection[Any, Any]"
) -> None:
    """Watch a camera, and send home what happens: the process's target.

    Parameters
    ----------
    name : str
        The camera's.
    task : sequence of Parcel
        The function to call, the source, the detector, whether to drop live images.
    end : RingProducer
        Takes the live images home.
    line : Connection
        Takes home True for "ready", then a `Part` for each detection, then `Done`. The first message that
        comes here means go, the second stop.
    """
    # Ctrl-C reaches every process of the terminal; what to do then is the parent's business.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        _send(line, True)
        line.recv_bytes()  # until the parent says go: it has closed the source, which can be open only once
    except (EOFError, OSError):
        return
    stop = threading.Event()
    threading.Thread(target=_listen, args=(line, stop), daemon=True).start()
    report, error = CameraReport(name), None
    try:
        watch, source, detector, drop_live = (parcel.open() for parcel in task)
        events = _Outbox(end, line, report)
        watch(name, source, detector, events, stop, report=report, drop_live=drop_live)
    except BaseException as caught:  # whatever it is, it is the caller's to hear
        error = _fit_to_send(caught, name)
    with contextlib.suppress(OSError):  # the parent is gone
        _send(line, Done(end.published, report, error))
    end.close()


class _Outbox:
    """Looks like the threads' queue to `watch_camera`."""

    def __init__(
        self, end: RingProducer, line: "connection.Connection[Any, Any]", report: CameraReport
    ) -> None:
        self._end, self._line, self._report = end, line, report

    def put(self, event: Event, timeout: float) -> None:
        _, kind = camera_and_kind(event[0])
        if kind == "live":
            try:
                # The index tells the parent how many were read until now.
                self._end.put(event[1], self._report.read - 1, timeout=timeout)
            except RingTimeout:
                raise queue.Full from None
        elif kind == "detected":
            # Waits for as long as the parent takes to read it; if that dies, so does the line.
            _send(self._line, Part(self._end.published, self._report.detections[-1], event[1]))
        # DONE follows from `work`, with the report and the error that are not known yet.

    def put_nowait(self, event: Event) -> None:
        self.put(event, timeout=0.0)


def _send(line: "connection.Connection[Any, Any]", message: object) -> None:
    # Not line.send: should it fail, the buffer that it pickles into complains on stderr when it is freed.
    line.send_bytes(pickle.dumps(message))


def _listen(line: "connection.Connection[Any, Any]", stop: threading.Event) -> None:
    """Hear the parent say stop; and hear it die, since nobody will end this process then."""
    with contextlib.suppress(EOFError, OSError):
        while True:
            line.recv_bytes()
            stop.set()
    stop.set()
    time.sleep(PATIENCE)
    os._exit(1)


def _fit_to_send(error: BaseException, name: str) -> BaseException:
    """Keep where it happened as a note, and in words what cannot be pickled and put together again."""
    trace = "".join(traceback.format_exception(error))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        error = FactoryError(
            f"{name}'s process failed: {type(error).__name__}: {error}.", "Its traceback is in the note."
        )
    error.add_note(f"In {name}'s process:\n{trace}")
    return error
