"""Queues, sleep and threads as the search sees them; and how all models take the real things' places."""

import heapq
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from . import models
from .crew import Worker
from .models import Barrier, BoundedSemaphore, Condition, Event, Lock, Model, RLock, Semaphore, point
from .say import say


class Queue(Model):
    """``queue.Queue``."""

    real: Any = queue.Queue

    def __init__(self, maxsize: int = 0) -> None:
        self.maxsize = maxsize
        self._items: Any = deque()
        self.unfinished_tasks = 0

    def _add(self, item: Any) -> None:
        self._items.append(item)

    def _take(self) -> Any:
        return self._items.popleft()

    def _has_room(self) -> bool:
        return not 0 < self.maxsize <= len(self._items)

    def _has_items(self) -> bool:
        return bool(self._items)

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        point(self, f"puts {say(item)} into", self._has_room if block and timeout is None else None)
        if not self._has_room():
            raise queue.Full
        self._add(item)
        self.unfinished_tasks += 1
        self._changed()

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        point(self, "gets from", self._has_items if block and timeout is None else None)
        if not self._items:
            raise queue.Empty
        self._changed()
        return self._take()

    def put_nowait(self, item: Any) -> None:
        self.put(item, False)

    def get_nowait(self) -> Any:
        return self.get(False)

    def qsize(self) -> int:
        point(self, "looks at", writes=False)
        return len(self._items)

    def empty(self) -> bool:
        return not self.qsize()

    def full(self) -> bool:
        return 0 < self.maxsize <= self.qsize()

    def task_done(self) -> None:
        point(self, "has done a task of")
        if self.unfinished_tasks <= 0:
            raise ValueError("task_done() called too many times")
        self.unfinished_tasks -= 1
        self._changed()

    def join(self) -> None:
        point(self, "joins", lambda: not self.unfinished_tasks, writes=False)

    def text(self) -> str:
        return f"{type(self).__name__}({say(list(self._items))})"


class LifoQueue(Queue):
    """``queue.LifoQueue``."""

    real: Any = queue.LifoQueue

    def _take(self) -> Any:
        return self._items.pop()


class PriorityQueue(Queue):
    """``queue.PriorityQueue``."""

    real: Any = queue.PriorityQueue

    def __init__(self, maxsize: int = 0) -> None:
        super().__init__(maxsize)
        self._items = []

    def _add(self, item: Any) -> None:
        heapq.heappush(self._items, item)

    def _take(self) -> Any:
        return heapq.heappop(self._items)


class SimpleQueue(Queue):
    """``queue.SimpleQueue``."""

    real: Any = queue.SimpleQueue


_real_sleep = time.sleep
_thread = threading.Thread
_start, _join, _is_alive = _thread.start, _thread.join, _thread.is_alive


def sleep(seconds: float) -> None:
    """``time.sleep``: for a worker a place where others may come before it, however long it is."""
    if models.me() is None:
        _real_sleep(seconds)
    else:
        point(None, "sleeps", free=True)


def _worker_of(thread: threading.Thread) -> Worker | None:
    worker: Worker | None = thread.__dict__.get("_worker")
    return (
        worker
        if models.me() is not None and models.crew is not None and worker in models.crew.active
        else None
    )


def start(self: threading.Thread) -> None:
    """``Thread.start``: a worker's thread becomes one more worker."""
    if models.crew is None or models.me() is None:
        _start(self)
        return
    point(self, "starts")
    if _worker_of(self):
        raise RuntimeError("threads can only be started once")
    self.__dict__["_worker"] = models.crew.hire(self.run)


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


KINDS: list[type[Model]] = [Lock, RLock, Semaphore, BoundedSemaphore, Condition, Event, Barrier]
QUEUES: list[type[Model]] = [Queue, LifoQueue, PriorityQueue, SimpleQueue]
FACTORIES: dict[int, Any] = {id(kind.real): kind for kind in KINDS + QUEUES} | {id(_real_sleep): sleep}
_TYPES: dict[type, type[Model]] = {type(threading.Lock()): Lock, type(threading.RLock()): RLock}
_TYPES |= {kind.real: kind for kind in [*KINDS[2:], *QUEUES]}


@contextmanager
def patched() -> Iterator[None]:
    """Put the models where programs find the real things, and put those back at the end."""
    places: list[tuple[Any, str, Any]] = [(threading, kind.__name__, kind) for kind in KINDS]
    places += [(queue, kind.__name__, kind) for kind in QUEUES]
    places += [(time, "sleep", sleep)]
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
        held = value._is_owned() if twin.again else value.locked()
        twin._owner, twin._count = ("somebody from before", 1) if held else (None, 0)
    elif isinstance(twin, Semaphore):
        Semaphore.__init__(twin, value._value)
    elif isinstance(twin, Condition):
        Condition.__init__(twin, make(value._lock))
    elif isinstance(twin, Event):
        Event.__init__(twin)
        twin._flag = value.is_set()
    elif isinstance(twin, Barrier):
        Barrier.__init__(twin, value.parties, value._action, value._timeout)
    elif isinstance(twin, Queue):
        type(twin).__init__(twin, getattr(value, "maxsize", 0))
        items = getattr(value, "queue", None)
        if items is None:  # a SimpleQueue shows its items to nobody but who takes them
            items = [value.get_nowait() for _ in range(value.qsize())]
            for item in items:
                value.put(item)
        twin._items.extend(items)
        twin.unfinished_tasks = getattr(value, "unfinished_tasks", 0)
    return twin
