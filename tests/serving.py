"""Our web application on a real socket, in a thread of the tests."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from wsgiref.simple_server import WSGIServer

from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


class _Server(ThreadedWSGIServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Callers hang up whenever they like."""


@contextmanager
def serving(settings: Any, host: str = "127.0.0.1") -> Iterator[str]:
    """The address, which is PUBLIC_URL as long as the block lasts."""
    server: WSGIServer = _Server(("127.0.0.1", 0), _Quiet)
    before = settings.PUBLIC_URL, settings.CSRF_TRUSTED_ORIGINS
    settings.PUBLIC_URL = f"http://{host}:{server.server_address[1]}"
    settings.CSRF_TRUSTED_ORIGINS = [settings.PUBLIC_URL]
    server.set_app(WSGIHandler())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield settings.PUBLIC_URL
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        settings.PUBLIC_URL, settings.CSRF_TRUSTED_ORIGINS = before
