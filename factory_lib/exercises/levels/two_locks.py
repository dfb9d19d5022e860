"""Two locks, taken in different orders: a deadlock."""

from threading import Lock

from ...lab.content import Level


class Machine:
    """A camera and an arm, each for one worker at a time."""

    def __init__(self) -> None:
        self.camera, self.arm = Lock(), Lock()
        self.done = 0


def look_then_grip(machine: Machine) -> None:
    """Needs the camera, then the arm too."""
    with machine.camera:
        with machine.arm:
            machine.done += 1


def grip_then_look(machine: Machine) -> None:
    """Needs the arm, then the camera too."""
    with machine.arm:
        with machine.camera:
            machine.done += 1


LEVEL = Level(
    "One worker needs the camera, then the arm too; another one the arm, then the camera. Both must finish.",
    (look_then_grip, grip_then_look),
    Machine,
    lambda machine: machine.done == 2,
)
