"""Telling people of work that ended while they looked elsewhere; mailing them the end of a long batch.

Found by the sweep, through indexes that hold such work alone, so that ending a generation costs no more.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Max
from django.db.models.functions import Now
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts import mailing
from generations.models import Batch, Notice
from generations.models.ids import id_at
from generations.states import GenerationStatus

WORK_ENDED = "work_ended"
BATCH_ENDED = "batch_ended"
LONG_BATCH = timedelta(minutes=5)
KEPT = timedelta(days=90)
_SINCE = timedelta(hours=1)
_AT_ONCE = 200
# The conditions of the index generation_long, in its words. A program that asked with a key needs no notice.
_ENDED = """
SELECT made.id, made.user_id, made.project_id FROM generations_generation AS made
WHERE made.finished_at > now() - %(since)s::interval
  AND made.finished_at - made.created_at > interval '60 seconds'
  AND made.batch_id IS NULL AND made.key_id IS NULL AND made.status <> %(canceled)s
  AND NOT EXISTS (
    SELECT 1 FROM generations_notice AS told
    WHERE told.user_id = made.user_id AND told.id > %(floor)s AND told.kind = %(kind)s
      AND told.about ->> 'generation' = made.id::text)
ORDER BY made.finished_at LIMIT %(most)s
"""


def look_after() -> None:
    """Harmless twice, and at once."""
    with transaction.atomic():
        if _alone():
            _tell()
            Notice.objects.filter(id__lt=id_at(timezone.now() - KEPT)).delete()
    for notice in Notice.objects.filter(kind=BATCH_ENDED, mailed_at=None).order_by("id")[:_AT_ONCE]:
        if Notice.objects.filter(id=notice.id, mailed_at=None).update(mailed_at=Now()):
            _mail(notice)


def _alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('seedbank noticing'))")
        row = cursor.fetchone()
    return bool(row and row[0])


def _tell() -> None:
    values: dict[str, Any] = {
        "since": _SINCE,
        "canceled": GenerationStatus.CANCELED,
        "floor": id_at(timezone.now() - 2 * _SINCE),
        "kind": WORK_ENDED,
        "most": _AT_ONCE,
    }
    with connection.cursor() as cursor:
        cursor.execute(_ENDED, values)
        rows = cursor.fetchall()
    Notice.objects.bulk_create(
        Notice(user_id=user, project_id=project, kind=WORK_ENDED, about={"generation": str(generation)})
        for generation, user, project in rows
    )


def _mail(notice: Notice) -> None:
    """At most once: a mail too few is better than one too many."""
    batch = Batch.objects.filter(id=str(notice.about.get("batch", ""))).select_related("user").first()
    if batch is None or not batch.user.is_active or not mailing.goes_out():
        return
    ended = batch.generations.aggregate(last=Max("finished_at"))["last"]
    if ended is None or ended - batch.created_at < LONG_BATCH:
        return
    short = batch.generations.filter(delivered__lt=F("requested")).count()
    with translation.override(batch.user.language or "en"):
        said = {"name": batch.name, "link": f"{settings.PUBLIC_URL}/batches/{batch.id}", "n": short}
        lines = [_("The batch “%(name)s” has ended.") % said]
        if short:
            lines.append(_("Not everything could be made: %(n)d of its works fell short.") % said)
        mailing.send(
            to=batch.user.email,
            subject=_("Your batch has ended: %(name)s") % said,
            body="\n\n".join([*lines, str(said["link"])]),
        )
