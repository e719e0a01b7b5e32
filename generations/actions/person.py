"""A person's data: all of it as one document, and erasing who they are while what they made stays."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from allauth.account.models import EmailAddress
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import Count, Model, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import rows
from accounts.actions import archive_project, audit, locked_owners
from accounts.errors import Conflict, Invalid, NotAllowed
from accounts.models import ApiKey, AuditEvent, Invitation, Membership, Project, Role, User
from accounts.principal import Principal
from billing.models import Transfer
from billing.money import dollars
from generations.models import (
    Asset,
    Batch,
    Collection,
    Comment,
    Comparison,
    Generation,
    KeptAnswer,
    Notice,
    Preset,
    Reveal,
    SavedSearch,
    ShareLink,
    Tally,
    Vote,
)

_AT_A_TIME = 500
_Rows = QuerySet[Any, Any]


def export(principal: Principal) -> Iterator[str]:
    """One JSON document, in pieces: read by key, so a million pictures need no more memory than ten.

    Raises NotAllowed.
    """
    _whole_person(principal)
    return rows.lent(_pieces(principal.user))


def _pieces(user: User) -> Iterator[str]:
    yield '{"person": ' + _json(_profile(user))
    parts: dict[str, tuple[_Rows, Callable[[Any], dict[str, Any]]]] = {
        "projects": (Membership.objects.filter(user=user).select_related("project"), _membership),
        "keys": (ApiKey.objects.filter(user=user), _key),
        "presets": (Preset.objects.filter(user=user), _preset),
        "searches": (SavedSearch.objects.filter(user=user), _search),
        "generations": (Generation.objects.filter(user=user), _generation),
        "batches": (Batch.objects.filter(user=user), _batch),
        "pictures": (Asset.objects.filter(user=user, purged_at=None), _picture),
        "favorites": (Asset.objects.favorites_of(user), _favorite),
        "collections": (Collection.objects.filter(user=user), _collection),
        "shares": (ShareLink.objects.filter(user=user), _share),
        "comments": (Comment.objects.filter(user=user), _comment),
        "comparisons": (Comparison.objects.filter(user=user), _comparison),
        "votes": (Vote.objects.filter(user=user), _vote),
        "reveals": (Reveal.objects.filter(user=user), _reveal),
        "transfers": (Transfer.objects.of_user(user), _transfer),
        "notices": (Notice.objects.filter(user=user), _notice),
        "acts": (AuditEvent.objects.filter(actor=user), _act),
    }
    for name, (wanted, present) in parts.items():
        yield f', "{name}": ['
        for number, row in enumerate(_all(wanted)):
            yield (",\n" if number else "\n") + _json(present(row))
        yield "]"
    yield "}\n"


def stands_in_the_way(user: User) -> list[str]:
    """Why the person cannot be erased yet, each with its remedy; empty if nothing does."""
    said = []
    running = Generation.objects.live().filter(user=user).count()
    if running:
        said.append(
            ngettext(
                "%(n)d of your works is still running. Wait for it, or cancel it.",
                "%(n)d of your works are still running. Wait for them, or cancel them.",
                running,
            )
            % {"n": running}
        )
    shared = [project.name for project, people in _owned_alone(user) if people > 1]
    if shared:
        names = ", ".join(shared)
        sentence = _("You alone own %(names)s. Make somebody else owner there, or archive it first.")
        said.append(sentence % {"names": names})
    if user.is_staff and not User.objects.filter(is_staff=True, is_active=True).exclude(id=user.id).exists():
        said.append(_("You are the only member of staff. Make somebody else staff first."))
    return said


def left_alone(user: User) -> list[Project]:
    """Projects nobody else is in: erasing the person archives them."""
    return [project for project, people in _owned_alone(user) if people == 1]


@transaction.atomic
def erase(*, principal: Principal, password: str) -> None:
    """Take away who somebody is: sign-in, name, address, keys, what is theirs alone.

    Pictures, comments and books stay, under "a former member". Raises Invalid, NotAllowed, Conflict.
    """
    _whole_person(principal)
    # Before the person, as whoever leaves does: of owners who all go at once one is told to stay.
    locked_owners(Project.objects.where_may(principal, Role.OWNER))
    user = User.objects.select_for_update().get(id=principal.user.id)
    if not user.check_password(password):
        raise Invalid(_("password is not right."), fields={"password": [_("This is not your password.")]})
    if reasons := stands_in_the_way(user):
        raise Conflict(" ".join(reasons), code="not_yet")
    for project in left_alone(user):
        archive_project(principal=Principal(user), project_id=project.id)
        _unname(project)
    _take_away(user)
    user.email, user.name, user.language = f"{user.id}@erased.invalid", "", ""
    user.is_active = user.is_staff = user.is_superuser = False
    user.set_unusable_password()  # every session ends with it
    user.save()
    User.objects.filter(id=user.id).update(erased_at=Now(), last_login=None)
    audit(user, "erase_person", user.id)


def _take_away(user: User) -> None:
    EmailAddress.objects.filter(user=user).delete()
    ApiKey.objects.filter(user=user).update(revoked_at=Now(), name="", digest=b"", last_used_at=None)
    waiting = Invitation.objects.filter(accepted_at=None, revoked_at=None)
    waiting.filter(Q(invited_by=user) | Q(email=user.email)).update(revoked_at=Now())
    Invitation.objects.filter(email=user.email).update(email="")
    Membership.objects.filter(user=user).delete()
    Preset.objects.filter(user=user, project=None).delete()
    SavedSearch.objects.filter(user=user, project=None).delete()
    Notice.objects.filter(user=user).delete()
    KeptAnswer.objects.filter(user=user).delete()
    ShareLink.objects.filter(user=user).delete()  # dead already: who made them is no member
    _take_favourites(user)


def _unname(project: Project) -> None:
    """Its first name was its person's."""
    Project.objects.filter(id=project.id).update(name=_("A former member's pictures"))
    AuditEvent.objects.filter(verb="create_project", project=project).update(detail={})


def _take_favourites(user: User) -> None:
    without = RawSQL("array_remove(favorite_of, %s::uuid)", [user.id])
    Asset.objects.favorites_of(user).update(favorite_of=without)
    Tally.objects.filter(facet="favorite", value=str(user.id)).delete()


def _owned_alone(user: User) -> list[tuple[Project, int]]:
    """Projects in use of which the person is the only owner, and how many people are in each."""
    mine = Membership.objects.filter(user=user, role=Role.OWNER, project__archived_at=None)
    owners = Count("project__memberships", filter=Q(project__memberships__role=Role.OWNER), distinct=True)
    counted = mine.annotate(owners=owners, people=Count("project__memberships", distinct=True))
    found = counted.filter(owners=1).select_related("project").order_by("project__name", "id")
    return [(row.project, row.people) for row in found]


def _whole_person(principal: Principal) -> None:
    if principal.project_id is not None:
        raise NotAllowed(_("A key that is bound to one project does not stand for the whole person."))


def _all(wanted: _Rows) -> Iterator[Model]:
    last: Any = None
    while found := list((wanted if last is None else wanted.filter(pk__gt=last)).order_by("pk")[:_AT_A_TIME]):
        yield from found
        last = found[-1].pk


def _json(value: object) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)


def _fields(row: Model, *names: str) -> dict[str, Any]:
    return {name.removesuffix("_id"): getattr(row, name) for name in names}


def _profile(user: User) -> dict[str, Any]:
    return _fields(user, "id", "email", "name", "language", "date_joined", "last_login", "is_staff")


def _membership(row: Membership) -> dict[str, Any]:
    return {"id": row.project_id, "name": row.project.name, "role": row.role, "since": row.created_at}


def _key(row: ApiKey) -> dict[str, Any]:
    """Without its secret, which nobody has."""
    facts = _fields(row, "id", "name", "prefix", "scopes", "project_id", "networks")
    return {**facts, **_fields(row, "created_at", "expires_at", "revoked_at", "last_used_at")}


def _preset(row: Preset) -> dict[str, Any]:
    return _fields(row, "id", "project_id", "name", "body", "created_at", "deleted_at")


def _search(row: SavedSearch) -> dict[str, Any]:
    return _fields(row, "id", "project_id", "name", "address", "created_at")


def _generation(row: Generation) -> dict[str, Any]:
    facts = _fields(row, "id", "project_id", "batch_id", "model", "provider", "prompt", "parameters")
    more = _fields(row, "metadata", "tags", "status", "requested", "delivered", "created_at", "finished_at")
    return {**facts, **more, "charged": dollars(row.charged)}


def _batch(row: Batch) -> dict[str, Any]:
    facts = _fields(row, "id", "project_id", "name", "works", "pictures", "created_at")
    return {**facts, "quoted": dollars(row.quoted)}


def _picture(row: Asset) -> dict[str, Any]:
    facts = _fields(row, "id", "project_id", "generation_id", "kind", "name", "prompt", "sha256", "bytes")
    more = _fields(row, "format", "width", "height", "tags", "rating", "created_at", "trashed_at")
    return {**facts, **more, "content": f"/api/v1/assets/{row.id}/content"}


def _favorite(row: Asset) -> dict[str, Any]:
    return _fields(row, "id", "project_id")


def _collection(row: Collection) -> dict[str, Any]:
    return _fields(row, "id", "project_id", "name", "created_at", "deleted_at")


def _share(row: ShareLink) -> dict[str, Any]:
    """Without its password, of which only a hash is there."""
    return _fields(row, "id", "asset_id", "may_download", "views", "created_at", "expires_at", "revoked_at")


def _comparison(row: Comparison) -> dict[str, Any]:
    return _fields(row, "id", "project_id", "prompt", "created_at")


def _vote(row: Vote) -> dict[str, Any]:
    return _fields(row, "id", "comparison_id", "one_id", "other_id", "winner_id", "created_at")


def _reveal(row: Reveal) -> dict[str, Any]:
    return _fields(row, "id", "generation_id", "at")


def _act(row: AuditEvent) -> dict[str, Any]:
    return _fields(row, "id", "at", "verb", "subject", "project_id", "detail")


def _comment(row: Comment) -> dict[str, Any]:
    return _fields(row, "id", "asset_id", "text", "created_at", "edited_at")


def _transfer(row: Transfer) -> dict[str, Any]:
    facts = _fields(
        row, "id", "kind", "memo", "generation_id", "project_id", "provider", "model", "created_at"
    )
    return {**facts, "amount": dollars(row.amount)}


def _notice(row: Notice) -> dict[str, Any]:
    return _fields(row, "id", "kind", "project_id", "about", "created_at", "read_at")
