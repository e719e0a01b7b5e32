"""Hearing notifications from PostgreSQL, whatever the broker does."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Any

import psycopg
from django.db import connection

from generations.engine.planning import DUE_CHANNEL, MEDIA_CHANNEL

log = logging.getLogger(__name__)


LIBPQ = frozenset(option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults())


def connection_parameters(**own: Any) -> dict[str, Any]:
    """How to reach the database for a connection of one's own: as Django does, but for what ``own`` says."""
    known = connection.get_connection_params()
    return {name: value for name, value in known.items() if name in LIBPQ and value} | own


def somebody_listens() -> bool:
    """Whether a worker is at work on this database, on whatever machine."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() "
            "AND application_name = 'seedbank-listen')"
        )
        return bool(cursor.fetchone() == (True,))


async def listen(heard: Callable[[], None], channels: tuple[str, ...] = (DUE_CHANNEL, MEDIA_CHANNEL)) -> None:
    """Call ``heard`` for each notification, for ever; a cut connection is opened again."""
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(
                **connection_parameters(application_name="seedbank-listen"), autocommit=True
            ) as link:
                for channel in channels:
                    await link.execute(f"LISTEN {channel}")
                heard()
                async for _ in link.notifies():
                    heard()
        except psycopg.Error as error:
            log.info("not listening for a moment: %s", type(error).__name__)
        await asyncio.sleep(1.0)


def listen_in_thread(
    heard: Callable[[], None], stopping: threading.Event, channels: tuple[str, ...] = (MEDIA_CHANNEL,)
) -> None:
    """The same for a thread; returns soon after ``stopping`` is set."""
    while not stopping.is_set():
        try:
            with psycopg.Connection.connect(
                **connection_parameters(application_name="seedbank-listen"), autocommit=True
            ) as link:
                for channel in channels:
                    link.execute(f"LISTEN {channel}")
                heard()
                while not stopping.is_set():
                    for _ in link.notifies(timeout=1.0, stop_after=1):
                        heard()
        except psycopg.Error as error:
            if not stopping.is_set():  # else the database may have ended first
                log.info("not listening for a moment: %s", type(error).__name__)
        stopping.wait(1.0)
