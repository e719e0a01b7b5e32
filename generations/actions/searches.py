"""Searches worth keeping: a person's own, or shared with a project's members."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.http import QueryDict
from django.utils.translation import gettext as _

from accounts.actions import audit, project_where
from accounts.errors import NotFound, wrong
from accounts.models import Role
from accounts.principal import Principal
from generations.actions.keepsakes import check_may_change, clean_name, one_by_one
from generations.models import SavedSearch
from generations.models.search import Search

LONGEST_NAME = 100
LONGEST_ADDRESS = 2000
MOST = 200
"""Of one person."""


def visible(principal: Principal, search_id: UUID) -> SavedSearch:
    """Raises NotFound."""
    found = SavedSearch.objects.visible_to(principal).filter(id=search_id).first()
    if found is None:
        raise NotFound(_("There is no such search."), code="search_not_found")
    return found


def of(saved: SavedSearch) -> Search:
    """What is looked for; what became meaningless since is left out."""
    return Search.of(QueryDict(saved.address))


@transaction.atomic
def save(*, principal: Principal, name: str, search: Search, project_id: UUID | None = None) -> SavedSearch:
    """Keep a search for myself, or with ``project_id`` for that project's members; editors may.

    Raises Invalid, NotFound, NotAllowed.
    """
    if project_id is not None:
        project_where(principal=principal, project_id=project_id, role=Role.EDITOR)
    address = _address(search)
    one_by_one(principal.user.id)
    if SavedSearch.objects.filter(user=principal.user).count() >= MOST:
        raise wrong(
            "search", _("would be one more than the %(most)s you may keep; delete one.") % {"most": MOST}
        )
    saved = SavedSearch.objects.create(
        user=principal.user,
        project_id=project_id,
        name=clean_name(name, LONGEST_NAME),
        address=address,
    )
    audit(principal.user, "save_search", saved.id, project_id, name=saved.name)
    return saved


@transaction.atomic
def update(
    *, principal: Principal, search_id: UUID, name: str | None = None, search: Search | None = None
) -> SavedSearch:
    """Rename it, or let it look for something else. Raises Invalid, NotFound, NotAllowed."""
    saved = _mine(principal, search_id)
    changes: dict[str, str] = {}
    if name is not None:
        changes["name"] = clean_name(name, LONGEST_NAME)
    if search is not None:
        changes["address"] = _address(search)
    SavedSearch.objects.filter(id=saved.id).update(**changes)  # only this: somebody may be changing the rest
    saved = visible(principal, saved.id)  # unless somebody deleted it meanwhile
    audit(principal.user, "update_search", saved.id, saved.project_id, name=saved.name)
    return saved


@transaction.atomic
def delete(*, principal: Principal, search_id: UUID) -> None:
    """Raises NotFound, NotAllowed."""
    saved = _mine(principal, search_id)
    audit(principal.user, "delete_search", saved.id, saved.project_id, name=saved.name)
    saved.delete()


def _address(search: Search) -> str:
    """What is kept of it. Raises Invalid."""
    address = search.address
    if not address:
        raise wrong("search", _("looks for everything; choose words or a filter first."))
    if len(address) > LONGEST_ADDRESS:
        raise wrong("search", _("is too long to keep; take away some values."))
    return address


def _mine(principal: Principal, search_id: UUID) -> SavedSearch:
    saved = visible(principal, search_id)
    check_may_change(principal, saved)
    return saved
