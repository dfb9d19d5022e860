"""Python's locks as the search sees them: waiting is part of the order, so it is met, not suffered.

They behave as ``threading`` documents it. Whoever would wait is not chosen until it need not; what has a
timeout can always be chosen, and has then waited in vain; who is woken by ``notify`` is woken in the order of
waiting, as CPython does it.
"""

import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

from .bytecode import is_followed
from .crew import Abort, Crew, Op, Worker, place_of
from .schedule import InterleaveError

_HOME = __file__.rpartition("models")[0]
crew: Crew | None = None  # whose workers are at work; one search at a time
setting_up = 0  # the thread that is running the learner's setup


def me() -> Worker | None:
    """Return the worker whose thread this is."""
    return crew.me() if crew else None


def point(
    model: Any, verb: str, ready: Callable[[], bool] | None = None, *, writes: bool = True, free: bool = False
) -> None:
    """Stand before an operation on a model until it is chosen; outside of a search only refuse to wait."""
    worker = me()
    if crew is None or worker is None:
        if ready is not None and not ready():
            raise InterleaveError(
                f"This would wait for ever: {verb} {type(model).__name__}.", "Free it first."
            )
        return
    if crew.aborting:
        raise Abort
    frame = sys._getframe(1)
    touched = () if model is None else model.touches() if hasattr(model, "touches") else (model,)
    accesses = tuple([(id(each), None, writes) for each in touched])
    crew.pins.update((id(each), each) for each in touched)
    key = (type(model), place_of(frame))
    op = Op(key, accesses, frame)
    op.verb, op.model, op.ready, op.free = verb, model, ready, free
    crew.pause(worker, op)


class _Kind(type):
    """Makes models where the learner's code asks for them, and the real thing everywhere else."""

    real: Any

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        caller = sys._getframe(1).f_code.co_filename
        mine = me() is not None or threading.get_ident() == setting_up
        if not mine or not (is_followed(caller) or caller.startswith(_HOME)):
            return cls.real(*args, **kwargs)
        return super().__call__(*args, **kwargs)

    def __instancecheck__(cls, value: Any) -> bool:
        real = cls.real
        return type.__instancecheck__(cls, value) or (isinstance(real, type) and isinstance(value, real))


class Model(metaclass=_Kind):
    """What all models share."""

    real: Any = object
    is_model = True  # for `say`, which knows no models

    def __getattr__(self, name: str) -> Any:
        if crew is not None and not name.startswith("__"):
            crew.notes[f"{type(self).__name__}.{name}"] = None
        raise AttributeError(f"explore's {type(self).__name__} has no {name}")

    def _changed(self) -> None:
        worker = me()
        if crew is not None and worker is not None:
            crew.changed(worker)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.text() or 'idle'}>"

    def text(self) -> str:
        """Say what there is to say of its state; nothing if it is idle."""
        return ""

    def touches(self) -> tuple[Any, ...]:
        """List what its operations concern."""
        return (self,)

    def holder(self) -> tuple[str, int, str] | None:
        """Tell who holds it, since which line of which file."""
        return None


class _Guard(Model):
    """Something to be used in a with statement."""

    def acquire(self, blocking: bool = True, timeout: float | None = -1) -> bool:
        raise NotImplementedError

    def release(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _waits(blocking: bool, timeout: float | None) -> bool:
    return blocking and (timeout is None or timeout < 0)


class Lock(_Guard):
    """``threading.Lock``."""

    real: Any = threading.Lock
    again = False

    def __init__(self) -> None:
        self._owner: str | None = None
        self._count = 0
        self._place: Any = None

    def acquire(self, blocking: bool = True, timeout: float | None = -1) -> bool:
        worker = me()
        name = worker.name if worker else "setup"
        if not (self.again and self._owner == name):
            point(self, "acquires", self._free if _waits(blocking, timeout) else None)
            if self._owner is not None:
                return False
            self._place = place_of(sys._getframe(1))
        self._owner = name
        self._count += 1
        self._changed()
        return True

    def release(self) -> None:
        worker = me()
        if self.again and self._owner != (worker.name if worker else "setup"):
            raise RuntimeError("cannot release un-acquired lock")
        if self._count <= 1:
            point(self, "releases")
        if self._owner is None:
            raise RuntimeError("release unlocked lock")
        self._count -= 1
        if not self._count:
            self._owner = None
        self._changed()

    def locked(self) -> bool:
        point(self, "looks at", writes=False)
        return self._owner is not None

    def _free(self) -> bool:
        return self._owner is None

    def _is_owned(self) -> bool:
        worker = me()
        return self._owner is not None and (
            not self.again or self._owner == (worker.name if worker else "setup")
        )

    def text(self) -> str:
        return f"held by {self._owner}" if self._owner else ""

    def holder(self) -> tuple[str, int, str] | None:
        if self._owner is None:
            return None
        code, line = self._place or (None, 0)
        return self._owner, line, code.co_filename if code else ""


class RLock(Lock):
    """``threading.RLock``: its holder may take it again."""

    real: Any = threading.RLock
    again = True


class Semaphore(_Guard):
    """``threading.Semaphore``."""

    real: Any = threading.Semaphore
    bounded = False

    def __init__(self, value: int = 1) -> None:
        if value < 0:
            raise ValueError("semaphore initial value must be >= 0")
        self._value = self._first = value

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        point(self, "acquires", self._free if _waits(blocking, timeout) else None)
        if not self._value:
            return False
        self._value -= 1
        self._changed()
        return True

    def release(self, n: int = 1) -> None:
        point(self, "releases")
        if self.bounded and self._value + n > self._first:
            raise ValueError("Semaphore released too many times")
        self._value += n
        self._changed()

    def _free(self) -> bool:
        return self._value > 0

    def text(self) -> str:
        return f"{self._value} left" if self._value != self._first else ""


class BoundedSemaphore(Semaphore):
    """``threading.BoundedSemaphore``."""

    real: Any = threading.BoundedSemaphore
    bounded = True


class Condition(_Guard):
    """``threading.Condition``."""

    real: Any = threading.Condition

    def __init__(self, lock: Any = None) -> None:
        self._lock = RLock() if lock is None else lock
        self._waiting: list[list[str]] = []

    def acquire(self, blocking: bool = True, timeout: float | None = -1) -> bool:
        return bool(self._lock.acquire(blocking, timeout))

    def release(self) -> None:
        self._lock.release()

    def wait(self, timeout: float | None = None) -> bool:
        if not self._lock._is_owned():
            raise RuntimeError("cannot wait on un-acquired lock")
        point(self, "begins to wait on")
        worker = me()
        ticket = [worker.name if worker else "setup"]
        self._waiting.append(ticket)
        owner, count, place = self._lock._owner, self._lock._count, self._lock._place
        self._lock._owner, self._lock._count = None, 0
        self._changed()

        def woken() -> bool:
            return not any(ticket is other for other in self._waiting)

        if timeout is None:
            point(self, "wakes up from", lambda: woken() and self._lock._free())
            notified = True
        else:
            point(self, "stops waiting on")
            notified = woken()
            self._waiting = [other for other in self._waiting if other is not ticket]
            point(self._lock, "acquires again", self._lock._free)
        self._lock._owner, self._lock._count, self._lock._place = owner, count, place
        self._changed()
        return notified

    def wait_for(self, predicate: Callable[[], Any], timeout: float | None = None) -> Any:
        result = predicate()
        while not result:
            expired = not self.wait(timeout)
            result = predicate()
            if expired and timeout is not None:
                break
        return result

    def notify(self, n: int = 1) -> None:
        if not self._lock._is_owned():
            raise RuntimeError("cannot notify on un-acquired lock")
        point(self, "notifies")
        del self._waiting[:n]
        self._changed()

    def notify_all(self) -> None:
        self.notify(len(self._waiting))

    def touches(self) -> tuple[Any, ...]:
        return self, self._lock

    def text(self) -> str:
        held = self._lock.text()
        waiting = ", ".join(name for (name,) in self._waiting)
        return ", ".join(filter(None, (held, waiting and f"{waiting} waiting")))


class Event(Model):
    """``threading.Event``."""

    real: Any = threading.Event

    def __init__(self) -> None:
        self._flag = False

    def is_set(self) -> bool:
        point(self, "looks at", writes=False)
        return self._flag

    def set(self) -> None:
        self._put("sets", True)

    def clear(self) -> None:
        self._put("clears", False)

    def _put(self, verb: str, flag: bool) -> None:
        point(self, verb)
        if self._flag != flag:
            self._flag = flag
            self._changed()

    def wait(self, timeout: float | None = None) -> bool:
        point(self, "waits for", (lambda: self._flag) if timeout is None else None, writes=False)
        return self._flag

    def text(self) -> str:
        return "set" if self._flag else ""


class Barrier(Model):
    """``threading.Barrier``."""

    real: Any = threading.Barrier

    def __init__(
        self, parties: int, action: Callable[[], object] | None = None, timeout: float | None = None
    ) -> None:
        self.parties = parties
        self._action = action
        self._timeout = timeout
        self._round = _Round()

    def wait(self, timeout: float | None = None) -> int:
        point(self, "comes to")
        now = self._round
        if now.broken:
            raise threading.BrokenBarrierError
        place, now.count = now.count, now.count + 1
        self._changed()
        if now.count == self.parties:
            try:
                if self._action:
                    self._action()
            except BaseException:
                now.broken = True
                raise
            now.full, self._round = True, _Round()
        else:
            patient = (self._timeout if timeout is None else timeout) is None
            point(self, "goes on from", (lambda: now.full or now.broken) if patient else None)
            if not now.full:
                now.broken = True
                self._changed()
                raise threading.BrokenBarrierError
        self._changed()
        return place

    def reset(self) -> None:
        point(self, "resets")
        self._round.broken, self._round = True, _Round()
        self._changed()

    def abort(self) -> None:
        point(self, "breaks")
        self._round.broken = True
        self._changed()

    @property
    def n_waiting(self) -> int:
        point(self, "looks at", writes=False)
        return self._round.count

    @property
    def broken(self) -> bool:
        point(self, "looks at", writes=False)
        return self._round.broken

    def text(self) -> str:
        return f"{self._round.count} of {self.parties} there" if self._round.count else ""


class _Round:
    """One use of a barrier."""

    def __init__(self) -> None:
        self.count = 0
        self.full = self.broken = False
