"""What asking is made of beyond one wish: set-ups worth keeping, many prompts at once, comparisons."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from uuid6 import uuid7

from accounts.models import Project, User
from accounts.principal import Principal
from generations.models.asset import Asset
from generations.models.generation import Generation


class PresetQuerySet(models.QuerySet["Preset"]):
    def visible_to(self, principal: Principal) -> PresetQuerySet:
        """My own, and those shared with a project the principal is a member of, deleted ones too."""
        return self.filter(
            Q(user=principal.user, project=None) | Q(project__in=Project.objects.visible_to(principal))
        )

    def kept(self) -> PresetQuerySet:
        """Not deleted."""
        return self.filter(deleted_at=None)


PresetManager = models.Manager.from_queryset(PresetQuerySet)


class Preset(models.Model):
    """A whole set-up of the composer: mine, or everybody's in a project.

    ``body`` is a generation's body as the REST API takes it, without project and, if empty, prompt.
    One that was deleted can be taken back for a while.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="presets")
    project = models.ForeignKey(Project, null=True, on_delete=models.CASCADE, related_name="presets")
    name = models.CharField(max_length=100)
    body = models.JSONField(default=dict)
    is_default = models.BooleanField(default=False, help_text="What the project's composer opens with")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    deleted_at = models.DateTimeField(null=True)

    objects = PresetManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project"],
                condition=Q(is_default=True, deleted_at=None),
                name="preset_one_default",
            ),
            models.CheckConstraint(
                condition=Q(is_default=False) | Q(project__isnull=False), name="preset_default_of_project"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class BatchQuerySet(models.QuerySet["Batch"]):
    def visible_to(self, principal: Principal) -> BatchQuerySet:
        """Batches of the projects the principal is a member of."""
        return self.filter(project__in=Project.objects.visible_to(principal))


BatchManager = models.Manager.from_queryset(BatchQuerySet)


class Batch(models.Model):
    """Many prompts asked for as one: priced and held as a whole, paused, resumed and canceled as one.

    ``quoted`` is micro-dollars for all of it. While ``paused_at`` is set nothing new is sent; what
    is on the wire goes on. Its works are its generations, in the order of their ids.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="batches")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="batches")
    name = models.CharField(max_length=200)
    works = models.PositiveIntegerField()
    pictures = models.PositiveIntegerField()
    quoted = models.BigIntegerField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    paused_at = models.DateTimeField(null=True)
    canceled_at = models.DateTimeField(null=True)
    noticed_at = models.DateTimeField(null=True, help_text="When its person was told that it had ended")

    objects = BatchManager()

    class Meta:
        indexes = [
            models.Index(fields=["project", "-id"], name="batch_of_project"),
            models.Index(fields=["id"], condition=Q(noticed_at=None), name="batch_unnoticed"),
        ]

    def __str__(self) -> str:
        return self.name


class ComparisonQuerySet(models.QuerySet["Comparison"]):
    def visible_to(self, principal: Principal) -> ComparisonQuerySet:
        """Comparisons of the projects the principal is a member of."""
        return self.filter(project__in=Project.objects.visible_to(principal))


ComparisonManager = models.Manager.from_queryset(ComparisonQuerySet)


class Comparison(models.Model):
    """One prompt over several gateways or parameter sets; its columns are its generations by id."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="comparisons")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    prompt = models.TextField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ComparisonManager()

    class Meta:
        indexes = [models.Index(fields=["project", "-id"], name="comparison_of_project")]

    def __str__(self) -> str:
        return self.prompt[:40]


class VoteQuerySet(models.QuerySet["Vote"]):
    def visible_to(self, principal: Principal) -> VoteQuerySet:
        """Votes on comparisons of the projects the principal is a member of."""
        return self.filter(comparison__project__in=Project.objects.visible_to(principal))


VoteManager = models.Manager.from_queryset(VoteQuerySet)


class Vote(models.Model):
    """Which of two pictures of a comparison somebody found better, not knowing who made which.

    ``winner`` is one of the two, or nobody. A person judges a pair once.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    comparison = models.ForeignKey(Comparison, on_delete=models.CASCADE, related_name="votes")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    one = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="+")
    other = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="+")
    winner = models.ForeignKey(Generation, null=True, on_delete=models.CASCADE, related_name="+")
    picture = models.ForeignKey(Asset, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = VoteManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "one", "other"], name="vote_once_on_a_pair"),
            models.CheckConstraint(condition=Q(one__lt=F("other")), name="vote_on_a_pair_in_order"),
            models.CheckConstraint(
                condition=Q(winner__isnull=True) | Q(winner=F("one")) | Q(winner=F("other")),
                name="vote_for_one_of_the_pair",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} on {self.comparison_id}"


class Reveal(models.Model):
    """That somebody was shown who made a column of a comparison, so that they cannot judge it blind."""

    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "generation"], name="reveal_once")]

    def __str__(self) -> str:
        return f"{self.generation_id} to {self.user_id}"
