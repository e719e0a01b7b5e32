"""Waking workers: a bell inside a process, and a publisher no request ever waits for."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)

BETWEEN = 0.25
"""Seconds between messages: publishing costs what a submit does, and one message can announce many rows.

Workers that listen to the database hear of what is due at once all the same.
"""

_bell: Callable[[], None] | None = None
_waiting: queue.Queue[Any] = queue.Queue(maxsize=32)
_publisher: threading.Thread | None = None
_starting = threading.Lock()


def hang(bell: Callable[[], None]) -> None:
    """Let messages wake this process's loop."""
    global _bell
    _bell = bell


def ring() -> None:
    """Wake the loop of this process, if it has one."""
    if _bell is not None:
        _bell()


def publish(task: Any) -> None:
    """Hand a wake-up to the background publisher; a full queue or a dead broker drops it.

    The workers look for due rows every second by themselves, so a lost message costs a second.
    """
    global _publisher
    with _starting:
        if _publisher is None or not _publisher.is_alive():
            _publisher = threading.Thread(target=_publish_all, name="publisher", daemon=True)
            _publisher.start()
    try:
        _waiting.put_nowait(task)
    except queue.Full:
        log.debug("wake-up dropped: the broker is slow")


def _publish_all() -> None:
    while True:
        task = _waiting.get()
        while not _waiting.empty():  # one message wakes for all
            _waiting.get_nowait()
        try:
            task.apply_async(retry=False)
        except (OperationalError, OSError) as error:
            log.warning("wake-up not sent: %s", type(error).__name__)
        time.sleep(BETWEEN)
