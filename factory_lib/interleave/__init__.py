"""Every order of some threads' steps: run the learner's real functions in each of them.

Standard library only; the views ask for matplotlib and ipywidgets when they are used.
"""

from .schedule import InterleaveError, Schedule, Step, Wait
from .search import Result, explore, replay

__all__ = ["InterleaveError", "Result", "Schedule", "Step", "Wait", "explore", "replay"]
