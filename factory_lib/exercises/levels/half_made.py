"""A crop is announced before it is there."""

from ...lab.content import Level


class Crop:
    """A picture, a sign that it is there, and what the display showed."""

    def __init__(self) -> None:
        self.picture = ""
        self.ready = False
        self.shown = "nothing yet"


def make(crop: Crop) -> None:
    """Announce the picture, then store it."""
    crop.ready = True
    crop.picture = "part"


def show(crop: Crop) -> None:
    """Show the picture if it is there."""
    if crop.ready:
        crop.shown = crop.picture


LEVEL = Level(
    "A camera stores a crop and sets a sign; the display shows it when the sign is set, and never an empty "
    "picture.",
    (make, show),
    Crop,
    lambda crop: crop.shown != "",
)
