"""What members say of a picture: every member may, whatever their role."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from accounts.actions import audit
from accounts.errors import NotAllowed, NotFound, wrong
from accounts.models import Project, Role
from accounts.principal import Principal
from generations.actions import assets, notices
from generations.models import Comment

LONGEST = 4000
"""Characters."""


def visible(principal: Principal, comment_id: UUID) -> Comment:
    """Raises NotFound."""
    found = Comment.objects.visible_to(principal).filter(id=comment_id)
    comment = found.select_related("asset", "user").first()
    if comment is None:
        raise NotFound(_("There is no such comment."), code="comment_not_found")
    return comment


@transaction.atomic
def say(*, principal: Principal, asset_id: UUID, text: str) -> Comment:
    """The picture's owner is notified, if still a member.

    Raises Invalid, NotFound, Conflict (the picture is in the trash).
    """
    asset = assets.kept(principal, asset_id)
    comment = Comment.objects.create(asset=asset, user=principal.user, text=clean_text(text))
    audit(principal.user, "comment", asset.id, asset.project_id, comment=str(comment.id))
    theirs = asset.user_id != principal.user.id
    if theirs and asset.project.memberships.filter(user=asset.user_id).exists():
        about = {"asset": asset.id, "by": principal.user.id}
        notices.tell(asset.user, notices.COMMENTED, asset.project, about)
    return Comment.objects.select_related("user").get(id=comment.id)


@transaction.atomic
def edit(*, principal: Principal, comment_id: UUID, text: str) -> Comment:
    """Only what one said oneself. Raises Invalid, NotFound, NotAllowed."""
    comment = visible(principal, comment_id)
    if comment.user_id != principal.user.id:
        raise NotAllowed(_("Only whoever wrote a comment may change it."))
    cleaned = clean_text(text)
    if cleaned != comment.text:
        Comment.objects.filter(id=comment.id).update(text=cleaned, edited_at=Now())
        audit(
            principal.user,
            "edit_comment",
            comment.asset_id,
            comment.asset.project_id,
            comment=str(comment.id),
        )
        comment.refresh_from_db()
    return comment


@transaction.atomic
def delete(*, principal: Principal, comment_id: UUID) -> Comment:
    """For good: what one said oneself, and for owners of the project, whatever was said there.

    Gives what it was. Raises NotFound, NotAllowed.
    """
    comment = visible(principal, comment_id)
    if comment.user_id != principal.user.id and not owns(principal, comment.asset.project_id):
        raise NotAllowed(_("Only whoever wrote a comment, or an owner of the project, may delete it."))
    Comment.objects.filter(id=comment.id).delete()
    audit(
        principal.user, "delete_comment", comment.asset_id, comment.asset.project_id, comment=str(comment.id)
    )
    return comment


def owns(principal: Principal, project_id: UUID) -> bool:
    """Whether the principal is an owner of the project."""
    return Project.objects.where_may(principal, Role.OWNER).filter(id=project_id).exists()


def clean_text(text: str) -> str:
    """Trimmed, with one kind of line ends. Raises Invalid."""
    cleaned = text.replace("\r\n", "\n").replace("\x00", "").strip()
    if not cleaned:
        raise wrong("text", _("must not be empty; write what you want to say."))
    if len(cleaned) > LONGEST:
        sentence = _("may have at most %(most)s characters, not %(n)s; shorten it.")
        raise wrong("text", sentence % {"most": f"{LONGEST:,}", "n": f"{len(cleaned):,}"})
    return cleaned
