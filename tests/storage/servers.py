"""A real S3 server, and a proxy before it that can misbehave."""

from __future__ import annotations

import http.client
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.ground.stage import free_port

BUCKET = "pictures"
ACCESS_KEY = "access"
SECRET_KEY = "secret-for-tests"


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Response:
    status: int
    headers: Mapping[str, str]
    body: bytes


Forward = Callable[[Request], Response]
Fault = Callable[[Request, Forward], Response | None]
"""What to answer, instead of or around what the server says; None closes the connection."""


def rclone() -> str | None:
    """The rclone of this environment, or of the machine."""
    return shutil.which("rclone", path=str(Path(sys.executable).parent)) or shutil.which("rclone")


@contextmanager
def s3_server(folder: Path) -> Iterator[int]:
    """``rclone serve s3`` over a folder; the port it listens on."""
    (folder / BUCKET).mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = [
        str(rclone()),
        "serve",
        "s3",
        "--addr",
        f"127.0.0.1:{port}",
        "--auth-key",
        f"{ACCESS_KEY},{SECRET_KEY}",
        "--config",
        "/dev/null",
        str(folder),
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(port, process)
            yield port
        finally:
            process.terminate()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        threading.Event().wait(0.02)
    raise RuntimeError("rclone did not start")


def _forward(upstream: int, request: Request) -> Response:
    connection = http.client.HTTPConnection("127.0.0.1", upstream, timeout=30)
    try:
        connection.request(request.method, request.path, request.body, dict(request.headers))
        answer = connection.getresponse()
        return Response(answer.status, dict(answer.getheaders()), answer.read())
    finally:
        connection.close()


def _handler(upstream: int, fault: Fault) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            response = fault(
                Request(self.command, self.path, dict(self.headers), body), partial(_forward, upstream)
            )
            if response is None:
                self.close_connection = True
                return
            self.send_response_only(response.status)
            named = {key.lower(): value for key, value in response.headers.items()}
            named.setdefault("content-length", str(len(response.body)))
            named.pop("transfer-encoding", None)
            for key, value in named.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(response.body)
            self.close_connection = len(response.body) != int(named["content-length"])

        def __getattr__(self, name: str) -> Callable[[], None]:
            if name.startswith("do_"):
                return self._any
            raise AttributeError(name)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing."""

    return Handler


@contextmanager
def proxy(upstream: int, fault: Fault) -> Iterator[int]:
    """An HTTP server that answers as ``fault`` says, given what the one at ``upstream`` would."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(upstream, fault))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def refused(status: int, code: str) -> Response:
    """An S3 error."""
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message></Error>".encode()
    return Response(status, {"Content-Type": "application/xml"}, body)
