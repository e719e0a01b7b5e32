"""Django's PostgreSQL with a pool that is over a cut or a restart at once, and statements planned once.

psycopg's own pool looks at one connection at a time and waits 0, 1, 2 and 4 seconds between those it
finds dead: with five of them in it, the first who asks for one afterwards fails after his ten seconds.
"""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import Any, ClassVar

import psycopg
from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base
from django.db.backends.utils import CursorWrapper
from psycopg_pool import ConnectionPool

_SEEN_BEFORE = 2
"""How often a connection has run a statement before it keeps the plan."""


class Pool(ConnectionPool[psycopg.Connection[Any]]):
    """Throws out every dead connection when the first is found; asks the server only where there is doubt."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(check=self._vet, **settings)

    def _vet(self, link: psycopg.Connection[Any]) -> None:
        """Raises if a connection about to be handed out is dead.

        A server that cuts an idle connection leaves a word or the end of the stream behind, so one
        with nothing to read needs no question. ``TCP_USER_TIMEOUT`` sees to peers that vanish.
        """
        if not link.closed and not _readable(link.fileno()):
            return
        try:
            self.check_connection(link)
        except psycopg.Error:
            self.check()  # those beside it, which will be dead as well
            raise


class DatabaseWrapper(base.DatabaseWrapper):
    """The same as Django's, but for the class of its pool, and cursors for what is always the same."""

    _connection_pools: ClassVar[dict[str, Pool]]
    _configure_connection: Callable[[psycopg.Connection[Any]], bool]

    @property
    def pool(self) -> Pool | None:
        options = self.settings_dict["OPTIONS"].get("pool")
        if not options or self.alias == NO_DB_ALIAS:
            return None
        if self.alias not in self._connection_pools:
            # As Django makes it: opened by the first connection, autocommit set per connection later on.
            made = Pool(
                kwargs={**self.get_connection_params(), "autocommit": True},
                open=False,
                configure=self._configure_connection,
                **options,
            )
            self._connection_pools.setdefault(self.alias, made)
        return self._connection_pools[self.alias]

    def planned(self) -> CursorWrapper:
        """A cursor whose statements the server plans once per connection, whatever their values.

        For those that find rows by their keys: planning costs them more than running does.
        """
        self.ensure_connection()
        link = self.connection
        usual, link.cursor_factory = link.cursor_factory, base.ServerBindingCursor
        link.prepare_threshold = _SEEN_BEFORE
        try:
            return self.cursor()
        finally:
            link.cursor_factory = usual


def _readable(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
