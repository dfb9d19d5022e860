"""Tune a preset and see at once what it detects."""
