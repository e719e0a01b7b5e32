"""Waiting for a generation to move, without a database connection for each who waits.

One thread of the process listens to PostgreSQL; those who wait sleep until it hears of their
generation. As they hold a thread of the web server each, their number is limited, so that
pages and health checks always find one.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from accounts.actions import as_uuid
from accounts.errors import Refusal
from generations.engine.listening import connection_parameters
from generations.models import GENERATION_CHANNEL, Generation
from generations.states import ENDED

log = logging.getLogger(__name__)

LOOK_AGAIN = 2.0
"""A notification may be lost with its connection, so every waiter looks for itself this often."""
MOST_SEEN = 500
"""How many that moved a wide watch tells apart before it only says that something did."""
LISTEN_ON = 30.0
"""Seconds for which the connection stays open although nobody waits."""


class TooManyWaiting(Refusal):
    """This process has no room for another waiter."""

    code = "too_many_waiting"


class Watch:
    """One waiter's eye on one generation, or with ``wide`` on all that move."""

    def __init__(self, generation_id: UUID | None, *, wide: bool = False) -> None:
        self.generation_id = generation_id
        self.wide = wide
        self._moved = threading.Event()
        self._seen: set[UUID] | None = set()

    def look_at(self, generation_id: UUID) -> None:
        """Watch this one from now on; what happened before is for the caller to read."""
        self.generation_id = generation_id

    def wake(self, generation_id: str | None) -> None:
        """It moved; None: any may have, unheard. Called under the lock of the watches."""
        if self.wide and self._seen is not None:
            found = as_uuid(generation_id) if generation_id else None
            self._seen = self._seen | {found} if found and len(self._seen) < MOST_SEEN else None
        self._moved.set()

    def moved(self) -> set[UUID] | None:
        """For a wide watch: those that moved since this was last asked; None if they were not counted."""
        with _lock:
            seen, self._seen = self._seen, set()
        return seen

    def sleep(self, seconds: float) -> None:
        """Until the generation moves, or it is time to look anyway. Gives the connection back first."""
        connection.close()
        self._moved.wait(max(0.0, min(seconds, LOOK_AGAIN)))
        self._moved.clear()


_watches: set[Watch] = set()
_lock = threading.Lock()
_listener: threading.Thread | None = None
_stopping = threading.Event()


@contextmanager
def watching(generation_id: UUID | None = None, *, wide: bool = False) -> Iterator[Watch]:
    """A seat for one waiter; what to watch may be told later. Raises TooManyWaiting.

    Open pages watch ``wide``. They can do without, so they leave half of the seats to others.
    """
    watch = Watch(generation_id, wide=wide)
    with _lock:
        most: int = settings.WAITERS_MAX
        pages = sum(one.wide for one in _watches)
        if len(_watches) >= most or (wide and pages >= max(1, most // 2)):
            raise TooManyWaiting(
                _("Too many requests are waiting already; ask for the generation instead, or try again."),
                retry_after=2,
            )
        _watches.add(watch)
        _listen()
    try:
        yield watch
    finally:
        with _lock:
            _watches.discard(watch)


def until_ended(watch: Watch, seconds: float) -> bool:
    """Whether the watched generation came to its end within so many seconds."""
    last = time.monotonic() + seconds
    assert watch.generation_id is not None
    watched = Generation.objects.filter(id=watch.generation_id, status__in=ENDED)
    while not watched.exists():
        left = last - time.monotonic()
        if left <= 0:
            return False
        watch.sleep(left)
    return True


def stop() -> None:
    """End the listening thread and its connection; the next waiter starts them again."""
    global _listener, _stopping
    with _lock:
        listener, stopping = _listener, _stopping
        # A listener that is slow to end must not be taken for one that listens.
        _listener, _stopping = None, threading.Event()
    stopping.set()
    if listener is not None:
        listener.join(5)


def _listen() -> None:
    global _listener
    if _listener is None or not _listener.is_alive():
        _listener = threading.Thread(
            target=_listen_on, args=(_stopping,), name="generation-listener", daemon=True
        )
        _listener.start()


def _listen_on(stopping: threading.Event) -> None:
    """Until nobody has waited for a while. A cut connection is opened again."""
    quiet_since = time.monotonic()
    while not stopping.is_set():
        try:
            with psycopg.connect(
                **connection_parameters(application_name="seedbank-wait"),
                autocommit=True,
            ) as link:
                link.execute(f"LISTEN {GENERATION_CHANNEL}")
                _wake(None)  # what happened before we listened
                while not stopping.is_set():
                    for note in link.notifies(timeout=0.5):
                        _wake(note.payload)
                    quiet_since = time.monotonic() if _watches else quiet_since
                    if time.monotonic() - quiet_since > LISTEN_ON and _retired():
                        return
        except psycopg.Error as error:
            log.info("not listening for a moment: %s", type(error).__name__)
            stopping.wait(1.0)


def _retired() -> bool:
    """Give up the post, unless somebody has just begun to wait."""
    global _listener
    with _lock:
        if _watches:
            return False
        if _listener is threading.current_thread():
            _listener = None
        return True


def _wake(generation_id: str | None) -> None:
    with _lock:
        for watch in _watches:
            if generation_id is None or watch.wide or str(watch.generation_id) == generation_id:
                watch.wake(generation_id)
