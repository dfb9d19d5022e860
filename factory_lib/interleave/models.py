"""Locks and queues as the search sees them: waiting is part of the order, so it is met, not suffered.

A model is the standard library's own class, each of its methods made a step: whoever would have to wait is
not chosen until it need not, and then the library's method runs, told not to wait. What has a timeout can
always be chosen, and has then waited in vain.
"""

import functools
import inspect
import queue
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

from .bytecode import OURS, is_followed
from .crew import Abort, Crew, Op, Worker, place_of
from .say import say
from .schedule import InterleaveError

crew: Crew | None = None  # whose workers are at work; one search at a time
setting_up = 0  # the thread that is running the learner's setup
KINDS: "list[type[Model]]" = []


def me() -> Worker | None:
    """Return the worker whose thread this is."""
    return crew.me() if crew else None


def _my_name() -> str:
    worker = me()
    return worker.name if worker else "setup"


def _changed(model: Any) -> None:
    worker = me()
    if crew is not None and worker is not None:
        crew.written.setdefault(id(model), set()).add(None)
        crew.changed(worker)


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
    touched = () if model is None else (model, *(model.contents() if isinstance(model, Condition) else ()))
    accesses = tuple([(id(each), None, writes) for each in touched])
    crew.pins.update((id(each), each) for each in touched)
    op = Op((type(model), place_of(frame)), accesses, frame)
    op.verb, op.model, op.ready, op.free = verb, model, ready, free
    crew.pause(worker, op)


def step(
    method: Callable[..., Any], verb: str, ready: Callable[[Any], bool] | None = None, *, writes: bool = True
) -> Any:
    """Make a step of a method.

    Parameters
    ----------
    method : callable
        Of the standard library; its parameters `block` or `blocking` and `timeout` are understood.
    verb : str
        What it does; ``{}`` stands for the item that it is given.
    ready : callable, optional
        Is given the object, and tells whether the method need not wait.
    writes : bool
        Whether it may change the object. If it is not ready, it does not.
    """
    signature = inspect.signature(method)
    blocking = next((name for name in ("block", "blocking") if name in signature.parameters), "")

    def stepped(self: Any, *args: Any, **kwargs: Any) -> Any:
        given = signature.bind(self, *args, **kwargs)
        given.apply_defaults()
        call, timeout = given.arguments, given.arguments.get("timeout")
        waits = ready is not None and call.get(blocking, True) and (timeout is None or timeout < 0)
        what = verb.format(say(call.get("item")))
        point(self, what, functools.partial(ready, self) if ready and waits else None, writes=writes)
        able = ready is None or ready(self)
        if blocking:
            call[blocking] = False
        if "timeout" in call:
            call["timeout"] = None if blocking else 0
        result = method(*given.args, **given.kwargs)
        if writes and able:
            _changed(self)
        return result

    return stepped


class _Kind(type):
    """Makes models where the learner's code asks for them, and the real thing everywhere else."""

    real: Any

    def __new__(mcls, name: str, bases: tuple[Any, ...], space: dict[str, Any], **more: Any) -> Any:
        """Let a class that others derive from a model while it stands there derive from the real thing."""
        if space.get("__module__") != __name__:
            return type(
                name, tuple([base.real if isinstance(base, _Kind) else base for base in bases]), space
            )
        return super().__new__(mcls, name, bases, space, **more)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        caller = sys._getframe(1).f_code.co_filename
        mine = me() is not None or threading.get_ident() == setting_up
        if not mine or not (is_followed(caller) or caller.startswith(OURS)):
            return cls.real(*args, **kwargs)
        return super().__call__(*args, **kwargs)

    def __instancecheck__(cls, value: Any) -> bool:
        real = cls.real
        return type.__instancecheck__(cls, value) or (isinstance(real, type) and isinstance(value, real))


class Model(metaclass=_Kind):
    """What all models share; a subclass stands for what has its name in its `home`."""

    real: Any = object
    home: ModuleType
    is_model = True  # for `say`, which knows no models

    def __init_subclass__(cls, home: ModuleType = threading) -> None:
        """Stand for what has this name there."""
        cls.home, cls.real = home, vars(home)[cls.__name__]
        KINDS.append(cls)

    def __getattr__(self, name: str) -> Any:
        if crew is not None and not name.startswith("_"):
            crew.notes[f"{type(self).__name__}.{name}"] = None
        raise AttributeError(f"explore's {type(self).__name__} has no {name}")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.text() or 'idle'}>"

    def text(self) -> str:
        """Say what there is to say of its state; nothing if it is idle."""
        return ""

    def contents(self) -> tuple[Any, ...]:
        """List what it holds that others may share."""
        return ()

    def holder(self) -> tuple[str, tuple[str, int]]:
        """Tell who holds it, if somebody does, and since which line of which file."""
        return "", ("", 0)


class Lock(Model):
    """``threading.Lock``."""

    def __init__(self) -> None:
        self._owner: str | None = None
        self._count = 0
        self._place = ("", 0)

    def is_free(self) -> bool:
        return self._owner is None

    def _take(self, blocking: bool = True, timeout: float | None = -1) -> bool:
        if self._owner is not None:
            return False
        self._owner, self._count, self._place = _my_name(), 1, place_of(sys._getframe(1))
        return True

    def _give(self) -> None:
        if self._owner is None:
            raise RuntimeError("release unlocked lock")
        self._owner = None

    acquire = __enter__ = step(_take, "acquires", is_free)
    release = step(_give, "releases")
    locked = step(lambda self: not self.is_free(), "looks at", writes=False)

    def __exit__(self, *error: object) -> None:
        self.release()

    def _is_owned(self) -> bool:
        return self._owner is not None

    def text(self) -> str:
        return f"held by {self._owner}" if self._owner else ""

    def holder(self) -> tuple[str, tuple[str, int]]:
        return (self._owner, self._place) if self._owner else super().holder()


class RLock(Lock):
    """``threading.RLock``: its holder may take it again, which is no step."""

    def acquire(self, blocking: bool = True, timeout: float | None = -1) -> bool:
        if not self._is_owned():
            return bool(super().acquire(blocking, timeout))
        self._count += 1
        _changed(self)
        return True

    __enter__ = acquire

    def release(self) -> None:
        if not self._is_owned():
            raise RuntimeError("cannot release un-acquired lock")
        if self._count == 1:
            super().release()
        self._count -= 1
        _changed(self)

    def _is_owned(self) -> bool:
        return self._owner == _my_name()


class Semaphore(Model, threading.Semaphore):
    """``threading.Semaphore``."""

    _value: int
    acquire = __enter__ = step(threading.Semaphore.acquire, "acquires", lambda self: self._value > 0)
    release = step(threading.Semaphore.release, "releases")

    def __init__(self, value: int = 1) -> None:
        Semaphore.real.__init__(self, value)  # the library's BoundedSemaphore would come back to here
        self._initial_value = value  # its name for it

    def text(self) -> str:
        return f"{self._value} left" if self._value != self._initial_value else ""


class BoundedSemaphore(Semaphore, threading.BoundedSemaphore):
    """``threading.BoundedSemaphore``."""

    release = step(threading.BoundedSemaphore.release, "releases")


class _Ticket:
    """Waits on a condition; the library's `notify` frees it like the lock that it has there."""

    def __init__(self) -> None:
        self.name = _my_name()
        self.woken = False

    def release(self) -> None:
        self.woken = True


class Condition(Model, threading.Condition):
    """``threading.Condition``; who is notified is woken in the order of waiting, as CPython does it."""

    _lock: Any
    _waiters: Any

    def __init__(self, lock: Any = None) -> None:
        inner: Any = RLock() if lock is None else lock
        super().__init__(inner)

    def wait(self, timeout: float | None = None) -> bool:
        if not self._lock._is_owned():
            raise RuntimeError("cannot wait on un-acquired lock")
        point(self, "begins to wait on")
        ticket, lock = _Ticket(), self._lock
        self._waiters.append(ticket)
        saved = dict(vars(lock))
        lock._owner = None
        _changed(self)
        if timeout is None:
            point(self, "wakes up from", lambda: ticket.woken and lock.is_free())
        else:
            point(self, "stops waiting on")
            if not ticket.woken:
                self._waiters.remove(ticket)
            point(lock, "acquires again", lock.is_free)
        vars(lock).update(saved)
        _changed(self)
        return ticket.woken

    def wait_for(self, predicate: Callable[[], Any], timeout: float | None = None) -> Any:
        result = predicate()
        while not result:
            expired = not self.wait(timeout)
            result = predicate()
            if expired and timeout is not None:
                break
        return result

    notify = step(threading.Condition.notify, "notifies")

    def contents(self) -> tuple[Any, ...]:
        return (self._lock,)

    def text(self) -> str:
        waiting = ", ".join(ticket.name for ticket in self._waiters)
        return ", ".join(filter(None, (self._lock.text(), waiting and f"{waiting} waiting")))


class Event(Model, threading.Event):
    """``threading.Event``."""

    _flag: bool
    is_set = step(threading.Event.is_set, "looks at", writes=False)
    set = step(threading.Event.set, "sets")
    clear = step(threading.Event.clear, "clears")
    wait = step(threading.Event.wait, "waits for", lambda self: self._flag, writes=False)

    def text(self) -> str:
        return "set" if self._flag else ""


class _Gate:
    """Stands where the library's barrier has a condition to wait on."""

    def __init__(self, barrier: "Barrier") -> None:
        self._barrier = barrier

    def __enter__(self) -> None: ...

    def __exit__(self, *error: object) -> None: ...

    def wait(self) -> None:
        barrier = self._barrier  # those of the round before have not all gone on
        point(barrier, "comes to", lambda: barrier._state not in (-1, 1))

    def wait_for(self, predicate: Callable[[], bool], timeout: float | None) -> bool:
        _changed(self._barrier)
        point(self._barrier, "goes on from", predicate if timeout is None else None)
        return predicate()

    def notify_all(self) -> None:
        _changed(self._barrier)


class Barrier(Model, threading.Barrier):
    """``threading.Barrier``."""

    _state: int
    _count: int

    def __init__(
        self, parties: int, action: Callable[[], None] | None = None, timeout: float | None = None
    ) -> None:
        super().__init__(parties, action, timeout)
        self._cond = _Gate(self)

    def wait(self, timeout: float | None = None) -> int:
        point(self, "comes to")
        return super().wait(timeout)

    reset = step(threading.Barrier.reset, "resets")
    abort = step(threading.Barrier.abort, "breaks")
    n_waiting = property(step(lambda self: self._count * (not self._state), "looks at", writes=False))
    broken = property(step(lambda self: self._state == -2, "looks at", writes=False))

    def text(self) -> str:
        return f"{self._count} of {self.parties} there" if self._count and not self._state else ""


class Queue(Model, queue.Queue, home=queue):  # type: ignore[type-arg]
    """``queue.Queue``."""

    put = step(
        queue.Queue.put, "puts {} into", lambda self: not 0 < self.maxsize <= self._qsize() or self._is_shut()
    )
    get = step(queue.Queue.get, "gets from", lambda self: self._qsize() > 0 or self._is_shut())
    qsize = step(queue.Queue.qsize, "looks at", writes=False)
    empty = step(queue.Queue.empty, "looks at", writes=False)
    full = step(queue.Queue.full, "looks at", writes=False)
    task_done = step(queue.Queue.task_done, "has done a task of")
    join = step(queue.Queue.join, "joins", lambda self: not self.unfinished_tasks, writes=False)
    if sys.version_info >= (3, 13):
        shutdown = step(queue.Queue.shutdown, "shuts down")

    def _is_shut(self) -> bool:
        return bool(vars(self).get("is_shutdown", False))

    def contents(self) -> tuple[Any, ...]:
        return (self.queue,)

    def text(self) -> str:
        return f"{type(self).__name__}({say(list(self.queue))})"


class LifoQueue(Queue, queue.LifoQueue, home=queue):  # type: ignore[type-arg]
    """``queue.LifoQueue``."""


class PriorityQueue(Queue, queue.PriorityQueue, home=queue):  # type: ignore[type-arg]
    """``queue.PriorityQueue``."""


class SimpleQueue(Queue, home=queue):
    """``queue.SimpleQueue``, which is written in C: as a queue without bounds."""
