"""Reading two clips at once, against libraries that read ahead in a thread of their own."""

from collections.abc import Callable, Iterator
from functools import partial

from factory_lib import open_video, resource_path

from .clips import CLIPS, in_threads
from .paired import Ratio, timed
from .peers import peer


def ours(path: str) -> int:
    """Count the frames of a clip, read by `open_video`."""
    return sum(1 for _ in open_video(path))


def camgear(path: str) -> int:
    """Count those that vidgear's CamGear delivers."""
    stream = peer("vidgear.gears").CamGear(source=path).start()
    count = 0
    try:
        while stream.read() is not None:
            count += 1
    finally:
        stream.stop()
    return count


def filevideostream(path: str) -> int:
    """Count those that imutils' FileVideoStream delivers."""
    stream = peer("imutils.video").FileVideoStream(path).start()
    count = 0
    try:
        while stream.read() is not None:  # it puts a None behind the last frame
            count += 1
    finally:
        stream.stop()
    return count


def at_once(read: Callable[[str], int]) -> Callable[[], int]:
    """Read both clips at once, a thread for each, and count all frames."""
    return lambda: in_threads([partial(read, str(resource_path(clip))) for _, clip, _ in CLIPS])


def cases() -> Iterator[Ratio]:
    """Compare on the two shipped clips; whoever loses a frame is not compared."""
    for name, module, read, goal in (
        ("vidgear CamGear", "vidgear.gears", camgear, 1.3),
        ("imutils FileVideoStream", "imutils.video", filevideostream, 1.5),
    ):

        def theirs(module: str = module, read: Callable[[str], int] = read) -> int:
            peer(module)  # here already: in a thread its absence would not be told by name
            return at_once(read)()

        yield Ratio("open_video, two clips at once", timed(at_once(ours)), name, timed(theirs), "frame", goal)
