"""Any frame by its number is the frame that reading from the beginning gives."""

import random
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import MakeClip
from small_belt import numbered_clip

from factory_lib import open_video, resource_path
from factory_lib.errors import VideoError
from factory_lib.tuner.clip import Clip, Live
from factory_lib.tuner.model import open_clip

EVEN = [i / 30 for i in range(200)]
# A telephone's recording: hardly two frames are equally far apart.
UNEVEN = np.cumsum(np.random.default_rng(1).uniform(0.01, 0.06, 200)).tolist()


def same_in_any_order(path: Path, picks: int = 60) -> None:
    with open_video(path) as video:
        frames = list(video)
    clip, numbers = Clip(path), random.Random(2)
    order = [numbers.randrange(len(frames)) for _ in range(picks)]
    order += [*range(100, 90, -1), 0, 1, 2, len(frames) - 1]
    for index in order:
        found = clip.frame(index)
        assert found is not None
        assert np.array_equal(found.image, frames[index].image), index
        assert (found.index, found.time) == (index, pytest.approx(frames[index].time))
    assert (clip.count, clip.size, clip.fps) == (len(frames), video.size, video.fps)
    assert (clip.frame(len(frames)), clip.frame(-1)) == (None, None)
    clip.close()
    clip.close()


@pytest.mark.parametrize(
    ("times", "options"),
    [
        (EVEN, {"g": "30", "bf": "0"}),
        (EVEN, {"g": "250", "bf": "3"}),
        (UNEVEN, {"g": "60", "bf": "3"}),
        (UNEVEN, {"g": "60", "bf": "0"}),
    ],
    ids=["as the course's clips", "long groups with B frames", "uneven with B frames", "uneven"],
)
def test_every_frame_is_found_by_its_number(
    tmp_path: Path, times: list[float], options: dict[str, str]
) -> None:
    same_in_any_order(numbered_clip(tmp_path / "clip.mp4", times, options))


def test_so_it_is_in_other_codecs(make_clip: MakeClip) -> None:
    same_in_any_order(make_clip("clip.mp4", frames=120))
    same_in_any_order(make_clip("clip.avi", frames=120, codec="MJPG"))


def test_so_it_is_in_a_file_whose_times_cannot_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = numbered_clip(tmp_path / "clip.mp4", EVEN, {"g": "250", "bf": "3"})
    monkeypatch.setattr("factory_lib.tuner.clip._times", lambda path, first: [])
    same_in_any_order(path, picks=10)


def test_the_shipped_clips_frames_are_found_from_end_to_beginning() -> None:
    path = resource_path("conveyor.mp4")
    clip = Clip(path)
    found = [clip.frame(index) for index in (400, 399, 76)]
    with open_video(path) as video:
        for frame in video:
            if found and found[-1] is not None and frame.index == found[-1].index:
                assert np.array_equal(found.pop().image, frame.image)  # type: ignore[union-attr]
            if not found:
                break
    assert found == []
    clip.close()


def test_a_clip_of_the_course_is_found_by_its_bare_name_unless_there_is_one_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert open_clip("conveyor2.mp4").path == resource_path("conveyor2.mp4")
    numbered_clip(tmp_path / "conveyor2.mp4", EVEN[:3], {})
    assert open_clip("conveyor2.mp4").size == (320, 64)
    with pytest.raises(VideoError, match="There is no clip other.mp4"):
        open_clip("other.mp4")
    with pytest.raises(VideoError, match=r"There is no clip .*conveyor\.mp4"):
        open_clip(tmp_path / "conveyor.mp4")


def test_what_is_live_goes_on_and_a_few_frames_back(tmp_path: Path) -> None:
    path = numbered_clip(tmp_path / "clip.mp4", EVEN, {"g": "30"})
    live = Live(path.as_uri())  # FFmpeg plays a file's URL as it would a camera's
    assert (live.path, live.count, live.size) == (None, None, (320, 64))
    for index in range(40):
        frame = live.frame(index)
        assert frame is not None
        assert frame.index == index
        assert cv2.countNonZero(frame.image[32, index : index + 4, 0]) == 4
    assert live.frame(39) is frame
    assert live.frame(20) is not None
    assert (live.frame(3), live.frame(60)) == (None, None)
    live.close()
