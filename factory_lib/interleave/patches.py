"""Threads and sleep as the search sees them; and how all models take the real things' places."""

import functools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from . import models
from .bytecode import follow
from .crew import Worker
from .models import KINDS, Barrier, Condition, Lock, Model, Queue, RLock, SimpleQueue, point

_real_sleep = time.sleep
_thread = threading.Thread
_current_thread = threading.current_thread
_start, _join, _is_alive = _thread.start, _thread.join, _thread.is_alive


def sleep(seconds: float) -> None:
    """``time.sleep``: for a worker a place where others may come before it, however long it is."""
    if models.me() is None:
        _real_sleep(seconds)
    else:
        point(None, "sleeps", free=True)


def _worker_of(thread: threading.Thread) -> Worker | None:
    """Find the worker that one of this run's workers has started as a thread."""
    if models.crew is None or models.me() is None:
        return None
    return next((worker for worker in models.crew.active if worker.thread_of_mine is thread), None)


def start(self: threading.Thread) -> None:
    """``Thread.start``: a worker's thread becomes one more worker."""
    if models.crew is None or models.me() is None:
        _start(self)
        return
    point(self, "starts")
    if _worker_of(self):
        raise RuntimeError("threads can only be started once")
    job: Callable[[], object] = self.run
    target = self.__dict__.get("_target")
    if type(self).run is _thread.run and target is not None:  # whose `run` would forget what to do
        job = functools.partial(target, *self.__dict__["_args"], **self.__dict__["_kwargs"])
        if follow(target) is None:
            name = getattr(target, "__name__", type(target).__name__)
            models.crew.notes[f"a thread whose target {name} is not written in Python"] = None
    models.crew.hire(job).thread_of_mine = self


def join(self: threading.Thread, timeout: float | None = None) -> None:
    """``Thread.join``."""
    worker = _worker_of(self)
    if worker is None:
        _join(self, timeout)
    else:
        point(self, "joins", (lambda: worker.done) if timeout is None else None, writes=False)


def is_alive(self: threading.Thread) -> bool:
    """``Thread.is_alive``."""
    worker = _worker_of(self)
    if worker is None:
        return _is_alive(self)
    point(self, "looks at", writes=False)
    return not worker.done


def current_thread() -> threading.Thread:
    """``threading.current_thread``: of the threads that the program started, not of those they run on."""
    worker = models.me()
    return (worker and worker.thread_of_mine) or _current_thread()


FACTORIES: dict[int, Any] = {id(kind.real): kind for kind in KINDS} | {id(_real_sleep): sleep}
FACTORIES[id(_current_thread)] = current_thread
_TYPES: dict[type, type[Model]] = {
    type(kind.real()) if kind in (Lock, RLock) else kind.real: kind for kind in KINDS
}


@contextmanager
def patched() -> Iterator[None]:
    """Put the models where programs find the real things, and put those back at the end."""
    places: list[tuple[Any, str, Any]] = [(kind.home, kind.__name__, kind) for kind in KINDS]
    places += [(time, "sleep", sleep), (threading, "current_thread", current_thread)]
    places += [(_thread, "start", start), (_thread, "join", join), (_thread, "is_alive", is_alive)]
    before = [(where, name, where.__dict__[name]) for where, name, _ in places]
    try:
        for where, name, model in places:
            setattr(where, name, model)
        yield
    finally:
        for where, name, real in before:
            setattr(where, name, real)


def twin_of(value: Any, make: Callable[[Any], Any]) -> Any:
    """Make the model that stands in for a real lock or queue; None for anything else.

    Parameters
    ----------
    make : callable
        Gives the twin of something inside it, such as a condition's lock.
    """
    kind = _TYPES.get(type(value))
    if kind is None:
        return None
    twin = kind.__new__(kind)
    if isinstance(twin, Lock):
        Lock.__init__(twin)
        if value._is_owned() if isinstance(twin, RLock) else value.locked():
            twin._owner, twin._count = "somebody from before", 1
    elif isinstance(twin, Condition):
        Condition.__init__(twin, make(value._lock))
    elif isinstance(twin, Barrier):
        Barrier.__init__(twin, value.parties, value._action, value._timeout)
    elif isinstance(twin, SimpleQueue):  # it shows its items to nobody but who takes them
        Queue.__init__(twin)
        items = [value.get_nowait() for _ in range(value.qsize())]
        for item in items:
            value.put(item)
        twin.queue.extend(items)
    else:  # the same state: what changes is put back
        vars(twin).update({"_initial_value": vars(value).get("_value"), **vars(value)})
    return twin
