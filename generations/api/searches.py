"""Saved searches over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import check_names, text_in
from accounts.describe import PAGED, described, page_of
from accounts.endpoint import Endpoint
from accounts.paging import PAGING, page
from generations.actions import searches
from generations.api.present import stamp
from generations.api.searching import DESCRIBED, id_in, search_in
from generations.models import SavedSearch


class SearchBody(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=searches.LONGEST_NAME)
    search = serializers.DictField(help_text="The filters of the library's list")
    project = serializers.UUIDField(
        required=False, allow_null=True, help_text="Shared with this project's members; else my own"
    )


class SearchChange(serializers.Serializer[Any]):
    name = serializers.CharField(required=False, max_length=searches.LONGEST_NAME)
    search = serializers.DictField(required=False)


class SearchAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    object = serializers.CharField(help_text="search")
    name = serializers.CharField()
    project = serializers.UUIDField(allow_null=True, help_text="Whose members share it; null: mine alone")
    user = serializers.UUIDField(help_text="Who keeps it")
    search = serializers.DictField(help_text="As the library's list takes it")
    query = serializers.CharField(help_text="The same as a query string")
    created_at = serializers.DateTimeField()


class Searches(Endpoint):
    """Mine, and those shared with me."""

    filters = PAGING | {"project"}

    @described(
        "list_searches",
        "Saved searches: my own, and those my projects share",
        {200: page_of(SearchAnswer, "SearchPage")},
        query=[*PAGED, DESCRIBED[0]],
    )
    def get(self, request: Request) -> Response:
        found = self.query.within_project(SavedSearch.objects.visible_to(self.principal))
        return page(request, self.query, found, lambda saved: [search_json(one) for one in saved])

    @described("save_search", "Keep a search", {201: SearchAnswer}, body=SearchBody, errors=[404])
    def post(self, request: Request) -> Response:
        body = self.body(request)
        check_names(body, "name", "search", "project")
        saved = searches.save(
            principal=self.principal,
            name=text_in(body, "name") or "",
            search=search_in(body.get("search")),
            project_id=id_in(body, "project"),
        )
        return Response(search_json(saved), status.HTTP_201_CREATED)


class OneSearch(Endpoint):
    """One saved search."""

    @described("get_search", "One saved search", {200: SearchAnswer}, errors=[404])
    def get(self, request: Request, search_id: UUID) -> Response:
        return Response(search_json(searches.visible(self.principal, search_id)))

    @described(
        "update_search",
        "Rename or change a saved search",
        {200: SearchAnswer},
        body=SearchChange,
        errors=[404],
    )
    def patch(self, request: Request, search_id: UUID) -> Response:
        body = self.body(request)
        check_names(body, "name", "search")
        saved = searches.update(
            principal=self.principal,
            search_id=search_id,
            name=text_in(body, "name"),
            search=search_in(body["search"]) if "search" in body else None,
        )
        return Response(search_json(saved))

    @described("delete_search", "Forget a saved search", {204: None}, errors=[404])
    def delete(self, request: Request, search_id: UUID) -> Response:
        searches.delete(principal=self.principal, search_id=search_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


def search_json(saved: SavedSearch) -> dict[str, Any]:
    search = searches.of(saved)
    return {
        "id": str(saved.id),
        "object": "search",
        "name": saved.name,
        "project": str(saved.project_id) if saved.project_id else None,
        "user": str(saved.user_id),
        "search": search.said,
        "query": search.address,
        "created_at": stamp(saved.created_at),
    }
