"""A notebook as a person has it: in JupyterLab, in a real browser without a screen."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import psutil
import pytest
from conftest import wait_until
from nbformat import NotebookNode
from playwright.sync_api import Browser, Locator, Page, sync_playwright

NOTEBOOKS = Path(__file__).resolve().parent.parent.parent / "notebooks"
# A test's machine may be root in a container, where Chromium's sandbox cannot be; the pages are our own.
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
SCROLLED = "document.querySelector('.jp-WindowedPanel-outer')"
IDLE = """() => document.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status === 'idle'
    && ![...document.querySelectorAll('.jp-InputPrompt')].some(p => p.textContent.includes('[*]'))"""


class Notebook:
    """A notebook that is open in the browser; `page` is Playwright's, `folder` is where its kernel works."""

    def __init__(self, page: Page, folder: Path) -> None:
        self.page, self.folder = page, folder

    def run_all(self, seconds: float = 120) -> None:
        """Choose Run All in the menu and wait until every cell has run."""
        self.begin_all()
        self.page.wait_for_timeout(1000)
        self.page.wait_for_function(IDLE, timeout=seconds * 1000)

    def begin_all(self) -> None:
        """Choose Run All in the menu."""
        self.page.locator("li.lm-MenuBar-item", has_text="Run").click()
        self.page.locator(".lm-Menu-item", has_text="Run All Cells").first.click()

    def run_cell(self, words: str) -> None:
        """Run the first cell that contains these words again."""
        self.find(".jp-CodeCell", words).locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")
        self.page.wait_for_timeout(300)
        self.page.wait_for_function(IDLE, timeout=60_000)

    def find(self, selector: str, words: str = "") -> Locator:
        """Scroll from the top until there is such an element: what is far away, JupyterLab does not draw."""
        self.page.evaluate(f"() => {{ {SCROLLED}.scrollTop = 0 }}")
        for _ in range(100):
            found = self.page.locator(selector, has_text=words).first
            if found.count():
                found.scroll_into_view_if_needed()
                return found
            self.page.evaluate(f"() => {{ {SCROLLED}.scrollTop += 300 }}")
            self.page.wait_for_timeout(100)
        raise AssertionError(f"There is no {selector} with {words!r} in the notebook.")


def count_pictures(page: Page) -> None:
    """Count from now on, in the page's `loaded`, the pictures that it really loads, by their names.

    The document hears them all, also those of a camera that comes later.
    """
    page.evaluate(
        """() => {
            if (!window.loaded)
                document.addEventListener('load', ({target}) => {
                    if (target.matches('img.widget-image'))
                        window.loaded[target.title] = (window.loaded[target.title] || 0) + 1;
                }, true);
            window.loaded = {};
        }"""
    )


def browser_path() -> str | None:
    """Find a Chromium of this system; None where Playwright shall look for Chrome itself."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next(filter(None, map(shutil.which, names)), None)


class Lab:
    """A running JupyterLab with a browser before it, in which one notebook after the other is opened."""

    def __init__(self, folder: Path, address: str, browser: Browser) -> None:
        self.folder, self.address = folder, address
        # One for all pages: JupyterLab's scripts are loaded and compiled once.
        self.context = browser.new_context(viewport={"width": 1100, "height": 1000})

    @contextmanager
    def opened(
        self, notebook: str | Path | NotebookNode, before: Callable[[Page], None] | None = None
    ) -> Iterator[Notebook]:
        """Open a copy of a notebook in a folder of its own; its kernel ends with the block.

        `before` is given the page before anything is loaded.
        """
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        if isinstance(notebook, NotebookNode):
            path = folder / "made.ipynb"
            nbformat.write(notebook, path)
        else:
            path = Path(shutil.copy(NOTEBOOKS / notebook, folder))
        page = self.context.new_page()
        try:
            if before is not None:
                before(page)
            # Without what the page before has kept of itself.
            page.goto(f"{self.address}/doc/tree/{folder.name}/{path.name}?reset", timeout=60_000)
            page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
            # Before its kernel is there, a notebook counts as idle too.
            page.get_by_text("parallelism | Idle").wait_for(timeout=60_000)
            yield Notebook(page, folder)
        finally:
            page.close()
            for session in json.loads(self._ask("GET", "sessions")):
                self._ask("DELETE", f"sessions/{session['id']}")

    def _ask(self, method: str, what: str) -> bytes:
        request = urllib.request.Request(f"{self.address}/api/{what}", method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return bytes(answer.read())


def cells_of(path: Path, names: str) -> NotebookNode:
    """Return a notebook of those cells of another that have these ids."""
    cells = {cell.id: cell for cell in nbformat.read(path, as_version=4).cells}
    return notebook_of(*(cells[name] for name in names.split()))


def notebook_of(*cells: NotebookNode) -> NotebookNode:
    """Return a notebook for the kernel that `running_lab` has."""
    kernelspec = {"name": "parallelism", "display_name": "parallelism", "language": "python"}
    return nbformat.v4.new_notebook(cells=list(cells), metadata={"kernelspec": kernelspec})


@contextmanager
def opened(notebook: str | Path, folder: Path) -> Iterator[Notebook]:
    """Open a copy of a notebook in a JupyterLab of its own."""
    with running_lab(folder) as lab, lab.opened(notebook) as there:
        yield there


@contextmanager
def running_lab(folder: Path) -> Iterator[Lab]:
    """Start JupyterLab in a folder, with settings, history and kernels of its own, and a browser."""
    path = browser_path()
    if path is None and sys.platform == "linux":
        pytest.skip("There is no Chromium or Chrome here (Debian: chromium)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = folder / "home"
    home.mkdir()
    own = (
        "JUPYTERLAB_WORKSPACES_DIR",
        "JUPYTERLAB_SETTINGS_DIR",
        "JUPYTER_RUNTIME_DIR",
        "JUPYTER_CONFIG_DIR",
    )
    kernels = folder / "data" / "kernels" / "parallelism"
    kernels.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "parallelism", "language": "python"}
    (kernels / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    env = {key: value for key, value in os.environ.items() if not key.startswith(("COV", "PYTEST"))}
    env |= {name: str(home) for name in own} | {"JUPYTER_PATH": str(folder / "data")}
    settings = [
        "--allow-root",
        "--no-browser",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--IdentityProvider.token=",
        "--ServerApp.password=",
        "--ServerApp.disable_check_xsrf=True",  # so that not only a page may end a kernel
        "--LabApp.news_url=",
        f"--ServerApp.root_dir={folder}",
    ]
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *settings],
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = f"http://127.0.0.1:{port}"
        with sync_playwright() as playwright:
            where = {"executable_path": path} if path else {"channel": "chrome"}
            try:
                browser = playwright.chromium.launch(args=OPTIONS, **where)
            except Exception as error:
                pytest.skip(f"There is no Chromium or Chrome here (Debian: chromium): {error}")
            assert wait_until(lambda: _answers(f"{address}/api"), 60), "JupyterLab does not answer"
            yield Lab(folder, address, browser)
            browser.close()
    finally:
        family = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
        server.terminate()
        _, alive = psutil.wait_procs(family, timeout=15)
        for process in alive:
            process.kill()
        server.wait(timeout=15)


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=2).close()
    except OSError:
        return False
    return True
