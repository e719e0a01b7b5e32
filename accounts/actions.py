"""What people do with people, keys and projects. Each verb is atomic and leaves an audit event."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from accounts import keys
from accounts.errors import Conflict, Invalid, NotAllowed, NotFound
from accounts.models import ApiKey, AuditEvent, Membership, Project, Role, Scope, User
from accounts.principal import Principal


def as_uuid(text: UUID | str) -> UUID | None:
    """The id somebody wrote, or None if it is none."""
    if isinstance(text, UUID):
        return text
    try:
        return UUID(text)
    except ValueError:
        return None


def audit(actor: User | None, verb: str, subject: object, **detail: object) -> None:
    """Write down who did what to what."""
    AuditEvent.objects.create(actor=actor, verb=verb, subject=str(subject)[:100], detail=detail)


@transaction.atomic
def create_user(*, email: str, password: str, staff: bool = False, name: str = "") -> User:
    """A person with a verified sign-in and a personal project. Raises Invalid, Conflict."""
    email = email.strip().lower()
    try:
        User._meta.get_field("email").clean(email, None)
    except ValidationError as error:
        raise Invalid("email must be an e-mail address.", fields={"email": error.messages}) from None
    try:
        validate_password(password, User(email=email, name=name))
    except ValidationError as error:
        raise Invalid(" ".join(error.messages), fields={"password": error.messages}) from None
    if User.objects.filter(email__iexact=email).exists():
        raise Conflict(f"{email} has a sign-in already.", code="user_exists")
    user = User.objects.create_user(email, password, is_staff=staff, is_superuser=staff, name=name)
    user.emailaddress_set.create(email=email, verified=True, primary=True)  # type: ignore[attr-defined]
    audit(user, "create_user", user.id, staff=staff)
    create_project(principal=Principal(user), name=f"{user.display_name}'s pictures")
    return user


@transaction.atomic
def create_project(*, principal: Principal, name: str) -> Project:
    """A project whose owner is the principal."""
    if not name.strip():
        raise Invalid("name must not be empty.", fields={"name": ["Give the project a name."]})
    if principal.project_id:
        raise NotAllowed("This key is bound to one project and cannot create another.")
    project = Project.objects.create(name=name.strip()[:200])
    Membership.objects.create(project=project, user=principal.user, role=Role.OWNER)
    audit(principal.user, "create_project", project.id, name=project.name)
    return project


def project_where(*, principal: Principal, project_id: UUID | str, role: Role) -> Project:
    """The project, if the principal is at least ``role`` there. Raises NotFound, NotAllowed."""
    wanted = as_uuid(project_id)
    project = Project.objects.visible_to(principal).filter(id=wanted).first() if wanted else None
    if project is None:
        raise NotFound("There is no such project.", code="project_not_found")
    if not Membership.objects.filter(
        project=project, user=principal.user, role__in=Role.at_least(role)
    ).exists():
        raise NotAllowed(f"This needs the role {Role(role).label.lower()} in {project.name}.")
    return project


def project_to_fill(*, principal: Principal, project_id: UUID | str) -> Project:
    """The project, if the principal may bring pictures into it. Raises NotFound, NotAllowed."""
    project = project_where(principal=principal, project_id=project_id, role=Role.EDITOR)
    if project.archived_at:
        raise NotAllowed(f"{project.name} is archived; choose another project.")
    return project


@transaction.atomic
def update_project(*, principal: Principal, project_id: UUID, name: str) -> Project:
    project = project_where(principal=principal, project_id=project_id, role=Role.OWNER)
    if not name.strip():
        raise Invalid("name must not be empty.", fields={"name": ["Give the project a name."]})
    Project.objects.filter(id=project.id).update(name=name.strip()[:200])
    audit(principal.user, "update_project", project.id, name=name.strip())
    project.refresh_from_db()
    return project


@transaction.atomic
def archive_project(*, principal: Principal, project_id: UUID) -> None:
    """Put a project away. Its pictures and books are kept."""
    project = project_where(principal=principal, project_id=project_id, role=Role.OWNER)
    Project.objects.filter(id=project.id, archived_at=None).update(archived_at=Now())
    audit(principal.user, "archive_project", project.id)


@transaction.atomic
def set_member(*, principal: Principal, project_id: UUID, email: str, role: str) -> Membership:
    """Let a person in, or change their role. Raises Invalid, NotFound, NotAllowed."""
    project = project_where(principal=principal, project_id=project_id, role=Role.OWNER)
    if role not in Role.values:
        raise Invalid("role must be owner, editor or viewer.", fields={"role": ["Unknown role."]})
    user = User.objects.filter(email__iexact=email.strip(), is_active=True).first()
    if user is None:
        raise Invalid(
            f"Nobody signs in as {email}.", fields={"email": ["Nobody signs in with this address."]}
        )
    _keep_an_owner(project, losing=user if role != Role.OWNER else None)
    membership, _ = Membership.objects.update_or_create(project=project, user=user, defaults={"role": role})
    audit(principal.user, "set_member", project.id, user=str(user.id), role=role)
    return membership


@transaction.atomic
def remove_member(*, principal: Principal, project_id: UUID, user_id: UUID) -> None:
    """Remove somebody, or leave. Their pictures stay."""
    leaving = user_id == principal.user.id
    project = project_where(
        principal=principal, project_id=project_id, role=Role.VIEWER if leaving else Role.OWNER
    )
    membership = Membership.objects.filter(project=project, user_id=user_id).select_related("user").first()
    if membership is None:
        raise NotFound("There is no such member.")
    _keep_an_owner(project, losing=membership.user)
    membership.delete()
    audit(principal.user, "remove_member", project.id, user=str(user_id))


def _keep_an_owner(project: Project, *, losing: User | None) -> None:
    owners = Membership.objects.select_for_update().filter(project=project, role=Role.OWNER)
    if losing is not None and {owner.user_id for owner in owners} == {losing.id}:
        raise Conflict("A project needs an owner; make somebody else owner first.", code="last_owner")


@transaction.atomic
def create_api_key(
    *,
    user: User,
    name: str,
    scopes: Sequence[str] = (),
    project_id: UUID | str | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """A key and its secret, which exists nowhere else. Without scopes: all that the person may do."""
    unknown = sorted(set(scopes) - set(Scope.values))
    if unknown:
        raise Invalid(
            f"scope must be one of {', '.join(Scope.values)}, not {', '.join(unknown)}.",
            fields={"scopes": [f"Unknown: {', '.join(unknown)}."]},
        )
    if Scope.ADMIN in scopes and not user.is_staff:
        raise Invalid("Only staff may have the scope admin.", fields={"scopes": ["admin is for staff."]})
    if not name.strip():
        raise Invalid("name must not be empty.", fields={"name": ["Give the key a name."]})
    if project_id is not None:
        project_where(principal=Principal(user), project_id=project_id, role=Role.VIEWER)
    everything = [scope for scope in Scope.values if scope != Scope.ADMIN or user.is_staff]
    for _ in range(3):
        secret, prefix = keys.mint()
        try:
            with transaction.atomic():
                key = ApiKey.objects.create(
                    user=user,
                    name=name.strip()[:100],
                    prefix=prefix,
                    digest=keys.digest(secret),
                    scopes=list(scopes) or everything,
                    project_id=project_id,
                    expires_at=expires_at,
                )
        except IntegrityError:
            continue  # eight characters can meet twice
        audit(user, "create_api_key", key.id, name=key.name, scopes=key.scopes)
        return key, secret
    raise Conflict("The key could not be made; try again.")


@transaction.atomic
def revoke_api_key(*, principal: Principal, key_id: UUID) -> None:
    changed = ApiKey.objects.filter(id=key_id, user=principal.user, revoked_at=None).update(revoked_at=Now())
    if not changed:
        raise NotFound("There is no such key.")
    audit(principal.user, "revoke_api_key", key_id)
