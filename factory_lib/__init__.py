"""The smart factory: the names that lessons and programs use."""

from typing import TYPE_CHECKING, Any

from .batch import inspect_all
from .controller import FactoryController
from .crops import CropFolder
from .display import Display, NoDisplay, WindowDisplay, open_display
from .errors import FactoryError
from .factory import Camera, run_factory, watch_camera
from .inspection import Inspection, inspect_recording
from .motion import Detection, Explanation, MotionDetector
from .preset import MotionPreset
from .report import CameraReport, FactoryReport
from .resources import resource_path
from .video import Frame, VideoSource, open_video

if TYPE_CHECKING:
    from .ring import FrameRing

__all__ = [
    "Camera",
    "CameraReport",
    "CropFolder",
    "Detection",
    "Display",
    "Explanation",
    "FactoryController",
    "FactoryError",
    "FactoryReport",
    "Frame",
    "FrameRing",
    "Inspection",
    "MotionDetector",
    "MotionPreset",
    "NoDisplay",
    "VideoSource",
    "WindowDisplay",
    "inspect_all",
    "inspect_recording",
    "open_display",
    "open_video",
    "resource_path",
    "run_factory",
    "watch_camera",
]


def __getattr__(name: str) -> Any:
    # What only processes need is imported when it is asked for.
    if name == "FrameRing":
        from .ring import FrameRing

        return FrameRing
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
