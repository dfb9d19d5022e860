"""The synthetic belt: its clips, their ground truth, and belts in memory."""

from .belt import CLIPS, Belt, main, write_clip

__all__ = ["CLIPS", "Belt", "main", "write_clip"]
