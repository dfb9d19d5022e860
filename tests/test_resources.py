from pathlib import Path

import pytest

from factory_lib.errors import FactoryError
from factory_lib.resources import resource_path


def test_a_shipped_file_is_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert resource_path("motion.cfg").read_text(encoding="utf-8").startswith("[default]\n")


def test_a_file_that_is_not_shipped_is_named_with_those_that_are() -> None:
    with pytest.raises(FactoryError) as caught:
        resource_path("conveyor3.mp4")

    assert "There is no conveyor3.mp4 in" in str(caught.value)
    assert "conveyor.json, conveyor.mp4, conveyor2.json, conveyor2.mp4, motion.cfg" in str(caught.value)
    assert "pip install -r ./requirements.txt" in str(caught.value)
