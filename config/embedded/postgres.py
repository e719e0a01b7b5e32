"""A PostgreSQL server of our own: made on first use, shared by all who hold it, stopped by the last.

The folder DATA_DIR/postgres holds the cluster (`data`), its socket, its configuration and two locks:

`users.lock`   is held, shared, by every process that uses the server; whoever can take it alone stops it.
`server.lock`  is handed to the server itself, and so lives exactly as long as any of its processes: it tells
               a running server from a stale postmaster.pid, whatever became of the process numbers.

PostgreSQL refuses to run as root. For root it runs as an unprivileged user that already exists; if that user
cannot reach DATA_DIR, DATA_DIR/postgres is a link to a folder below /var/lib/seedbank. Nothing that we did
not make ever changes its owner or its permissions.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from config.embedded import EmbeddedError, binaries, locks
from config.embedded.tenant import settle

__all__ = ["conninfo", "hold", "revive"]

NAME = "seedbank"
PORT = 5432  # only part of the socket's name: the server listens on no network
SOCKET_PATH_MAX = 100  # bytes; macOS allows 103, Linux 107
START_SECONDS = 120  # a server that was killed first replays its log
CONFIGURATION = """\
# Written by Seedbank at every start; edit config/embedded/postgres.py instead.
listen_addresses = ''
port = {port}
unix_socket_directories = {socket}
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = 128MB
wal_level = minimal
max_wal_senders = 0
max_wal_size = 512MB
timezone = 'UTC'
log_timezone = 'UTC'
logging_collector = on
log_directory = 'log'
log_filename = 'postgresql-%a.log'
log_truncate_on_rotation = on
log_rotation_age = 1d
log_rotation_size = 0
"""


def conninfo(data_dir: Path) -> dict[str, str]:
    """How to connect to the server that belongs to a data folder. Looks at nothing but the path."""
    return {"host": str(_socket_folder(_place(data_dir))), "port": str(PORT), "user": NAME, "dbname": NAME}


@contextmanager
def hold(data_dir: Path) -> Iterator[None]:
    """Have the server run for as long as the block lasts; the last holder on this machine stops it.

    Raises EmbeddedError, with a sentence for people, if it cannot be started or stopped.
    """
    with _gate(data_dir):
        cluster = _Cluster(data_dir)
        users = locks.take(cluster.home / "users.lock", shared=True)
        assert users is not None
        try:
            cluster.ensure()
        except BaseException:
            os.close(users)
            raise
    try:
        yield
    finally:
        with _gate(data_dir):
            if locks.lock(users, wait=False):
                cluster.stop()
            os.close(users)


def revive(data_dir: Path) -> bool:
    """Start the server again if it died under its holders. True if it had; raises EmbeddedError."""
    server = locks.take(_place(data_dir) / "server.lock", shared=True, wait=False)
    if server is None:
        return False
    os.close(server)
    with _gate(data_dir):
        _Cluster(data_dir).ensure()
    return True


@contextmanager
def _gate(data_dir: Path) -> Iterator[None]:
    """One process at a time makes, starts or stops the server."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        with locks.alone(data_dir / "postgres.lock"):
            yield
    except PermissionError as refused:
        raise EmbeddedError(
            f"{refused.filename} belongs to another user: run as that user, or set DATA_DIR to another "
            "folder."
        ) from refused


def _place(data_dir: Path) -> Path:
    return Path(os.path.abspath(data_dir)) / "postgres"  # noqa: PTH100 - a link must stay as it is named


def _socket_folder(place: Path) -> Path:
    """In the cluster's folder, or a short one below /tmp where the path would not do for a socket.

    It may be too long, or have a comma, which libpq takes for the end of a host.
    """
    folder = place / "socket"
    if len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_MAX and "," not in str(folder):
        return folder
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path("/tmp") / f"seedbank-{os.geteuid()}-{digest}"  # noqa: S108 - a socket's path must be short


class _Cluster:
    """The cluster of one data folder. Every method is called behind the gate."""

    def __init__(self, data_dir: Path) -> None:
        place = _place(data_dir)
        self.tenant = settle(place)
        self.home = self.tenant.home
        self.data = self.home / "data"
        self.login = make_conninfo("", **conninfo(data_dir) | {"dbname": "postgres"})
        reached = _socket_folder(place)  # through a link, perhaps, which the server may be unable to follow
        self.socket = self.home / reached.name if reached.parent == place else reached

    def ensure(self) -> None:
        """Have the server run and answer. Raises EmbeddedError."""
        deadline = time.monotonic() + START_SECONDS
        while (server := locks.take(self.home / "server.lock", wait=False)) is None:
            if self._answers():
                return
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"PostgreSQL in {self.home} runs but does not answer; its log is in {self.data}/log."
                )
            time.sleep(0.05)
        try:
            self._make(server)
            self._start(server)
        finally:
            os.close(server)

    def stop(self) -> None:
        """Stop the server and wait until its last process is gone. Raises EmbeddedError."""
        output = self.tenant.run("pg_ctl", "stop", "-D", "data", "-m", "fast", "-w", "-t", "60")[1]
        deadline = time.monotonic() + 10
        while (server := locks.take(self.home / "server.lock", wait=False)) is None:
            if time.monotonic() > deadline:
                raise EmbeddedError(f"PostgreSQL in {self.home} did not stop: {output}")
            time.sleep(0.02)
        os.close(server)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.login, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _make(self, server: int) -> None:
        """Make the cluster beside its place and move it there whole: a half-made one is never used.

        initdb, too, has the `server` descriptor: if we are killed, the next one waits for it to end.
        """
        if not self.data.exists():
            draft = self.home / "data.new"
            if draft.exists():
                shutil.rmtree(draft)
            self.tenant.folder(draft)
            # The locale is the same on every system, so that sorting is, too.
            code, output = self.tenant.run(
                *("initdb", "-D", draft.name, "-U", NAME, "--auth-local=trust", "--auth-host=reject"),
                *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                keep=server,
            )
            if code:
                raise EmbeddedError(f"PostgreSQL could not make its folder {draft}: {output}")
            draft.rename(self.data)
        version = self.data / "PG_VERSION"
        made_by = version.read_text().strip() if version.exists() else "an unknown version"
        if made_by != binaries.MAJOR:
            raise EmbeddedError(
                f"{self.data} was made by PostgreSQL {made_by}, and this Seedbank brings {binaries.MAJOR}: "
                "take a backup with the Seedbank that made it and restore it here, or set DATA_DIR to "
                "another folder."
            )

    def _start(self, server: int) -> None:
        """Start the server, handing it the locked `server` descriptor for as long as it lives."""
        self.tenant.folder(self.socket)
        name = f".s.PGSQL.{PORT}"
        for left_over in (self.data / "postmaster.pid", self.socket / name, self.socket / f"{name}.lock"):
            left_over.unlink(missing_ok=True)  # server.lock was free: there is no server behind them
        quoted = str(self.socket).replace("'", "''").replace('"', '""')
        configuration = self.home / "postgresql.conf"
        configuration.unlink(missing_ok=True)
        with configuration.open("x") as file:  # never through a link that somebody left there
            file.write(CONFIGURATION.format(port=PORT, socket=f"'\"{quoted}\"'"))
        configuration.chmod(0o644)
        code, output = self.tenant.run(
            *("pg_ctl", "start", "-D", "data", "-l", "data/start.log", "-w", "-t", str(START_SECONDS)),
            *("-o", "-c config_file=postgresql.conf"),
            keep=server,
        )
        if code:
            raise EmbeddedError(
                f"PostgreSQL did not start: {output}\nIts logs are {self.data}/start.log and {self.data}/log."
            )
        with psycopg.connect(self.login, autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(NAME)))
