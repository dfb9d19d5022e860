"""The factory's accounts: what became of each camera's frames."""

from dataclasses import asdict, dataclass, field
from typing import Any

from .motion import Detection


@dataclass(slots=True)
class CameraReport:
    """What became of one camera's frames: at the end ``read == delivered + dropped``. Filled as it runs."""

    name: str
    source: str = ""
    read: int = 0
    delivered: int = 0
    dropped: int = 0
    detections: list[Detection] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def fps(self) -> float:
        """Frames read a second."""
        return self.read / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class FactoryReport:
    """What a run did: a report for each camera, how many seconds, and the deepest the queue ever was."""

    cameras: dict[str, CameraReport]
    seconds: float
    deepest_queue: int

    def as_dict(self) -> dict[str, Any]:
        """Turn it into plain values, ready for JSON."""
        cameras = {
            name: {key: value for key, value in asdict(report).items() if key not in ("name", "seconds")}
            | {"fps": round(report.fps, 1)}
            for name, report in self.cameras.items()
        }
        return {"cameras": cameras, "seconds": round(self.seconds, 3), "deepest_queue": self.deepest_queue}
