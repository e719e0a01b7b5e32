"""Making the copies that were asked for: the object first, read back; the row that shows it second."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from accounts import rows
from generations import imaging
from generations.engine import keeping
from generations.models import Asset, Copying, derivative_key, original_key
from generations.storage import StorageError, originals

log = logging.getLogger(__name__)
LEASE = timedelta(minutes=2)

_CLAIM = """
UPDATE generations_copying SET due_at = clock_timestamp() + %(lease)s * (1 + tries), tries = tries + 1
WHERE id = (
  SELECT id FROM generations_copying WHERE due_at <= clock_timestamp() AND (%(any)s OR id = ANY(%(ids)s))
  ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id
"""


def work(ids: Sequence[UUID] | None = None, seconds: float = 8.0) -> int:
    """Make copies that are due, of these or of all, until time is up; how many were made."""
    end, made = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        claimed = rows.planned(_CLAIM, {"lease": LEASE, "any": ids is None, "ids": list(ids or [])})
        if not claimed:
            break
        made += _make(claimed[0][0])
    return made


def _make(copy_id: UUID) -> bool:
    asked = Copying.objects.select_related("source", "project").filter(id=copy_id).first()
    if asked is None:
        return False
    source = asked.source
    key = original_key(asked.project_id, asked.id, source.sha256)
    try:
        with keeping.where_it_was_kept():
            originals().copy(source.storage_key, key, source.sha256)
        _copy_smaller(source.storage_key, key)
    except FileNotFoundError:
        log.error("asset %s cannot be copied: its original is missing", source.id)
        asked.delete()
        return False
    except StorageError as error:
        log.warning("asset %s will be copied later: %s", source.id, error)
        return False
    with transaction.atomic():
        if not Copying.objects.filter(id=copy_id).delete()[0]:
            return False  # somebody else was quicker, with the same object
        _insert(asked, key)
    return True


def _insert(asked: Copying, key: str) -> None:
    """All that is known of the picture, but for its generation, its price and whose favourite it is."""
    row = Asset.objects.get(id=asked.source_id)
    row.id, row.storage_key = asked.id, key
    row.project_id, row.user_id, row.copied_from_id = asked.project_id, asked.user_id, asked.source_id
    row.generation, row.charged, row.late = None, 0, False
    row.favorite_of, row.trashed_at, row.purged_at, row.gone_at = [], None, None, None
    row.created_at = Now()
    row._state.adding = True
    row.save(force_insert=True)


def _copy_smaller(key: str, to_key: str) -> None:
    """What is missing is made again when somebody looks."""
    for size in imaging.SIZES:
        try:
            with originals().local_copy(derivative_key(key, size)) as path:
                originals().replace(derivative_key(to_key, size), path, "image/webp")
        except FileNotFoundError:
            continue
