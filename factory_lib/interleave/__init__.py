"""Every order of some threads' steps: run the learner's real functions in each of them.

Standard library only; the slider and the buttons ask for ipywidgets when they are used.
"""

from .game import Game, play
from .schedule import InterleaveError, Move, Result, Schedule, Step, Wait
from .search import explore, replay
from .views import plot_lanes, step_through

__all__ = [
    "Game",
    "InterleaveError",
    "Move",
    "Result",
    "Schedule",
    "Step",
    "Wait",
    "explore",
    "play",
    "plot_lanes",
    "replay",
    "step_through",
]
