"""The lock of a result file: one writer at a time, and nothing stays behind."""

import tempfile
from pathlib import Path

import portalocker
import pytest

from factory_lib.batch.result_files import JsonLines
from factory_lib.errors import FactoryError


def locks() -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob("factory-*.lock"))


def test_a_file_that_is_left_leaves_no_lock(tmp_path: Path) -> None:
    with JsonLines(tmp_path / "r.json"):
        assert len(locks()) == 1

    assert locks() == []


def test_a_second_writer_is_refused_until_the_first_has_left(tmp_path: Path) -> None:
    with JsonLines(tmp_path / "r.json"):
        with pytest.raises(FactoryError, match=r"Another command is writing to .*r\.json"):
            JsonLines(tmp_path / "r.json")
        with JsonLines(tmp_path / "other.json"):
            pass
    with JsonLines(tmp_path / "r.json"):
        assert len(locks()) == 1


def test_a_lock_whose_file_was_deleted_locks_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever opened the file before its holder deleted it would otherwise write beside the next one."""
    acquired = portalocker.Lock.acquire
    opened: list[portalocker.Lock] = []

    def late(self: portalocker.Lock) -> object:
        file = acquired(self)
        if not opened:
            locks()[0].unlink()  # as the one does that held it until now
        opened.append(self)
        return file

    monkeypatch.setattr(portalocker.Lock, "acquire", late)
    with JsonLines(tmp_path / "r.json"):
        monkeypatch.undo()
        assert len(opened) == 2
        with pytest.raises(FactoryError, match="Another command is writing"):
            JsonLines(tmp_path / "r.json")
