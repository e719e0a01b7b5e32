"""A wire to PostgreSQL that can be cut just when the server has committed, or just before it is told to."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from generations.engine.listening import connection_parameters

_COMMIT = re.compile(rb"Q\x00\x00\x00\x0b(?i:COMMIT)\x00")
_READY = b"Z\x00\x00\x00\x05I"


@dataclass(frozen=True)
class Cut:
    """What to wait for: a transaction that says these words, and whether its COMMIT gets through."""

    words: re.Pattern[bytes]
    lands: bool


class Cutter:
    """Stands before the server of the test's database; processes reach it by ``url``."""

    def __init__(self) -> None:
        known = connection_parameters()
        host = str(known["host"])
        self._server: str | tuple[str, int]
        port = int(known.get("port") or 5432)
        self._server = str(Path(host) / f".s.PGSQL.{port}") if host.startswith("/") else (host, port)
        self._door = socket.create_server(("127.0.0.1", 0), backlog=64)
        who = quote(str(known.get("user", "")), safe="")
        if known.get("password"):
            who += ":" + quote(str(known["password"]), safe="")
        self.url = (
            f"postgres://{who}@127.0.0.1:{self._door.getsockname()[1]}/{known['dbname']}?sslmode=disable"
        )
        self._armed: Cut | None = None
        self._lock = threading.Lock()
        self.cuts = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self, words: str, *, lands: bool) -> None:
        """Cut the first connection whose transaction says ``words``, at its COMMIT; once."""
        self._armed = Cut(re.compile(words.encode()), lands)

    def close(self) -> None:
        self._door.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._door.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        family = socket.AF_UNIX if isinstance(self._server, str) else socket.AF_INET
        with client, socket.socket(family) as server, suppress(OSError):
            server.connect(self._server)
            threading.Thread(target=self._bring_back, args=(server, client), daemon=True).start()
            said = b""
            while data := client.recv(1 << 16):
                said += data
                if (commit := _COMMIT.search(said)) is None:
                    server.sendall(data)
                    continue
                cut = self._take(said[max(0, said.rfind(b"BEGIN", 0, commit.start())) : commit.start()])
                said = said[commit.end() :]
                if cut is None:
                    server.sendall(data)
                    continue
                _shut(client)  # which hears no answer, while the server may still be committing
                if cut.lands:
                    server.sendall(data)
                break
            _shut(client)
            _shut(server)

    def _take(self, said: bytes) -> Cut | None:
        """What is to happen at this COMMIT, for a transaction that said this."""
        with self._lock:
            armed = self._armed
            if armed is None or not armed.words.search(said):
                return None
            self._armed = None
            self.cuts += 1
            return armed

    def _bring_back(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(1 << 16):
                client.sendall(data)
        _shut(client)
        _shut(server)


def _shut(wire: socket.socket) -> None:
    with suppress(OSError):
        wire.shutdown(socket.SHUT_RDWR)
