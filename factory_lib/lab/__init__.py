"""Teaching instruments around the lessons: what a lesson teaches itself stands in its own cells."""

from .doctor import doctor
from .predict import predict, reveal
from .timeline import Timeline

__all__ = ["Timeline", "doctor", "predict", "reveal"]
