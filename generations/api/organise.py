"""One verb over many pictures, over HTTP; tags, and how many pictures there are of what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import check_names
from accounts.describe import described, query
from accounts.endpoint import Endpoint
from accounts.errors import wrong
from accounts.paging import whole
from generations.actions import organise
from generations.actions.organise import Deed, Done
from generations.api import searching
from generations.api.present import stamp
from generations.api.searching import id_in, ids_in, search_in
from generations.models import facets
from generations.models.facets import Count
from generations.models.search import Search

_EVERY = ("verb", "ids", "search")
_TAKES: Mapping[str, tuple[str, ...]] = {
    "tag": ("tags",),
    "untag": ("tags",),
    "rate": ("rating",),
    "move": ("project",),
    "copy": ("project",),
    "collect": ("collection", "ranks"),
    "uncollect": ("collection",),
}
"""What a verb takes beside the pictures; one that is not here takes nothing more."""
_SOME = tuple(dict.fromkeys(name for names in _TAKES.values() for name in names))
_MOST_TAGS = 1_000


class BulkBody(serializers.Serializer[Any]):
    """A verb, the pictures (``ids`` or ``search``), and what the verb needs."""

    verb = serializers.ChoiceField(list(organise.VERBS))
    ids = serializers.ListField(
        child=serializers.UUIDField(), required=False, help_text=f"At most {organise.MOST_IDS:,}"
    )
    search = serializers.DictField(
        required=False, help_text=f"The filters of the list; at most {organise.MOST_FOUND:,} matches"
    )
    tags = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="For `tag` and `untag`"
    )
    rating = serializers.IntegerField(min_value=0, max_value=5, required=False, help_text="For `rate`")
    project = serializers.UUIDField(required=False, help_text="Where to: for `move` and `copy`")
    collection = serializers.UUIDField(required=False, help_text="For `collect` and `uncollect`")
    ranks = serializers.DictField(
        child=serializers.FloatField(),
        required=False,
        help_text="For `collect`: where they stand in it, by id, as an `undo` says it; else at its end",
    )


class BulkAnswer(serializers.Serializer[Any]):
    object = serializers.CharField(help_text="bulk")
    verb = serializers.CharField()
    changed = serializers.IntegerField(help_text="How many are different now")
    ids = serializers.ListField(
        child=serializers.UUIDField(),
        help_text="Which; for `copy` the new ones, large numbers within seconds",
    )
    not_found = serializers.ListField(child=serializers.UUIDField())
    undo = serializers.ListField(
        child=serializers.DictField(), help_text="Bodies for this operation that take it back, in order"
    )


class TagAnswer(serializers.Serializer[Any]):
    object = serializers.CharField(help_text="tag")
    tag = serializers.CharField()
    pictures = serializers.IntegerField()
    more = serializers.BooleanField(help_text="There are at least so many")


class TagsAnswer(serializers.Serializer[Any]):
    results = TagAnswer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class CountAnswer(serializers.Serializer[Any]):
    pictures = serializers.IntegerField()
    more = serializers.BooleanField(help_text="There are at least so many")


class FacetValueAnswer(CountAnswer):
    value = serializers.CharField(help_text="As the filter of this name takes it; of `rating`, the least")
    chosen = serializers.BooleanField()


class FacetsAnswer(serializers.Serializer[Any]):
    object = serializers.CharField(help_text="facets")
    total = CountAnswer()
    facets = serializers.DictField(child=FacetValueAnswer(many=True), help_text="By the name of the filter")
    as_of = serializers.DateTimeField(
        allow_null=True, help_text="When large projects were counted; null where all was counted now"
    )


class Bulk(Endpoint):
    """One verb, many pictures."""

    @described(
        "change_assets",
        "Do one thing to many pictures: all of it, or nothing",
        {200: BulkAnswer},
        body=BulkBody,
        errors=[404],
    )
    def post(self, request: Request) -> Response:
        body = self.body(request)
        verb = str(body.get("verb", ""))
        check_names(body, *_EVERY, *(_TAKES.get(verb, ()) if verb in organise.VERBS else _SOME))
        asked = Deed(
            verb=verb,
            tags=_tags(body.get("tags", [])),
            rating=body.get("rating"),
            project=id_in(body, "project"),
            collection=id_in(body, "collection"),
            ranks=body.get("ranks", {}),
        )
        done = organise.bulk(
            principal=self.principal,
            asked=asked,
            ids=ids_in(body, "ids") if "ids" in body else [],
            search=search_in(body["search"]) if "search" in body else None,
        )
        return Response(bulk_json(asked.verb, done))


class Tags(Endpoint):
    """The tags of the library."""

    filters = frozenset({"project", "q"})

    @described(
        "list_tags",
        f"Tags and their pictures, the most frequent {_MOST_TAGS:,} first",
        {200: TagsAnswer},
        query=[searching.DESCRIBED[0], query("q", "Beginning with this")],
        errors=[404],
    )
    def get(self, request: Request) -> Response:
        search = Search(project=self.query.uuid("project"))
        found = facets.suggest(self.principal, search, self.query.text("q") or "", _MOST_TAGS)
        return whole([{"object": "tag", "tag": tag, **_count(pictures)} for tag, pictures in found])


class Facets(Endpoint):
    """How many pictures a search would find with each value of each filter."""

    filters = searching.FILTERS
    repeated = searching.REPEATED

    @described(
        "count_assets",
        "How many pictures a search finds, and with each value of each filter; exact up to 10,000",
        {200: FacetsAnswer},
        query=searching.DESCRIBED,
        errors=[404],
    )
    def get(self, request: Request) -> Response:
        search = Search.read(request.query_params)
        found = facets.facets(self.principal, search, facets.FACETS)
        return Response(
            {
                "object": "facets",
                "total": _count(found.total),
                "facets": {
                    name: [
                        {"value": one.value, "chosen": one.chosen, **_count(one.pictures)} for one in values
                    ]
                    for name, values in found.values.items()
                },
                "as_of": stamp(found.as_of),
            }
        )


def bulk_json(verb: str, done: Done) -> dict[str, Any]:
    return {
        "object": "bulk",
        "verb": verb,
        "changed": len(done.changed),
        "ids": [str(one) for one in done.changed],
        "not_found": [str(one) for one in done.not_found],
        "undo": done.undo,
    }


def _count(count: Count) -> dict[str, Any]:
    return {"pictures": count.number, "more": count.more}


def _tags(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise wrong("tags", _("must be a list of texts."))
    return value
