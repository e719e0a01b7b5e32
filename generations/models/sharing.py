"""What people say of a picture, whom they show it to, and what they are told."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from uuid6 import uuid7

from accounts.models import Project, User
from accounts.principal import Principal
from generations.models.asset import Asset


class CommentQuerySet(models.QuerySet["Comment"]):
    def visible_to(self, principal: Principal) -> CommentQuerySet:
        """What was said of pictures of the projects the principal is a member of, until those are gone."""
        return self.filter(asset__project__in=Project.objects.visible_to(principal), asset__purged_at=None)


CommentManager = models.Manager.from_queryset(CommentQuerySet)


class Comment(models.Model):
    """What a member said of a picture."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="comments")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="comments")
    text = models.TextField(max_length=4000)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    edited_at = models.DateTimeField(null=True)

    objects = CommentManager()

    class Meta:
        indexes = [models.Index(fields=["asset", "id"], name="comment_of_asset")]

    def __str__(self) -> str:
        return self.text[:40]


class ShareLinkQuerySet(models.QuerySet["ShareLink"]):
    def visible_to(self, principal: Principal) -> ShareLinkQuerySet:
        """Links to pictures of the projects the principal is a member of, until those are gone."""
        return self.filter(asset__project__in=Project.objects.visible_to(principal), asset__purged_at=None)

    def open(self) -> ShareLinkQuerySet:
        """Those that still show their picture: whoever made one must still be a member where it is."""
        alive = Q(expires_at=None) | Q(expires_at__gt=Now())
        mine = Q(asset__project__memberships__user=F("user"), user__is_active=True)
        return self.filter(alive, mine, revoked_at=None, asset__trashed_at=None, asset__purged_at=None)


ShareLinkManager = models.Manager.from_queryset(ShareLinkQuerySet)


class ShareLink(models.Model):
    """A way for somebody without a sign-in to see one picture, and nothing but the picture.

    Its address is its id, signed: nothing in the database opens it. ``password`` is a hash;
    ``tries`` are those of the minute ``tried_minute``, by whomever.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="share_links")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    password = models.CharField(max_length=128, blank=True)
    may_download = models.BooleanField(default=False)
    views = models.PositiveBigIntegerField(default=0)
    tried_minute = models.DateTimeField(null=True, editable=False)
    tries = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = ShareLinkManager()

    class Meta:
        indexes = [models.Index(fields=["asset"], name="share_link_of_asset")]

    def __str__(self) -> str:
        return f"link to {self.asset_id}"


class Notice(models.Model):
    """Something a person should know: work that ended, a comment, an invitation accepted.

    ``about`` says what to open (``{"generation": id}``, ``{"batch": id}``, ``{"asset": id}``).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices")
    project = models.ForeignKey(Project, null=True, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20)
    about = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    read_at = models.DateTimeField(null=True)
    mailed_at = models.DateTimeField(null=True, help_text="When it was decided whether to mail it, too")

    class Meta:
        indexes = [
            models.Index(
                fields=["id"], condition=Q(kind="batch_ended", mailed_at=None), name="notice_to_mail"
            ),
            models.Index(fields=["user", "-id"], name="notice_of_user"),
            models.Index(fields=["user"], condition=Q(read_at=None), name="notice_unread"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.user_id}"
