"""Plays the internet on this machine: a server of a settable speed, and the calls of pytube to download."""

import contextlib
import functools
import http.client
import os
import re
import socket
import socketserver
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, BinaryIO, Self
from urllib.parse import quote, unquote, urlsplit

from ..errors import FactoryError, VideoError
from ..resources import RESOURCE_FOLDER
from ..video import open_video

# Small enough for a progress bar to move. All but the last are full: each run makes as many calls.
CHUNK = 32 * 1024
# What the server sends at once; at a low speed it is less, so that something comes 20 times a second.
LARGEST_PIECE = 64 * 1024
PIECES_PER_SECOND = 20
# A made-up clip plays one second for so many bytes: 1 Mbit/s.
MADE_UP_RATE = 125_000
# Who says nothing for so long is gone.
TIMEOUT = 10.0
SECONDS_HEADER = "X-Clip-Seconds"
PATTERN = bytes(range(256)) * (LARGEST_PIECE // 256 + 1)
AGAIN = "See that the server is still inside its 'with', and download again."


class ClipServer:
    """Serves clips to this machine only, as slowly as asked; a context manager, and gone after its ``with``.

    Leaving the ``with`` breaks off the downloads that are under way.

    Parameters
    ----------
    folder : str or path-like, optional
        The folder to serve, with the folders in it and nothing else; without one, the course's own clips.
    bytes_per_second : float, optional
        The speed of each download by itself, in bytes per second, and an attribute that may be set at any
        time; None is as fast as it goes.
    made_up : mapping of str to int, optional
        Names that are served as so many made-up bytes (byte ``i`` is ``i % 256``), without a file.

    Raises
    ------
    FactoryError
        If there is no such folder, or a speed is not above 0.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str] | None = None,
        *,
        bytes_per_second: float | None = None,
        made_up: Mapping[str, int] | None = None,
    ) -> None:
        self.folder = Path(RESOURCE_FOLDER if folder is None else folder).resolve()
        self.bytes_per_second = bytes_per_second
        self.made_up = dict(made_up or {})
        self._server: _Server | None = None
        if not self.folder.is_dir():
            raise FactoryError(f"There is no folder {self.folder} to serve.", "Name one that is there.")
        if bytes_per_second is not None and not bytes_per_second > 0:
            raise FactoryError(f"A speed of {bytes_per_second} is none.", "Use a number above 0, or None.")

    def url(self, name: str) -> str:
        """Return the address of a clip, such as ``"http://127.0.0.1:49152/conveyor.mp4"``."""
        if self._server is None:
            raise FactoryError("The clip server is not running.", "Ask for addresses inside its 'with'.")
        return f"http://127.0.0.1:{self._server.server_address[1]}/{quote(name)}"

    def __enter__(self) -> Self:
        self._server = _Server(self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="ClipServer"
        )
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            server, self._server = self._server, None
            server.stop.set()
            server.shutdown()  # from here on nobody new is let in
            self._thread.join(timeout=TIMEOUT)
            server.hang_up()
            server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    """The sockets and threads of a ClipServer; server_close() joins the threads, hang_up() has them end."""

    # Not HTTPServer: it looks up this machine's name, which without a network can take seconds.
    daemon_threads = False

    def __init__(self, clips: ClipServer) -> None:
        self.clips = clips
        self.stop = threading.Event()
        self._connections: set[Any] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Answer)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Break off every connection: who waits for a client that is slow or says nothing wakes up."""
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # Clients go away in the middle; anything else is a fault of ours, to be seen.
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Answer(BaseHTTPRequestHandler):
    """Answers one request."""

    server: _Server
    timeout = TIMEOUT

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: stderr belongs to the lesson."""

    def do_GET(self) -> None:
        clips, name = self.server.clips, unquote(urlsplit(self.path).path).removeprefix("/")
        if name in clips.made_up:
            self._answer(None, clips.made_up[name], clips.made_up[name] // MADE_UP_RATE)
        elif path := _inside(clips.folder, name):
            with path.open("rb") as file:
                self._answer(file, os.fstat(file.fileno()).st_size, _seconds(path))
        else:
            self.send_error(404, "No such clip")

    do_HEAD = do_GET

    def _answer(self, file: BinaryIO | None, size: int, seconds: int) -> None:
        """Send the head, and piece by piece the content, no piece before its time."""
        self.send_response(200)
        self.send_header("Content-Type", "video/mp4")
        self.send_header("Content-Length", str(size))
        self.send_header(SECONDS_HEADER, str(seconds))
        self.end_headers()
        sent, due = 0, time.monotonic()
        while self.command == "GET" and sent < size:
            speed = self.server.clips.bytes_per_second
            count = LARGEST_PIECE if speed is None else max(1, int(speed / PIECES_PER_SECOND))
            count = min(count, LARGEST_PIECE, size - sent)
            piece = file.read(count) if file else PATTERN[sent % 256 : sent % 256 + count]
            if not piece or self.server.stop.wait(timeout=max(0.0, due - time.monotonic())):
                return
            self.wfile.write(piece)
            sent += len(piece)
            # Counted from when it was due, not from now: a late piece does not make the whole slower.
            due = time.monotonic() if speed is None else due + len(piece) / speed


def _inside(folder: Path, name: str) -> Path | None:
    """Return the file of this name, if it is in the folder; no dots, drives or links lead out of it."""
    # Backslashes and colons mean something on Windows: refused everywhere alike.
    if re.search(r"[\\:\0]", name) or {"", ".", ".."} & set(name.split("/")):
        return None
    try:
        path = (folder / name).resolve()
        return path if path.is_relative_to(folder) and path.is_file() else None
    except (OSError, ValueError, RuntimeError):  # a name that is too long, links in a circle
        return None


def _seconds(path: Path) -> int:
    try:
        with open_video(path) as video:
            return int((video.frame_count or 0) / (video.fps or 30.0))
    except VideoError:
        return 0


class Clip:
    """A clip on a ClipServer, with the calls of ``pytubefix.YouTube``: on the internet that takes its place.

    Parameters
    ----------
    url : str
        What ``ClipServer.url`` gave.
    on_progress_callback : callable, optional
        Called as ``(stream, chunk, bytes_remaining)`` after each chunk of a download (32 KiB at most).
    on_complete_callback : callable, optional
        Called as ``(stream, path)`` once the file is there.

    Raises
    ------
    FactoryError
        If the address is not a ClipServer's; later, if the server is gone or has no such clip.

    Notes
    -----
    Names and argument order are those of https://pytubefix.readthedocs.io (release 10). One difference:
    pytubefix skips a file that is there already, this downloads it again.
    """

    def __init__(
        self,
        url: str,
        on_progress_callback: "Callable[[ClipStream, bytes, int], object] | None" = None,
        on_complete_callback: "Callable[[ClipStream, str], object] | None" = None,
    ) -> None:
        if not url.startswith("http://127.0.0.1:"):
            raise FactoryError(
                f"{url} is not an address of the clip server on this machine.",
                "Take one from ClipServer.url(); for the internet write pytubefix.YouTube instead of Clip.",
            )
        self.watch_url = url
        self.on_progress_callback = on_progress_callback
        self.on_complete_callback = on_complete_callback

    @property
    def title(self) -> str:
        """The clip's name without its ending."""
        return PurePosixPath(unquote(self.watch_url)).stem

    @property
    def length(self) -> int:
        """How long it plays, in whole seconds; 0 if the server cannot tell."""
        return int(self._headers.get(SECONDS_HEADER) or 0)

    @property
    def streams(self) -> "ClipStreams":
        """What there is to download."""
        return ClipStreams(self)

    @functools.cached_property
    def _headers(self) -> Mapping[str, str]:
        with _ask(self.watch_url, "HEAD") as response:
            return dict(response.headers)


class ClipStreams:
    """The streams of a clip: here always one."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip

    def get_highest_resolution(self) -> "ClipStream":
        """Return the stream with the most pixels."""
        return ClipStream(self._clip)


class ClipStream:
    """One file to download; `title`, its size in bytes `filesize`, its usual name `default_filename`."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self.title = clip.title
        self.default_filename = PurePosixPath(unquote(clip.watch_url)).name

    @property
    def filesize(self) -> int:
        """Its size in bytes."""
        return int(self._clip._headers["Content-Length"])

    def download(self, output_path: str | os.PathLike[str] | None = None, filename: str | None = None) -> str:
        """Download the file into a folder, which is made if need be; it is there whole or not at all.

        Parameters
        ----------
        output_path : str or path-like, optional
            The folder; the current one if left out.
        filename : str, optional
            The file's name with its ending; `default_filename` if left out.

        Returns
        -------
        str
            The file's absolute path.

        Raises
        ------
        FactoryError
            If the server is gone, breaks off or has no such clip, or the file cannot be written.
        """
        path = Path(os.path.abspath(output_path or ".")) / (filename or self.default_filename)
        part = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.part")
        try:
            with contextlib.closing(_receive(self._clip.watch_url, part)) as chunks:
                for chunk, bytes_remaining in chunks:
                    if self._clip.on_progress_callback:
                        self._clip.on_progress_callback(self, chunk, bytes_remaining)
            with _told(f"{path} cannot be written", "Close the program that has it open."):
                part.replace(path)
        finally:
            # After an error, also one of the callback's, no half file stays behind.
            with contextlib.suppress(OSError):
                part.unlink()
        if self._clip.on_complete_callback:
            self._clip.on_complete_callback(self, str(path))
        return str(path)


def _receive(url: str, part: Path) -> Generator[tuple[bytes, int], None, None]:
    """Download to a file; yield each chunk once it is written, and how many bytes are still to come."""
    writing = f"{part.parent} cannot be written to", "Free some space, or name a folder of your own."
    with _ask(url, "GET") as response, contextlib.ExitStack() as closing:
        with _told(*writing):
            part.parent.mkdir(parents=True, exist_ok=True)
            file = closing.enter_context(part.open("xb", buffering=0))
        remaining = int(response.headers["Content-Length"])
        while remaining:
            with _told(f"The download of {url} broke off with {remaining} bytes to come", AGAIN):
                chunk = response.read(CHUNK)
                if not chunk:
                    raise ConnectionError("the server hung up")
            with _told(*writing):
                if file.write(chunk) != len(chunk):
                    raise OSError("the disk is full")
            remaining -= len(chunk)
            yield chunk, remaining


def _ask(url: str, method: str) -> http.client.HTTPResponse:
    # Never by a proxy: a school's has no way to this machine's own address.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with _told(f"Nothing answers at {url}", AGAIN):
        try:
            response: http.client.HTTPResponse = opener.open(
                urllib.request.Request(url, method=method), timeout=TIMEOUT
            )
        except urllib.error.HTTPError as error:
            error.close()
            raise FactoryError(f"The server has no clip at {url}.", "Check the clip's name.") from None
    return response


@contextlib.contextmanager
def _told(what: str, remedy: str) -> Iterator[None]:
    """Turn an error of the system or the network into one of ours."""
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        raise FactoryError(f"{what}: {getattr(error, 'reason', error)}.", remedy) from None
