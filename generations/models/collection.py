"""How a team keeps order: collections, searches worth keeping, and counts of pictures."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from uuid6 import uuid7

from accounts.models import Project, User
from accounts.principal import Principal
from generations.models.asset import Asset


class CollectionQuerySet(models.QuerySet["Collection"]):
    def visible_to(self, principal: Principal, *, deleted: bool = False) -> CollectionQuerySet:
        """Collections of the projects the principal is a member of; or those that can still be taken back."""
        mine = self.filter(project__in=Project.objects.visible_to(principal))
        return mine.filter(deleted_at__isnull=not deleted)


CollectionManager = models.Manager.from_queryset(CollectionQuerySet)


class Collection(models.Model):
    """Pictures of one project put together by hand, in the order of ``CollectionItem.rank``.

    One that was deleted can be taken back for a while, as it was.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="collections")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    cover = models.ForeignKey(Asset, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    deleted_at = models.DateTimeField(null=True)

    objects = CollectionManager()

    class Meta:
        indexes = [models.Index(fields=["project", "name"], name="collection_of_project")]

    def __str__(self) -> str:
        return self.name


class CollectionItem(models.Model):
    """A picture in a collection. ``rank`` is where it stands: halfway between its neighbours."""

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="items")
    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="collection_items")
    rank = models.FloatField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["collection", "asset"], name="collection_item_once")]
        indexes = [models.Index(fields=["collection", "rank", "id"], name="collection_order")]

    def __str__(self) -> str:
        return f"{self.asset_id} in {self.collection_id}"


class SavedSearchQuerySet(models.QuerySet["SavedSearch"]):
    def visible_to(self, principal: Principal) -> SavedSearchQuerySet:
        """My own, and those shared with a project the principal is a member of."""
        return self.filter(
            Q(user=principal.user, project=None) | Q(project__in=Project.objects.visible_to(principal))
        )


SavedSearchManager = models.Manager.from_queryset(SavedSearchQuerySet)


class SavedSearch(models.Model):
    """A search with a name: mine, or everybody's in a project. ``address`` is the library's query."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    project = models.ForeignKey(Project, null=True, on_delete=models.CASCADE, related_name="saved_searches")
    name = models.CharField(max_length=100)
    address = models.CharField(max_length=2000)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = SavedSearchManager()

    def __str__(self) -> str:
        return self.name


class Copying(models.Model):
    """A copy that was asked for and whose object is still to be written. ``id`` is the new picture's."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    source = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="copyings")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    due_at = models.DateTimeField(db_default=Now())
    tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="copying_due")]


class Tally(models.Model):
    """How many kept pictures a large project had of one facet's value when they were last counted."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="tallies")
    facet = models.CharField(max_length=20)
    value = models.CharField(max_length=150)
    pictures = models.PositiveBigIntegerField()
    counted_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "facet", "value"], name="tally_once")]

    def __str__(self) -> str:
        return f"{self.facet}:{self.value} {self.pictures}"
