"""The databases of a run: made, copied, left and dropped."""

from __future__ import annotations

import os
import re
import threading
import time
from pathlib import Path

import psycopg
from django.conf import settings
from django.db import connection, connections

from generations import waiting
from generations.engine.listening import connection_parameters
from tests.environment import FOLDER

RUN = f"test_{Path(os.environ[FOLDER]).name}"
"""What the names of all databases of this run begin with; that of the template is no longer."""
OURS = re.compile(r"net|media(?!-listen)|generation-listener")
"""Threads that work by themselves. Who only listens, or answers a stream nobody reads, changes nothing."""


def clone(template: str, name: str) -> None:
    # Copied as files it is half the work, where no disk is waited for.
    how = "STRATEGY FILE_COPY" if settings.EMBEDDED else ""
    with maintenance() as link:
        link.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" {how}'.encode())


def drop(name: str) -> None:
    with maintenance() as link:
        link.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


def maintenance() -> psycopg.Connection:
    """To the server, for what cannot be said in a database that it concerns."""
    # A copy may take long, and so may getting through while others are made: both are waited for.
    unhurried = connection_parameters(dbname="postgres", options="", connect_timeout=60)
    return psycopg.connect(**unhurried, autocommit=True)


def disconnect() -> None:
    for one in connections.all(initialized_only=True):
        one.close()
    connection.close_pool()  # type: ignore[attr-defined]


def all_at_rest() -> None:
    """Wait until no thread of ours is at work: what it wrote later, another test would find."""
    end = time.monotonic() + 20
    while True:
        waiting.stop()  # each time: a page that is just being left may have begun to wait once more
        ours = [one for one in threading.enumerate() if OURS.match(one.name)]
        if not ours:
            return
        left = end - time.monotonic()
        assert left > 0, f"this test has left {[one.name for one in ours]} at work"
        ours[0].join(min(left, 1.0))
