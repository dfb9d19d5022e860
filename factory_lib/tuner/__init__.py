"""Tune a preset and see at once what it detects: in windows (`desktop`) or in a notebook (`notebook`)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
