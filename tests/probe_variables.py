"""Run by test_house.py in workers of its own: does what course.py sets reach every test, and it alone?"""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("worker", range(2))
def test_python_warns_of_text_files_without_an_encoding(worker: int) -> None:
    assert sys.flags.warn_default_encoding == 1
    with pytest.raises(EncodingWarning):
        Path(os.devnull).open().close()  # noqa: PLW1514


@pytest.mark.parametrize("worker", range(2))
def test_numpy_starts_no_threads_of_its_own_here_and_in_children(worker: int) -> None:
    code = "import os; print(os.environ['OPENBLAS_NUM_THREADS'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=60)
    assert (done.stdout, os.environ["OPENBLAS_NUM_THREADS"]) == ("1\n", "1")


@pytest.mark.parametrize("worker", range(2))
def test_the_children_of_a_test_do_not(worker: int) -> None:
    code = "import sys; print(sys.flags.warn_default_encoding)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=60)
    assert (done.stdout, "PYTHONWARNDEFAULTENCODING" in os.environ) == ("0\n", False)
