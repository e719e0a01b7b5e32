"""The store is tidied by itself: beat asks a worker to, every hour."""

from __future__ import annotations

import os
import time
from pathlib import Path

from celery import current_app
from django.conf import settings

from generations.storage import FolderStorage, originals

WEEK = 7 * 86400


def test_beat_asks_for_tidying_and_what_was_in_quarantine_for_a_week_goes(db: None) -> None:
    store = originals()
    assert isinstance(store, FolderStorage)
    old, fresh = (_put_aside(Path(store.location), age) for age in (WEEK + 3600, WEEK - 3600))

    asked_for = str(settings.CELERY_BEAT_SCHEDULE["tidy"]["task"])
    current_app.tasks[asked_for].apply(throw=True)
    assert not old.exists()
    assert fresh.exists()


def test_a_store_that_is_away_is_tidied_another_time(db: None) -> None:
    store = originals()
    assert isinstance(store, FolderStorage)
    location = Path(store.location)
    location.parent.mkdir(parents=True, exist_ok=True)
    location.write_text("no folder")

    current_app.tasks["generations.tasks.tidy"].apply(throw=True)


def _put_aside(root: Path, age: float) -> Path:
    """A rejected picture that was put aside so many seconds ago."""
    file = root / ".quarantine" / f"{age} s"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"no picture")
    os.utime(file, (time.time() - age,) * 2)
    return file
