"""One picture kept for ever."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from uuid6 import uuid7

from accounts.models import Project, User
from accounts.principal import Principal
from generations.models.generation import Generation


class Kind(models.TextChoices):
    """Where a picture came from."""

    GENERATED = "generated", "Generated"
    UPLOADED = "uploaded", "Uploaded"


class AssetQuerySet(models.QuerySet["Asset"]):
    def visible_to(self, principal: Principal) -> AssetQuerySet:
        """Pictures in the projects the principal is a member of."""
        return self.filter(project__in=Project.objects.visible_to(principal))

    def kept(self) -> AssetQuerySet:
        """Not in the trash."""
        return self.filter(trashed_at=None)

    def with_words(self, words: str) -> AssetQuerySet:
        """Whose prompt or name has every word, in any script."""
        found = self
        for word in words.split():
            found = found.filter(Q(prompt__icontains=word) | Q(name__icontains=word))
        return found


AssetManager = models.Manager.from_queryset(AssetQuerySet)


class Asset(models.Model):
    """One picture: the original byte for byte at ``storage_key``, and smaller ones that can be rebuilt.

    Sizes are pixels and bytes, read from the picture itself. ``prompt``, ``provider`` and
    ``model`` are copied from its generation, so a library of millions is searched in one table.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="assets")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="assets")
    generation = models.ForeignKey(Generation, null=True, on_delete=models.PROTECT, related_name="assets")
    kind = models.CharField(max_length=9, choices=Kind.choices)
    name = models.CharField(max_length=255, blank=True)
    prompt = models.TextField(blank=True)
    provider = models.CharField(max_length=30, blank=True)
    model = models.CharField(max_length=100, blank=True)
    storage_key = models.CharField(max_length=300, unique=True)
    sha256 = models.CharField(max_length=64)
    bytes = models.BigIntegerField()
    format = models.CharField(max_length=5)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    thumbhash = models.BinaryField(default=b"")
    seed = models.BigIntegerField(null=True)
    revised_prompt = models.TextField(blank=True)
    flagged = models.BooleanField(default=False)
    sandbox = models.BooleanField(default=False)
    late = models.BooleanField(default=False, help_text="Arrived after its generation had ended; not charged")
    charged = models.BigIntegerField(default=0, help_text="Micro-dollars of the capture that paid for it")
    tags = ArrayField(models.CharField(max_length=100), default=list)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    trashed_at = models.DateTimeField(null=True)

    objects = AssetManager()

    class Meta:
        indexes = [
            models.Index(fields=["project", "-id"], condition=Q(trashed_at=None), name="asset_library"),
            models.Index(fields=["project", "sha256"], name="asset_content"),
            models.Index(fields=["generation"], name="asset_of_generation"),
        ]

    def __str__(self) -> str:
        return self.name or self.prompt[:40] or str(self.id)

    def derivative_key(self, size: int) -> str:
        """Where the WebP of at most ``size`` pixels a side is kept: 256, 512 or 1024."""
        return derivative_key(self.storage_key, size)

    @property
    def media_type(self) -> str:
        return f"image/{self.format}"


def original_key(project_id: object, asset_id: object, sha256: str) -> str:
    """Where an original is written: final at birth, never shared, never moved."""
    return f"{project_id}/{asset_id}/{sha256}"


def derivative_key(storage_key: str, size: int) -> str:
    return f"{storage_key}-{size}.webp"
