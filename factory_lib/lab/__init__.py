"""Teaching instruments around the lessons: what a lesson teaches itself stands in its own cells."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
