"""Coming into a project by an invitation; whoever invited is told."""

from __future__ import annotations

from django.db import transaction

from accounts import inviting
from accounts.models import Membership, User
from accounts.principal import Principal
from generations.actions import notices


@transaction.atomic
def accept(*, principal: Principal, token: str) -> Membership:
    """As ``inviting.accept``, which says what it raises."""
    invitation = inviting.read(token)
    member = inviting.accept(principal=principal, token=token)
    _tell(invitation.invited_by, member)
    return member


@transaction.atomic
def join(*, token: str, email: str, name: str, password: str) -> User:
    """As ``inviting.join``, which says what it raises."""
    invitation = inviting.read(token)
    user = inviting.join(token=token, email=email, name=name, password=password)
    _tell(invitation.invited_by, Membership.objects.get(project=invitation.project, user=user))
    return user


def _tell(inviter: User, member: Membership) -> None:
    if inviter.id != member.user_id:
        notices.tell(inviter, notices.CAME_IN, member.project, {"by": member.user_id})
