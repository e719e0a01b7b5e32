"""What people keep under a name, for themselves or for a project: its name, and who may change it."""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import gettext as _

from accounts.actions import project_where
from accounts.errors import wrong
from accounts.models import Role, User
from accounts.principal import Principal
from generations.models import Preset, SavedSearch


def clean_name(name: str, longest: int) -> str:
    """On one line. Raises Invalid."""
    cleaned = " ".join(name.replace("\x00", "").split())
    if not 0 < len(cleaned) <= longest:
        raise wrong("name", _("must be 1 to %(most)s characters; give it a name.") % {"most": longest})
    return cleaned


def one_by_one(user_id: UUID) -> None:
    """Until the transaction ends nothing else is kept for this person, so a count of what is kept holds."""
    User.objects.select_for_update(no_key=True).get(id=user_id)


def check_may_change(principal: Principal, kept: Preset | SavedSearch) -> None:
    """My own I may, if shared only while I may edit there; somebody else's are for the owners.

    Raises NotFound, NotAllowed.
    """
    if kept.project_id is not None:
        role = Role.EDITOR if kept.user_id == principal.user.id else Role.OWNER
        project_where(principal=principal, project_id=kept.project_id, role=role)
