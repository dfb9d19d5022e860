"""The family of errors: each says in one sentence what is wrong and in one what to do about it."""


class FactoryError(Exception):
    """Anything that the user of the factory can put right.

    Parameters
    ----------
    what : str
        One sentence: what is wrong, naming the file, key or device.
    remedy : str
        One sentence: what to do about it.
    """

    def __init__(self, what: str, remedy: str) -> None:
        # Both go to Exception.args, so that the error survives pickling on its way home from a process.
        super().__init__(what, remedy)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what} {self.remedy}"


class PresetError(FactoryError):
    """A motion.cfg, or a value for one of its keys, that cannot be used."""


class VideoError(FactoryError):
    """A clip, camera or stream that cannot be opened, or that ends before it should."""


class DetectorError(FactoryError):
    """A detector without a preset, or an image that the preset does not fit."""


class ControllerError(FactoryError):
    """A board that cannot be reached, or an order that it does not know."""


class DisplayError(FactoryError):
    """Windows asked for where there are none, or pictures that cannot be saved."""


class TruthError(FactoryError):
    """A ground truth file that cannot be read."""


class RingError(FactoryError):
    """A FrameRing used wrongly, or one whose other side is gone without a word."""


class RingTimeout(RingError):
    """No frame, or no room for one, within the time that was given."""


class RingClosed(RingError):
    """The other side has closed its end: nothing more comes, or nothing more is taken."""
