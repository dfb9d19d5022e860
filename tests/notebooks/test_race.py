"""The race of notebook 05, as its cells have it: the counter with a Barrier loses in every run."""

from pathlib import Path
from threading import Barrier, Thread

import nbformat

from factory_lib.classroom.cells import code_cells

NOTEBOOK = (
    Path(__file__).resolve().parent.parent.parent / "notebooks" / "solutions" / "05_race_condition.ipynb"
)


def test_who_meets_between_reading_and_writing_loses_every_time() -> None:
    cells = {cell.id: cell.source for cell in code_cells(nbformat.read(NOTEBOOK, 4))}
    notebook: dict = {"Barrier": Barrier, "Thread": Thread}
    exec(cells["run-three"].partition("WAYS =")[0], notebook)
    exec(cells["reveal-three"].partition("usual =")[0], notebook)

    lost = [notebook["lost"](notebook["meeting"], 1) for _ in range(100)]

    assert lost == [{"lost": 50.0}] * 100
