"""Who else was at work: the machine's time against our own, while something is measured."""

import time
from types import TracebackType
from typing import Self

import psutil


class Load:
    """Measures in a ``with`` block who used the machine: `own` seconds of CPU, and `others`' share, 0 to 1.

    Others are all processes but this one and its descendants, also those that begin and end meanwhile, and,
    on a virtual machine, what its host gave to somebody else.
    """

    own = others = 0.0

    def __enter__(self) -> Self:
        self._start = _used()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        elapsed, idle, self.own = (after - before for after, before in zip(_used(), self._start, strict=True))
        capacity = elapsed * (psutil.cpu_count() or 1)
        if capacity > 0:
            self.others = min(1.0, max(0.0, (capacity - idle - self.own) / capacity))


def _used() -> tuple[float, float, float]:
    """Return three clocks: the time, the idle time of all cores, and the CPU time of our processes."""
    cores = psutil.cpu_times()
    idle = cores.idle + getattr(cores, "iowait", 0.0)
    me, own = psutil.Process(), 0.0
    for process in (me, *me.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue  # it has just ended: then its parent's children_user holds its time
        own += times.user + times.system + times.children_user + times.children_system
    return time.perf_counter(), idle, own
