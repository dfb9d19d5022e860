"""Let chance switch threads between any two instructions: slow and blind, and right in what it finds.

It knows nothing of what an instruction touches, so it does not miss what the engine cannot see.
"""

import random
import sys
import threading
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

PATIENCE = 20.0


def run(
    workers: Sequence[Callable[[Any], object]],
    state: Any,
    chance: random.Random,
    often: float,
    files: set[str],
) -> str:
    """Run the workers once; return the names of their exceptions, a worker's letter before each.

    Parameters
    ----------
    often : float
        How likely a switch is before an instruction, 0 to 1.
    files : set of str
        The files whose instructions count.
    """
    batons = [threading.Lock() for _ in workers]
    for baton in batons:
        baton.acquire()
    alive = list(range(len(workers)))
    errors: list[str] = []

    def work(me: int) -> None:
        def local(frame: FrameType, event: str, argument: Any) -> Any:
            if event == "opcode" and chance.random() < often:
                other = chance.choice(alive)
                if other != me:
                    batons[other].release()
                    assert batons[me].acquire(timeout=PATIENCE)
            return local

        def trace(frame: FrameType, event: str, argument: Any) -> Any:
            if frame.f_code.co_filename not in files:
                return None
            frame.f_trace_opcodes = True
            return local

        assert batons[me].acquire(timeout=PATIENCE)
        sys.settrace(trace)
        try:
            workers[me](state)
        except Exception as error:
            errors.append(f"{chr(ord('A') + me)}: {type(error).__name__}")
        finally:
            sys.settrace(None)
            alive.remove(me)
            if alive:
                batons[chance.choice(alive)].release()

    threads = [threading.Thread(target=work, args=(me,), daemon=True) for me in alive]
    for thread in threads:
        thread.start()
    batons[chance.choice(alive)].release()
    for thread in threads:
        thread.join(PATIENCE)
    assert not alive
    return "; ".join(sorted(errors))
