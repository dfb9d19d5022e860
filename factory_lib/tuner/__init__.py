"""Tune a preset and see at once what it detects: in windows (`desktop`) or in a notebook (`notebook`)."""

from .notebook import MotionTuner

__all__ = ["MotionTuner"]
