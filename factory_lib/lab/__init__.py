"""Teaching instruments around the lessons: what a lesson teaches itself stands in its own cells."""

from .apart import apart
from .check import check, hint, show
from .doctor import doctor
from .levels import level
from .live import LiveView
from .page import chart, images, table
from .predict import predict, reveal
from .scaling import scaling
from .timeline import Timeline

__all__ = [
    "LiveView",
    "Timeline",
    "apart",
    "chart",
    "check",
    "doctor",
    "hint",
    "images",
    "level",
    "predict",
    "reveal",
    "scaling",
    "show",
    "table",
]
