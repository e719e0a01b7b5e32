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


def connection_parameters() -> dict[str, Any]:
    """How to reach the database, for a connection of one's own."""
    names = {"dbname", "user", "password", "host", "port", "sslmode"}
    return {
        name: value for name, value in connection.get_connection_params().items() if name in names and value
    }


async def listen(heard: Callable[[], None], channels: tuple[str, ...] = (DUE_CHANNEL, MEDIA_CHANNEL)) -> None:
    """Call ``heard`` for each notification, for ever; a cut connection is opened again."""
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(
                **connection_parameters(), autocommit=True, application_name="seedbank-listen"
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
                **connection_parameters(), autocommit=True, application_name="seedbank-listen"
            ) as link:
                for channel in channels:
                    link.execute(f"LISTEN {channel}")
                heard()
                while not stopping.is_set():
                    for _ in link.notifies(timeout=1.0, stop_after=1):
                        heard()
        except psycopg.Error as error:
            log.info("not listening for a moment: %s", type(error).__name__)
        stopping.wait(1.0)
