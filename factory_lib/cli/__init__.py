"""The commands `factory` and `factory inspect`."""

from .factory_command import main

__all__ = ["main"]
