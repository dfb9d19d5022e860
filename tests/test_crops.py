from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import Image, colour

from factory_lib import crops as crops_module
from factory_lib.crops import CropFolder
from factory_lib.errors import DisplayError


def decoded(path: Path) -> Image:
    return cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)


def test_crops_are_saved_by_camera_and_frame_and_once_more_on_a_sheet(tmp_path: Path) -> None:
    crops = CropFolder(tmp_path / "out" / "부품")
    crops.save("Cam2", 7, colour(0, 255, 0))
    for frame in range(12):
        crops.save("Cam1", 100 + frame, colour(255, 0, 0))
    crops.close()

    names = sorted(path.name for path in crops.folder.iterdir())
    assert names == [*(f"Cam1-{100 + n:06d}.png" for n in range(12)), "Cam2-000007.png", "detected.png"]
    assert np.array_equal(decoded(crops.folder / "Cam2-000007.png"), colour(0, 255, 0))
    sheet = decoded(crops.folder / "detected.png")
    # Twelve tiles a row, each with a line of text below; Cam1's first, Cam2's alone in the second row.
    assert sheet.shape == (2 * 128, 12 * 112, 3)
    assert sheet[50, 50].tolist() == sheet[50, 1300].tolist() == [255, 0, 0]
    assert sheet[128 + 50, 50].tolist() == [0, 255, 0]
    assert sheet[128 + 50, 200].tolist() == [255, 255, 255]
    assert sheet[112:128, :112].min() < 100


def test_without_detections_there_is_no_sheet(tmp_path: Path) -> None:
    CropFolder(tmp_path).close()

    assert list(tmp_path.iterdir()) == []


def test_a_sheet_does_not_grow_for_ever_and_every_crop_is_still_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crops_module, "MOST_TILES", 12)
    crops = CropFolder(tmp_path)
    for frame in range(20):
        crops.save("Cam1", frame, colour(0, 0, 0, (8, 8)))
    crops.close()

    assert len(list(tmp_path.glob("Cam1-*.png"))) == 20
    assert decoded(tmp_path / "detected.png").shape[0] == 128


def test_a_folder_that_cannot_be_made_or_written_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DisplayError, match=r"Nothing can be saved in .*file: .*Name a folder"):
        CropFolder(tmp_path / "file")
    crops = CropFolder(tmp_path / "gone")
    crops.folder.rmdir()
    with pytest.raises(DisplayError, match="Nothing can be saved in .*gone"):
        crops.save("Cam1", 0, colour(0, 0, 0))
