"""What people do with people, keys and projects. Each verb is atomic and leaves an audit event."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import Error, IntegrityError, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from accounts import keys, rows
from accounts.errors import Conflict, Invalid, NotAllowed, NotFound
from accounts.models import ApiKey, AuditEvent, Membership, Project, Role, Scope, User
from accounts.networks import networks_in
from accounts.principal import Principal
from accounts.texts import bare

log = logging.getLogger(__name__)
_A_MINUTE = timedelta(minutes=1)


def as_uuid(text: UUID | str) -> UUID | None:
    """The id somebody wrote, or None if it is none."""
    if isinstance(text, UUID):
        return text
    try:
        return UUID(text)
    except ValueError:
        return None


def audit(
    actor: User | None, verb: str, subject: object, project: UUID | None = None, **detail: object
) -> None:
    """Write down who did what to what, and in which project."""
    AuditEvent.objects.create(
        actor=actor, verb=verb, subject=str(subject)[:100], project_id=project, detail=detail
    )


def audit_refusal(actor: User, tried: str) -> None:
    """Write down that somebody tried what is not theirs to do: once a minute, however often they try.

    If it cannot be written, the answer is the refusal all the same.
    """
    tried = tried[:100]
    lately = AuditEvent.objects.filter(actor=actor, verb="refused", subject=tried, at__gt=Now() - _A_MINUTE)
    try:
        if not lately.exists():
            audit(actor, "refused", tried)
    except Error as error:
        log.warning("a refused try is not in the audit trail: %s", type(error).__name__)


@transaction.atomic
def create_user(*, email: str, password: str, staff: bool = False, name: str = "") -> User:
    """A person with a verified sign-in and a personal project. Raises Invalid, Conflict."""
    email = email.strip().lower()
    try:
        User._meta.get_field("email").clean(email, None)
    except ValidationError as error:
        raise Invalid(_("email must be an e-mail address."), fields={"email": error.messages}) from None
    try:
        validate_password(password, User(email=email, name=name))
    except ValidationError as error:
        raise Invalid(" ".join(error.messages), fields={"password": error.messages}) from None
    if User.objects.filter(email__iexact=email).exists():
        raise Conflict(_("%(email)s already has an account.") % {"email": email}, code="user_exists")
    user = User.objects.create_user(email, password, is_staff=staff, is_superuser=staff, name=name)
    user.emailaddress_set.create(email=email, verified=True, primary=True)  # type: ignore[attr-defined]
    audit(user, "create_user", user.id, staff=staff)
    create_project(principal=Principal(user), name=f"{user.display_name}'s pictures")
    return user


@transaction.atomic
def create_project(*, principal: Principal, name: str) -> Project:
    """A project whose owner is the principal."""
    name = bare(name)
    if not name:
        raise Invalid(_("name must not be empty."), fields={"name": [_("Give the project a name.")]})
    if principal.project_id:
        raise NotAllowed(_("This key is bound to one project and cannot create another."))
    project = Project.objects.create(name=name[:200])
    Membership.objects.create(project=project, user=principal.user, role=Role.OWNER)
    audit(principal.user, "create_project", project.id, project.id, name=project.name)
    return project


def project_where(*, principal: Principal, project_id: UUID | str, role: Role) -> Project:
    """The project, if the principal is at least ``role`` there. Raises NotFound, NotAllowed."""
    wanted = as_uuid(project_id)
    within = wanted is not None and principal.project_id in {None, wanted}
    found = rows.planned(rows.composed(_as_member), [principal.user.id, wanted]) if within else []
    if not found:
        raise NotFound(_("There is no such project."), code="project_not_found")
    project = rows.instance(Project, found[0])
    if found[0][rows.width(Project)] not in Role.at_least(role):
        raise NotAllowed(
            _("This needs the role %(role)s in %(project)s.")
            % {"role": Role(role).label.lower(), "project": project.name}
        )
    return project


def _as_member() -> QuerySet[Project]:
    """One project as its member sees it, and the role they have there."""
    nobody = User()
    return (
        Project.objects.visible_to(Principal(nobody))
        .filter(id=nobody.id)
        .annotate(role=F("memberships__role"))
    )


def project_to_fill(*, principal: Principal, project_id: UUID | str) -> Project:
    """The project, if the principal may bring pictures into it. Raises NotFound, NotAllowed."""
    project = project_where(principal=principal, project_id=project_id, role=Role.EDITOR)
    if project.archived_at:
        raise NotAllowed(_("%(name)s is archived; choose another project.") % {"name": project.name})
    return project


def oldest_to_fill(principal: Principal) -> Project | None:
    """The project that pictures go to where none is named: the key's own, else the person's oldest."""
    if principal.project_id:
        return _open_projects(principal).first()
    user_id = principal.user.id
    values = [user_id, *Role.at_least(Role.EDITOR), user_id]
    found = rows.planned(rows.composed(_oldest_project), values)
    return rows.instance(Project, found[0]) if found else None


def _open_projects(principal: Principal) -> QuerySet[Project]:
    return Project.objects.where_may(principal, Role.EDITOR).filter(archived_at=None).order_by("id")


def _oldest_project() -> QuerySet[Project]:
    return _open_projects(Principal(User()))[:1]


@transaction.atomic
def update_project(
    *,
    principal: Principal,
    project_id: UUID,
    name: str | None = None,
    prompts_in_pictures: bool | None = None,
) -> Project:
    """Change what is not None. Raises Invalid, NotFound, NotAllowed."""
    project = project_where(principal=principal, project_id=project_id, role=Role.OWNER)
    name = None if name is None else bare(name)[:200]
    if name == "":
        raise Invalid(_("name must not be empty."), fields={"name": [_("Give the project a name.")]})
    wanted = {"name": name, "prompts_in_pictures": prompts_in_pictures}
    changes = {what: value for what, value in wanted.items() if value is not None}
    if changes:
        Project.objects.filter(id=project.id).update(**changes)
        audit(principal.user, "update_project", project.id, project.id, **changes)
        project.refresh_from_db()
    return project


@transaction.atomic
def archive_project(*, principal: Principal, project_id: UUID) -> None:
    """Put a project away. Its pictures and books are kept."""
    project = project_where(principal=principal, project_id=project_id, role=Role.OWNER)
    if Project.objects.filter(id=project.id, archived_at=None).update(archived_at=Now()):
        audit(principal.user, "archive_project", project.id, project.id)


@transaction.atomic
def unarchive_project(*, principal: Principal, project_id: UUID) -> None:
    """Take a project out again: new pictures can be made in it."""
    project = project_where(principal=principal, project_id=project_id, role=Role.OWNER)
    if Project.objects.filter(id=project.id, archived_at__isnull=False).update(archived_at=None):
        audit(principal.user, "unarchive_project", project.id, project.id)


@transaction.atomic
def set_member(*, principal: Principal, project_id: UUID, email: str, role: str) -> Membership:
    """Let a person in, or change their role. Raises Invalid, NotFound, NotAllowed."""
    project = project_where(principal=principal, project_id=project_id, role=Role.OWNER)
    if role not in Role.values:
        raise Invalid(_("role must be owner, editor or viewer."), fields={"role": [_("Unknown role.")]})
    user = User.objects.filter(email__iexact=bare(email), is_active=True).first()
    if user is None:
        raise Invalid(
            _("Nobody signs in as %(email)s.") % {"email": email},
            fields={"email": [_("Nobody signs in with this address.")]},
        )
    if not user.is_known_in(project):
        raise Invalid(
            _("Nobody has proved that %(email)s is theirs; invite them instead.") % {"email": user.email},
            fields={"email": [_("Nobody has proved that this address is theirs; invite them instead.")]},
        )
    _keep_an_owner(project, losing=user if role != Role.OWNER else None)
    membership, _made = Membership.objects.update_or_create(
        project=project, user=user, defaults={"role": role}
    )
    audit(principal.user, "set_member", project.id, project.id, user=str(user.id), role=role)
    return membership


@transaction.atomic
def remove_member(*, principal: Principal, project_id: UUID, user_id: UUID) -> Membership:
    """Remove somebody, or leave; what they were is returned. Their pictures stay."""
    leaving = user_id == principal.user.id
    project = project_where(
        principal=principal, project_id=project_id, role=Role.VIEWER if leaving else Role.OWNER
    )
    membership = Membership.objects.filter(project=project, user_id=user_id).select_related("user").first()
    if membership is None:
        raise NotFound(_("There is no such member."))
    _keep_an_owner(project, losing=membership.user)
    membership.delete()
    audit(principal.user, "remove_member", project.id, project.id, user=str(user_id))
    return membership


def locked_owners(projects: Iterable[Project]) -> list[Membership]:
    """Whose they are, for nobody else to change before the transaction ends; always in one order."""
    owners = Membership.objects.select_for_update().filter(project__in=projects, role=Role.OWNER)
    return list(owners.order_by("id"))


def _keep_an_owner(project: Project, *, losing: User | None) -> None:
    if losing and {owner.user_id for owner in locked_owners([project])} == {losing.id}:
        raise Conflict(_("A project needs an owner; make somebody else owner first."), code="last_owner")


@transaction.atomic
def create_api_key(
    *,
    user: User,
    name: str,
    scopes: Sequence[str] = (),
    project_id: UUID | str | None = None,
    expires_at: datetime | None = None,
    networks: Sequence[str] = (),
) -> tuple[ApiKey, str]:
    """A key and its secret, which exists nowhere else. Without scopes: all that the person may do.

    Without networks it may be used from anywhere.
    """
    _check_scopes(user, scopes)
    near = networks_in(networks)
    name = bare(name)
    if not name:
        raise Invalid(_("name must not be empty."), fields={"name": [_("Give the key a name.")]})
    if project_id is not None:
        project_where(principal=Principal(user), project_id=project_id, role=Role.VIEWER)
    everything = [scope for scope in Scope.values if scope != Scope.ADMIN or user.is_staff]
    for _attempt in range(3):
        secret, prefix = keys.mint()
        try:
            with transaction.atomic():
                key = ApiKey.objects.create(
                    user=user,
                    name=name[:100],
                    prefix=prefix,
                    digest=keys.digest(secret),
                    scopes=list(scopes) or everything,
                    project_id=project_id,
                    expires_at=expires_at,
                    networks=near,
                )
        except IntegrityError:
            continue  # eight characters can meet twice
        audit(user, "create_api_key", key.id, name=key.name, scopes=key.scopes, networks=near)
        return key, secret
    raise Conflict(_("The key could not be made; try again."))


def _check_scopes(user: User, scopes: Sequence[str]) -> None:
    unknown = sorted(set(scopes) - set(Scope.values))
    if unknown:
        raise Invalid(
            _("scope must be one of %(scopes)s, not %(unknown)s.")
            % {"scopes": ", ".join(Scope.values), "unknown": ", ".join(unknown)},
            fields={"scopes": [_("Unknown: %(unknown)s.") % {"unknown": ", ".join(unknown)}]},
        )
    if Scope.ADMIN in scopes and not user.is_staff:
        raise Invalid(
            _("Only staff may have the scope admin."), fields={"scopes": [_("admin is for staff.")]}
        )


@transaction.atomic
def revoke_api_key(*, principal: Principal, key_id: UUID) -> None:
    changed = ApiKey.objects.filter(id=key_id, user=principal.user, revoked_at=None).update(revoked_at=Now())
    if not changed:
        raise NotFound(_("There is no such key."))
    audit(principal.user, "revoke_api_key", key_id)
