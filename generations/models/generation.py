"""What a person asked for, and its course."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from uuid6 import uuid7

from accounts.models import ApiKey, Project, User
from accounts.principal import Principal
from generations.states import ENDED, GenerationStatus
from providers.errors import Reason


class Relation(models.TextChoices):
    """What a generation is to the picture it set out from."""

    VARY = "vary", gettext_lazy("Varied")
    FINAL = "final", gettext_lazy("Final of a draft")


class GenerationQuerySet(models.QuerySet["Generation"]):
    def visible_to(self, principal: Principal) -> GenerationQuerySet:
        """Work in the projects the principal is a member of."""
        return self.filter(project__in=Project.objects.visible_to(principal))

    def live(self) -> GenerationQuerySet:
        return self.exclude(status__in=ENDED)


def failure(code: str) -> str:
    """The sentence of an ``error_code``, in the reader's language; empty for none."""
    return _(Reason(code).sentence) if code else ""


GenerationManager = models.Manager.from_queryset(GenerationQuerySet)


class Generation(models.Model):
    """One wish: a prompt, its parameters, and what became of it.

    ``parameters`` are the request as submitted (everything of the REST API's body but the
    prompt, and of upload addresses, which are secrets). Money is micro-dollars: ``unit_price`` per
    picture as quoted, ``quoted`` for all.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="generations")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="generations")
    key = models.ForeignKey(ApiKey, null=True, on_delete=models.SET_NULL, related_name="+")
    model = models.CharField(max_length=100)
    provider = models.CharField(max_length=30, help_text="Chosen for now; failing over may change it")
    asked_provider = models.CharField(max_length=30, default="auto")
    strategy = models.CharField(max_length=10, default="cheapest")
    prompt = models.TextField()
    parameters = models.JSONField(default=dict)
    metadata = models.JSONField(default=dict)
    tags = ArrayField(models.CharField(max_length=100), default=list)
    status = models.CharField(
        max_length=10, choices=GenerationStatus.choices, default=GenerationStatus.QUEUED
    )
    progress = models.PositiveSmallIntegerField(null=True)
    requested = models.PositiveIntegerField()
    delivered = models.PositiveIntegerField(default=0)
    unit_price = models.BigIntegerField()
    quoted = models.BigIntegerField()
    charged = models.BigIntegerField(default=0)
    error_code = models.CharField(max_length=40, blank=True)
    retry_of = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="retries")
    batch = models.ForeignKey(
        "generations.Batch", null=True, on_delete=models.SET_NULL, related_name="generations"
    )
    comparison = models.ForeignKey(
        "generations.Comparison", null=True, on_delete=models.SET_NULL, related_name="generations"
    )
    source = models.ForeignKey(
        "generations.Asset", null=True, on_delete=models.SET_NULL, related_name="derived"
    )
    relation = models.CharField(max_length=5, choices=Relation.choices, blank=True, db_default="")
    sandbox = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    deadline_at = models.DateTimeField()
    cancel_requested_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = GenerationManager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=sorted(ENDED), finished_at__isnull=False)
                | (~Q(status__in=sorted(ENDED)) & Q(finished_at__isnull=True)),
                name="generation_ends_once",
            ),
            models.CheckConstraint(
                condition=Q(requested__gt=0, unit_price__gte=0, quoted__gte=0), name="generation_of_something"
            ),
            models.CheckConstraint(
                condition=Q(charged__gte=0, charged__lte=models.F("quoted")), name="generation_within_quote"
            ),
        ]
        indexes = [
            models.Index(fields=["project", "-id"], name="generation_of_project"),
            models.Index(fields=["user", "-id"], name="generation_of_user"),
            models.Index(fields=["id"], condition=~Q(status__in=sorted(ENDED)), name="generation_live"),
            models.Index(
                fields=["comparison"], condition=Q(comparison__isnull=False), name="generation_of_comparison"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.prompt[:40]} ({self.status})"

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    @property
    def failure(self) -> str:
        """Why it failed, in the reader's language; empty if it did not."""
        return failure(self.error_code)

    @property
    def held(self) -> int:
        """Micro-dollars set aside for it right now."""
        return 0 if self.ended else self.quoted


class ReferenceUse(models.Model):
    """A picture a generation builds on, in order."""

    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="reference_uses")
    asset = models.ForeignKey("generations.Asset", on_delete=models.PROTECT, related_name="uses")
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ("position",)
        constraints = [
            models.UniqueConstraint(fields=["generation", "position"], name="reference_position_once")
        ]

    def __str__(self) -> str:
        return f"{self.asset_id} in {self.generation_id}"


class KeptAnswer(models.Model):
    """The first answer to an idempotency key, kept to be given again."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    path = models.CharField(max_length=200)
    body_sha256 = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    answer = models.JSONField(null=True)
    subject_id = models.UUIDField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="kept_answer_once")]
        indexes = [models.Index(fields=["user", "body_sha256"], name="kept_answer_body")]

    def __str__(self) -> str:
        return self.key
