"""What happened in a project, newest first: what people did, and the work that ended.

Ids sort by time, so the audit trail and the generations are merged by them and paged by key. Work
appears at the time it was asked for, once it has ended; the works of a batch under their batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from accounts.actions import as_uuid
from accounts.models import AuditEvent, Project, Role, User
from generations.actions.notices import brief
from generations.models import Generation
from generations.states import ENDED, GenerationStatus

WORK = "work"
_SHORT = 100


SENTENCES: dict[str, str | Promise] = {
    "create_project": gettext_lazy("%(who)s created the project"),
    "update_project": gettext_lazy("%(who)s changed the project's settings"),
    "archive_project": gettext_lazy("%(who)s archived the project"),
    "unarchive_project": gettext_lazy("%(who)s took the project out of the archive"),
    "set_member": gettext_lazy("%(who)s made %(other)s %(role)s"),
    "remove_member": gettext_lazy("%(who)s removed %(other)s from the project"),
    "leave": gettext_lazy("%(who)s left the project"),
    "invite": gettext_lazy("%(who)s invited somebody as %(role)s"),
    "revoke_invitation": gettext_lazy("%(who)s took an invitation back"),
    "accept_invitation": gettext_lazy("%(who)s joined by invitation as %(role)s"),
    "upload": gettext_lazy("%(who)s uploaded a picture"),
    "update_asset": gettext_lazy("%(who)s changed a picture's name, tags or rating"),
    "trash_asset": gettext_lazy("%(who)s moved a picture to the trash"),
    "restore_asset": gettext_lazy("%(who)s restored a picture"),
    "share_asset": gettext_lazy("%(who)s made a share link to a picture"),
    "revoke_share": gettext_lazy("%(who)s revoked a share link"),
    "comment": gettext_lazy("%(who)s commented on a picture"),
    "edit_comment": gettext_lazy("%(who)s changed a comment"),
    "delete_comment": gettext_lazy("%(who)s deleted a comment"),
    "tag_assets": ngettext_lazy("%(who)s tagged %(n)d picture", "%(who)s tagged %(n)d pictures", "n"),
    "untag_assets": ngettext_lazy(
        "%(who)s took tags off %(n)d picture", "%(who)s took tags off %(n)d pictures", "n"
    ),
    "rate_assets": ngettext_lazy("%(who)s rated %(n)d picture", "%(who)s rated %(n)d pictures", "n"),
    "move_assets": ngettext_lazy("%(who)s moved %(n)d picture", "%(who)s moved %(n)d pictures", "n"),
    "copy_assets": ngettext_lazy("%(who)s copied %(n)d picture", "%(who)s copied %(n)d pictures", "n"),
    "collect_assets": ngettext_lazy(
        "%(who)s put %(n)d picture into a collection", "%(who)s put %(n)d pictures into a collection", "n"
    ),
    "uncollect_assets": ngettext_lazy(
        "%(who)s took %(n)d picture out of a collection",
        "%(who)s took %(n)d pictures out of a collection",
        "n",
    ),
    "trash_assets": ngettext_lazy(
        "%(who)s moved %(n)d picture to the trash", "%(who)s moved %(n)d pictures to the trash", "n"
    ),
    "restore_assets": ngettext_lazy("%(who)s restored %(n)d picture", "%(who)s restored %(n)d pictures", "n"),
    "create_collection": gettext_lazy("%(who)s made the collection “%(name)s”"),
    "update_collection": gettext_lazy("%(who)s changed the collection “%(name)s”"),
    "delete_collection": gettext_lazy("%(who)s deleted the collection “%(name)s”; its pictures stay"),
    "restore_collection": gettext_lazy("%(who)s took the collection “%(name)s” back"),
    "place_in_collection": gettext_lazy("%(who)s put a picture into a collection"),
    "take_from_collection": gettext_lazy("%(who)s took a picture out of a collection"),
    "save_search": gettext_lazy("%(who)s saved the search “%(name)s”"),
    "update_search": gettext_lazy("%(who)s changed the saved search “%(name)s”"),
    "delete_search": gettext_lazy("%(who)s deleted the saved search “%(name)s”"),
    "run_batch": gettext_lazy("%(who)s ran the batch “%(name)s”"),
    "pause_batch": gettext_lazy("%(who)s paused a batch"),
    "resume_batch": gettext_lazy("%(who)s resumed a batch"),
    "cancel_batch": gettext_lazy("%(who)s canceled a batch"),
    "cancel_generation": gettext_lazy("%(who)s canceled a generation"),
    "save_preset": gettext_lazy("%(who)s shared the preset “%(name)s”"),
    "update_preset": gettext_lazy("%(who)s changed the preset “%(name)s”"),
    "delete_preset": gettext_lazy("%(who)s deleted the preset “%(name)s”"),
    "restore_preset": gettext_lazy("%(who)s took the preset “%(name)s” back"),
    "compare": gettext_lazy("%(who)s began a comparison"),
}
"""A verb of the audit trail without a sentence here is nobody else's business and does not appear."""

_OPENS: dict[str, Callable[[AuditEvent], str]] = {
    **{
        verb: lambda event: f"/pictures/{event.subject}"
        for verb in ("upload", "update_asset", "restore_asset", "share_asset", "comment", "edit_comment")
    },
    "run_batch": lambda event: f"/batches/{event.subject}",
    "create_collection": lambda event: f"/library?collection={event.subject}",
    "update_collection": lambda event: f"/library?collection={event.subject}",
    "restore_collection": lambda event: f"/library?collection={event.subject}",
    "cancel_generation": lambda event: f"/generations/{event.subject}",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. ``path`` is what to open, or empty."""

    id: UUID
    at: datetime
    kind: str
    user: UUID | None
    sentence: str
    path: str


def read(project: Project, *, edge: UUID | None = None, newer: bool = False, limit: int) -> list[Entry]:
    """Up to ``limit`` + 1 entries of a project the caller may see, newest first: those older than the edge,
    or those next newer."""
    events = AuditEvent.objects.filter(project=project, verb__in=SENTENCES).select_related("actor")
    works = (
        Generation.objects.filter(project=project, batch=None, status__in=ENDED)
        .exclude(status=GenerationStatus.CANCELED)
        .select_related("user")
    )
    most, order = limit + 1, "id" if newer else "-id"
    if edge is not None:
        side = {"id__gt": edge} if newer else {"id__lt": edge}
        events, works = events.filter(**side), works.filter(**side)
    found: list[AuditEvent | Generation] = [*events.order_by(order)[:most], *works.order_by(order)[:most]]
    found.sort(key=lambda row: row.id, reverse=not newer)
    found = found[:most]
    if newer:
        found.reverse()
    others = _others([row for row in found if isinstance(row, AuditEvent)])
    return [_event(row, others) if isinstance(row, AuditEvent) else _work(row) for row in found]


def _others(events: Sequence[AuditEvent]) -> dict[str, User]:
    """The people whom something was done to."""
    named = (as_uuid(str(event.detail.get("user", ""))) for event in events)
    return {str(one): user for one, user in User.objects.in_bulk({one for one in named if one}).items()}


def _event(event: AuditEvent, others: dict[str, User]) -> Entry:
    detail: dict[str, Any] = event.detail
    other = others.get(str(detail.get("user", "")))
    verb = event.verb
    if verb == "remove_member" and detail.get("user") == str(event.actor_id):
        verb = "leave"
    role = detail.get("role")
    facts = {
        "who": event.actor.display_name if event.actor else _("Somebody"),
        "other": other.display_name if other else _("somebody"),
        "role": Role(role).label.lower() if role in Role.values else "",
        "name": brief(str(detail.get("name", "")), _SHORT),
        "n": int(detail.get("pictures", 1)),
    }
    opens = _OPENS.get(verb)
    path = opens(event) if opens else ""
    return Entry(event.id, event.at, event.verb, event.actor_id, str(SENTENCES[verb] % facts), path)


def _work(work: Generation) -> Entry:
    facts = {"who": work.user.display_name, "prompt": brief(work.prompt, _SHORT), "n": work.delivered}
    if work.status == GenerationStatus.SUCCEEDED:
        sentence = str(_MADE % facts)
    else:
        sentence = _("What %(who)s asked for could not be made: “%(prompt)s”") % facts
    return Entry(work.id, work.created_at, WORK, work.user_id, sentence, f"/generations/{work.id}")


_MADE = ngettext_lazy(
    "%(who)s made %(n)d picture: “%(prompt)s”", "%(who)s made %(n)d pictures: “%(prompt)s”", "n"
)
