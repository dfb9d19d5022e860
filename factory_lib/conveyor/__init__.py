"""The synthetic belt: its clips, their ground truth, and belts in memory."""

from .belt import CLIPS, Belt

__all__ = ["CLIPS", "Belt"]
