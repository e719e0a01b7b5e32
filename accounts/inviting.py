"""Invitations: a way into a project, by e-mail for one person or by a link for whoever has it, once."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts import mailing
from accounts.actions import as_uuid, audit, create_user, project_where
from accounts.errors import Conflict, Invalid, NotFound
from accounts.models import Invitation, Membership, Project, Role, User
from accounts.principal import Principal
from accounts.texts import bare

LIFETIME = timedelta(days=7)
MOST_OPEN = 200
_SIGNER = signing.Signer(sep=".", salt="invitation")
_MAILED = signing.Signer(sep=".", salt="mailed invitation")
"""Of links that stand in a mail and nowhere else: whoever has one reads what comes to its address."""


def address(invitation: Invitation) -> str:
    """The link that lets somebody in, as its owners see it."""
    return _leading_to(token_of(invitation))


def token_of(invitation: Invitation) -> str:
    """The last part of its link."""
    return _SIGNER.sign(str(invitation.id))


def open_ones(*, principal: Principal, project_id: UUID) -> QuerySet[Invitation]:
    """Those of a project that still let somebody in, for its owners. Raises NotFound, NotAllowed."""
    project = project_where(principal=principal, project_id=project_id, role=Role.OWNER)
    return Invitation.objects.open().filter(project=project).select_related("invited_by", "project")


def invite(*, principal: Principal, project_id: UUID, email: str = "", role: str = Role.EDITOR) -> Invitation:
    """Make an invitation, for one address or, without one, for a link. A new one replaces the address's old.

    Raises Invalid, Conflict, NotFound, NotAllowed.
    """
    email = email.strip().lower()
    if role not in Role.values:
        raise Invalid(_("role must be owner, editor or viewer."), fields={"role": [_("Unknown role.")]})
    if email:
        try:
            User._meta.get_field("email").clean(email, None)
        except ValidationError as error:
            raise Invalid(_("email must be an e-mail address."), fields={"email": error.messages}) from None
    with transaction.atomic():
        project = project_where(principal=principal, project_id=project_id, role=Role.OWNER)
        _check_open(project)
        if email and Membership.objects.filter(project=project, user__email__iexact=email).exists():
            raise Conflict(_("%(who)s is in the project already.") % {"who": email}, code="already_member")
        opened = Invitation.objects.open().filter(project=project)
        if email:
            opened.filter(email=email).update(revoked_at=Now())
        if opened.count() >= MOST_OPEN:
            raise Conflict(
                _("There are %(n)d open invitations; revoke some first.") % {"n": MOST_OPEN},
                code="too_many_invitations",
            )
        made = Invitation.objects.create(
            project=project,
            email=email,
            role=role,
            invited_by=principal.user,
            expires_at=timezone.now() + LIFETIME,
        )
        audit(principal.user, "invite", made.id, project.id, role=role, by="mail" if email else "link")
    return made


def send(invitation: Invitation) -> bool:
    """Mail it to its address, outside any transaction; whether it was handed over."""
    if not invitation.email:
        return False
    known = User.objects.filter(email__iexact=invitation.email).first()
    proof = _MAILED.sign(str(invitation.id)) if mailing.goes_out() else token_of(invitation)
    with translation.override((known and known.language) or translation.get_language() or "en"):
        who, project = invitation.invited_by.display_name, invitation.project.name
        subject = _("%(who)s invites you to %(project)s") % {"who": who, "project": project}
        body = _(
            "%(who)s invites you to the project %(project)s on Seedbank, as %(role)s.\n\n"
            "%(link)s\n\nThe link works once, within seven days, for this address alone."
        ) % {
            "who": who,
            "project": project,
            "role": Role(invitation.role).label.lower(),
            "link": _leading_to(proof),
        }
    return mailing.send(to=invitation.email, subject=subject, body=body)


@transaction.atomic
def revoke(*, principal: Principal, invitation_id: UUID) -> Invitation:
    """Raises NotFound, NotAllowed."""
    found = visible(principal, invitation_id)
    project_where(principal=principal, project_id=found.project_id, role=Role.OWNER)
    open_one = Invitation.objects.open().filter(id=found.id)
    if open_one.update(revoked_at=Now()):
        audit(principal.user, "revoke_invitation", found.id, found.project_id, role=found.role)
    return found


def visible(principal: Principal, invitation_id: UUID) -> Invitation:
    """An invitation to one of my projects; what it says is its owners' business. Raises NotFound."""
    mine = Project.objects.visible_to(principal)
    found = Invitation.objects.filter(id=invitation_id, project__in=mine).select_related("project").first()
    if found is None:
        raise NotFound(_("There is no such invitation."), code="invitation_not_found")
    return found


def read(token: str) -> Invitation:
    """The invitation behind a link, while it lets somebody in. Raises NotFound with what became of it."""
    wanted = as_uuid(_signed(_SIGNER, token) or _signed(_MAILED, token))
    rows = Invitation.objects.select_related("project", "invited_by")
    found = rows.filter(id=wanted).first() if wanted else None
    if found is None:
        raise _over(_("There is no such invitation. Look whether the whole link was copied."))
    if found.accepted_at:
        raise _over(_("This invitation has been used. It works once; ask for another."))
    if found.revoked_at or not _stands_for(found):
        raise _over(_("This invitation was taken back. Ask for another if that was a mistake."))
    if found.project.archived_at:
        raise _over(_("The project of this invitation is archived. Ask its owners."))
    if found.expires_at <= timezone.now():
        raise _over(_("This invitation has expired. Ask for another; it takes its owner a moment."))
    return found


@transaction.atomic
def accept(*, principal: Principal, token: str) -> Membership:
    """Come in. A role that is higher already is kept. Raises NotFound, Conflict."""
    invitation = _claimed(token)
    user = principal.user
    if principal.project_id is not None:
        raise Conflict(_("A key that is bound to one project cannot enter another."), code="key_is_bound")
    if invitation.email and invitation.email != user.email.lower():
        raise Conflict(
            _("This invitation is for %(email)s; you are signed in as %(who)s.")
            % {"email": invitation.email, "who": user.email},
            code="invitation_for_another",
        )
    member, made = Membership.objects.select_for_update().get_or_create(
        project=invitation.project, user=user, defaults={"role": invitation.role}
    )
    if not made and invitation.role in Role.at_least(Role(member.role)):
        member.role = invitation.role
        member.save(update_fields=["role"])
    Invitation.objects.filter(id=invitation.id).update(accepted_at=Now(), accepted_by=user)
    audit(user, "accept_invitation", invitation.id, invitation.project_id, role=member.role)
    return member


@transaction.atomic
def join(*, token: str, email: str, name: str, password: str) -> User:
    """A sign-in for somebody without one, and in. The address of a mailed invitation is the invitation's.

    It is proved only by the link in the mail: those who invite see the other one, and could come in
    as anybody. Raises NotFound, Invalid, Conflict.
    """
    invitation = _claimed(token)
    user = create_user(email=invitation.email or email, password=password, name=bare(name)[:150])
    if not _signed(_MAILED, token):
        user.emailaddress_set.update(verified=False)  # type: ignore[attr-defined]
    accept(principal=Principal(user), token=token)
    return user


def _claimed(token: str) -> Invitation:
    """Locked: of two who use a link at once, one is in."""
    found = read(token)
    Invitation.objects.select_for_update().get(id=found.id)
    return read(token)


def _leading_to(token: str) -> str:
    return f"{settings.PUBLIC_URL}/invitations/{token}"


def _signed(signer: signing.Signer, token: str) -> str:
    """What it signed; empty if it did not."""
    try:
        return signer.unsign(token)
    except signing.BadSignature:
        return ""


def _stands_for(invitation: Invitation) -> bool:
    """Whether the inviter may still invite: what an owner promised ends with their ownership."""
    principal = Principal(invitation.invited_by)
    owned = Project.objects.where_may(principal, Role.OWNER).filter(id=invitation.project_id)
    return invitation.invited_by.is_active and owned.exists()


def _check_open(project: Project) -> None:
    if project.archived_at:
        raise Conflict(
            _("%(name)s is archived; take it out of the archive first.") % {"name": project.name},
            code="project_archived",
        )


def _over(sentence: str) -> NotFound:
    return NotFound(sentence, code="invitation_over")
