"""One picture kept for ever."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import BooleanField, F, Func, Q, Value
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from uuid6 import uuid7

from accounts.models import Project, User
from accounts.principal import Principal
from generations.models.generation import Generation
from generations.models.search import Search
from generations.models.terms import Words, facet, quoted, words_of


class AssetKind(models.TextChoices):
    """Where a picture came from."""

    GENERATED = "generated", _("Generated")
    UPLOADED = "uploaded", _("Uploaded")


class Found(Func):
    """Whether the terms answer a question to their index."""

    template = "(%(expressions)s::tsquery)"
    arg_joiner = " @@ "
    output_field = BooleanField()


class AssetQuerySet(models.QuerySet["Asset"]):
    def visible_to(self, principal: Principal) -> AssetQuerySet:
        """Pictures in the projects the principal is a member of, until they are gone for good."""
        return self.filter(project__in=Project.objects.visible_to(principal), purged_at=None)

    def kept(self) -> AssetQuerySet:
        """Not in the trash."""
        return self.filter(trashed_at=None)

    def made_by(self, generations: Iterable[Generation]) -> AssetQuerySet:
        """Those of their pictures that are kept, in the order in which they came.

        A picture that was moved into another project is that project's: its old one shows it no more.
        """
        made = self.kept().filter(generation__in=generations, project=F("generation__project"))
        return made.order_by("id")

    def favorites_of(self, user: User) -> AssetQuerySet:
        """By the index of terms, wherever they are."""
        return self.filter(Found(F("terms"), Value(quoted(facet("favorite", user.id)))))

    def matching(self, search: Search, principal: Principal) -> AssetQuerySet:
        """Every picture that the search finds and the principal may see, in no order."""
        found = self.visible_to(principal).filter(trashed_at__isnull=not search.trashed)
        if search.project:
            found = found.filter(project=search.project)
        if search.collection:
            held = {"collection_items__collection": search.collection}
            found = found.filter(**held, collection_items__collection__deleted_at=None)
        if search.seed is not None:
            found = found.filter(seed=search.seed)
        if search.created_after:
            found = found.filter(created_at__gte=search.created_after)
        if search.created_before:
            found = found.filter(created_at__lt=search.created_before)
        if parts := search.parts(principal.user.id):
            found = found.filter(Found(F("terms"), Value(" & ".join(parts))))
        return found


AssetBaseManager = models.Manager.from_queryset(AssetQuerySet)


class AssetManager(AssetBaseManager["Asset"]):
    """Leaves ``terms`` where they are: they are for finding, not for showing."""

    def get_queryset(self) -> AssetQuerySet:
        return cast(AssetQuerySet, super().get_queryset().defer("terms"))


class Asset(models.Model):
    """One picture: the original byte for byte at ``storage_key``, and smaller ones that can be rebuilt.

    Sizes are pixels and bytes, read from the picture itself. ``prompt``, ``provider`` and
    ``model`` are copied from its generation, so a library of millions is searched in one table.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="assets")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="assets")
    generation = models.ForeignKey(Generation, null=True, on_delete=models.PROTECT, related_name="assets")
    kind = models.CharField(max_length=9, choices=AssetKind.choices)
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
    rating = models.PositiveSmallIntegerField(default=0, db_default=0, help_text="1 to 5; 0 is not rated")
    favorite_of = ArrayField(models.UUIDField(), default=list, db_default=[])
    copied_from = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="copies")
    likeness = models.BigIntegerField(null=True, help_text="64-bit perceptual hash, of the thumbnail")
    terms = SearchVectorField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    trashed_at = models.DateTimeField(null=True)
    purged_at = models.DateTimeField(null=True, help_text="When it was hidden for ever; its row stays")
    gone_at = models.DateTimeField(null=True, help_text="When its objects were deleted, after that")

    objects = AssetManager()

    class Meta:
        base_manager_name = "objects"
        indexes = [
            models.Index(fields=["project", "id"], condition=Q(trashed_at=None), name="asset_library"),
            models.Index(
                fields=["project", "id"],
                condition=Q(trashed_at__isnull=False, purged_at=None),
                name="asset_trash",
            ),
            models.Index(
                fields=["trashed_at"],
                condition=Q(trashed_at__isnull=False, gone_at=None),
                name="asset_to_purge",
            ),
            models.Index(fields=["project", "sha256"], name="asset_content"),
            models.Index(fields=["generation"], name="asset_of_generation"),
            models.Index(
                fields=["project", "seed", "id"], condition=Q(seed__isnull=False), name="asset_seed"
            ),
            # No list of pending entries: every search would read it from end to end.
            GinIndex(fields=["terms"], name="asset_terms", fastupdate=False),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(rating__lte=5), name="asset_rating_of_five"),
        ]

    def __str__(self) -> str:
        return self.name or self.prompt[:40] or str(self.id)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """The words follow the prompt and the name; whoever changes those by an UPDATE sets the words too."""
        self.terms = Words(words_of(self.prompt, self.name))
        super().save(*args, **kwargs)

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
