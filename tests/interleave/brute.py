"""Every order of generators that yield before each step: the same question, answered without any engine."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any


def every_order(
    models: Sequence[Callable[[Any], Any]], setup: Callable[[], Any], see: Callable[[Any], Any]
) -> Counter:
    """Count what the orders end in; a model yields nothing, or a condition to wait for."""
    found: Counter = Counter()
    path: list[list[int]] = []  # at each step, those still to be tried, the present one first
    while True:
        state = setup()
        running = {place: model(state) for place, model in enumerate(models)}
        waits = {}
        raised = []

        def go_on(place: int) -> None:
            try:
                waits[place] = next(running[place])
            except StopIteration:
                del running[place]
            except Exception as error:
                raised.append(type(error).__name__)
                del running[place]

        for place in list(running):
            go_on(place)
        depth = 0
        while running:
            able = [place for place in running if waits[place] is None or waits[place]()]
            if not able:
                break
            if depth == len(path):
                path.append(able)
            go_on(path[depth][0])
            depth += 1
        found["deadlock" if running else raised[0] if raised else see(state)] += 1
        while path and len(path[-1]) == 1:
            path.pop()
        if not path:
            return found
        path[-1].pop(0)
