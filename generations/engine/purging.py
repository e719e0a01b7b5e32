"""The end of the trash: after thirty days a picture is hidden for ever, then its objects are deleted.

In this order: nobody is ever shown a picture without bytes, and a purge that is interrupted
goes on from its rows. The row itself stays, without its words: what was paid for is on record.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta

from django.db.models.functions import Now

from generations.engine import converting, keeping
from generations.models import Asset, Copying
from generations.storage import StorageError

log = logging.getLogger(__name__)
KEPT = timedelta(days=30)
AT_ONCE = 200


def purge(seconds: float = 60.0) -> int:
    """Hide what is due and delete what is hidden, until time is up; how many pictures are gone."""
    end, gone = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        hidden = _hide()
        left = list(
            Asset.objects.filter(trashed_at__isnull=False, gone_at=None, purged_at__isnull=False)
            .exclude(id__in=Copying.objects.values("source"))
            .order_by("trashed_at")[:AT_ONCE]
        )
        for asset in left:
            if time.monotonic() > end or not _delete(asset):
                return gone
            gone += 1
        if not hidden and not left:
            break
    return gone


def _hide() -> int:
    due = Asset.objects.filter(
        trashed_at__isnull=False, gone_at=None, purged_at=None, trashed_at__lt=Now() - KEPT
    ).order_by("trashed_at")[:AT_ONCE]
    ids = list(due.values_list("id", flat=True))
    # Restored since then: not hidden.
    return Asset.objects.filter(id__in=ids, trashed_at__lt=Now() - KEPT).update(
        purged_at=Now(), favorite_of=[]
    )


def _delete(asset: Asset) -> bool:
    try:
        converting.forget(asset)
        keeping.delete(asset.storage_key)
    except StorageError as error:
        log.warning("the purge goes on later: %s", error)
        return False
    Asset.objects.filter(id=asset.id).update(gone_at=Now())
    return True
