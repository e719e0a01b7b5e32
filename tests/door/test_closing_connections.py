"""A server that closes a connection without a word, as it may: no paid request is lost on its way there."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from generations.engine.net import Net
from providers.door import calls
from tests.conftest import Person, ask, ended, png
from tests.engine.stage import change, only


class Gateway(BaseHTTPRequestHandler):
    """Makes a picture at once, and closes a connection just as the next order comes in on it."""

    protocol_version = "HTTP/1.1"
    orders = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.orders += 1
        if self.orders > 1:
            self.close_connection = True
            return
        link = f"http://{self.headers['Host']}/picture.png"
        self._say(json.dumps({"created": 1, "data": [{"url": link}]}).encode(), "application/json")

    def do_GET(self) -> None:
        self._say(png(), "image/png")

    def log_message(self, *_: object) -> None:
        pass

    def _say(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def closing() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Gateway) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_no_order_goes_out_on_a_connection_that_its_gateway_is_closing(
    person: Person, engine: Net, closing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "KEEP_ALIVE", 60.0)  # however slow this machine is
    change("bytespike", base_url=closing)
    for number in range(3):
        generation = ended(ask(person, f"order {number}", provider="bytespike"))
        assert (generation.status, only(generation).posts) == ("succeeded", 1)
