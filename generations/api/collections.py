"""Collections over HTTP: made by hand, in an order made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import check_names, text_in
from accounts.describe import PAGED, described, page_of, query
from accounts.endpoint import Endpoint
from accounts.paging import PAGING, page
from generations.actions import collecting, generate
from generations.api.present import stamp
from generations.api.searching import DESCRIBED, id_in
from generations.models import Collection
from generations.models.contents import Contents, contents


class CollectionBody(serializers.Serializer[Any]):
    project = serializers.UUIDField(
        required=False, help_text="Without it, the key's own project, else my oldest one"
    )
    name = serializers.CharField(max_length=collecting.LONGEST_NAME)


class CollectionChange(serializers.Serializer[Any]):
    name = serializers.CharField(required=False, max_length=collecting.LONGEST_NAME)
    cover = serializers.UUIDField(required=False, help_text="One of its pictures")


class PlaceBody(serializers.Serializer[Any]):
    before = serializers.UUIDField(required=False, help_text="Just before this picture of the collection")
    after = serializers.UUIDField(required=False, help_text="Just after this one")


class CollectionAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    object = serializers.CharField(help_text="collection")
    project = serializers.UUIDField()
    user = serializers.UUIDField(help_text="Who made it")
    name = serializers.CharField()
    cover = serializers.UUIDField(allow_null=True, help_text="The chosen picture, else its first")
    pictures = serializers.IntegerField(help_text="Without those in the trash")
    more = serializers.BooleanField(help_text="There are at least so many")
    created_at = serializers.DateTimeField()


class Collections(Endpoint):
    """The collections of my projects."""

    filters = PAGING | {"project", "q"}

    @described(
        "list_collections",
        "Collections, the newest first; their pictures are the library's, filtered by collection",
        {200: page_of(CollectionAnswer, "CollectionPage")},
        query=[*PAGED, DESCRIBED[0], query("q", "Whose name has this in it")],
    )
    def get(self, request: Request) -> Response:
        found = self.query.within_project(Collection.objects.visible_to(self.principal))
        if words := self.query.text("q"):
            found = found.filter(name__icontains=words)
        return page(request, self.query, found, collections_json)

    @described(
        "create_collection",
        "Start a collection in a project",
        {201: CollectionAnswer},
        body=CollectionBody,
        errors=[404],
    )
    def post(self, request: Request) -> Response:
        body = self.body(request)
        check_names(body, "project", "name")
        project = id_in(body, "project") or generate.default_project(self.principal).id
        held = collecting.create(
            principal=self.principal, project_id=project, name=text_in(body, "name") or ""
        )
        return Response(collections_json([held])[0], status.HTTP_201_CREATED)


class OneCollection(Endpoint):
    """One collection."""

    @described("get_collection", "One collection", {200: CollectionAnswer}, errors=[404])
    def get(self, request: Request, collection_id: UUID) -> Response:
        return Response(collections_json([collecting.visible(self.principal, collection_id)])[0])

    @described(
        "update_collection",
        "Rename a collection or choose its cover",
        {200: CollectionAnswer},
        body=CollectionChange,
        errors=[404],
    )
    def patch(self, request: Request, collection_id: UUID) -> Response:
        body = self.body(request)
        check_names(body, "name", "cover")
        held = collecting.update(
            principal=self.principal,
            collection_id=collection_id,
            name=text_in(body, "name"),
            cover=id_in(body, "cover"),
        )
        return Response(collections_json([held])[0])

    @described(
        "delete_collection",
        "Delete a collection; its pictures stay, and it can come back for a day",
        {204: None},
        errors=[404],
    )
    def delete(self, request: Request, collection_id: UUID) -> Response:
        collecting.delete(principal=self.principal, collection_id=collection_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Restore(Endpoint):
    """Back from a deletion."""

    @described("restore_collection", "Take back a deletion", {200: CollectionAnswer}, errors=[404])
    def post(self, request: Request, collection_id: UUID) -> Response:
        held = collecting.restore(principal=self.principal, collection_id=collection_id)
        return Response(collections_json([held])[0])


class Place(Endpoint):
    """A picture's place in a collection."""

    @described(
        "place_in_collection",
        "Put a picture in, or to another place in the order",
        {200: CollectionAnswer},
        body=PlaceBody,
        errors=[404],
    )
    def put(self, request: Request, collection_id: UUID, asset_id: UUID) -> Response:
        body = self.body(request)
        check_names(body, "before", "after")
        held = collecting.place(
            principal=self.principal,
            collection_id=collection_id,
            asset_id=asset_id,
            before=id_in(body, "before"),
            after=id_in(body, "after"),
        )
        return Response(collections_json([held])[0])

    @described(
        "take_from_collection",
        "Take a picture out of a collection; it stays in the library",
        {204: None},
        errors=[404],
    )
    def delete(self, request: Request, collection_id: UUID, asset_id: UUID) -> Response:
        collecting.remove(principal=self.principal, collection_id=collection_id, asset_id=asset_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


def collections_json(collections: Sequence[Collection]) -> list[dict[str, Any]]:
    """Collections with their covers and numbers: one more query, however many there are."""
    shown = contents([held.id for held in collections])
    return [_collection(held, shown[held.id]) for held in collections]


def _collection(held: Collection, shown: Contents) -> dict[str, Any]:
    return {
        "id": str(held.id),
        "object": "collection",
        "project": str(held.project_id),
        "user": str(held.user_id),
        "name": held.name,
        "cover": str(shown.cover) if shown.cover else None,
        "pictures": shown.pictures,
        "more": shown.more,
        "created_at": stamp(held.created_at),
    }
