"""What happened in a project, over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions import as_uuid
from accounts.api import visible
from accounts.describe import PAGED, described, page_of
from accounts.endpoint import Endpoint
from accounts.paging import LIMIT, MOST, PAGING, address, cursor_in
from generations.actions import activity
from generations.api.present import stamp


class ActivityEntry(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    object = serializers.CharField(help_text="activity")
    at = serializers.DateTimeField()
    kind = serializers.CharField(help_text="The verb, or `work` for a generation that ended")
    user = serializers.UUIDField(allow_null=True, help_text="Who did it")
    sentence = serializers.CharField(help_text="For people, in the caller's language")
    path = serializers.CharField(allow_null=True, help_text="The page it is about")


class Activity(Endpoint):
    """The feed of one project."""

    filters = PAGING

    @described(
        "list_activity",
        "What happened in a project, the newest first",
        {200: page_of(ActivityEntry, "ActivityPage")},
        query=PAGED,
        errors=[404],
    )
    def get(self, request: Request, project_id: UUID) -> Response:
        project = visible(self.principal, project_id)
        limit = self.query.whole("limit", 1, MOST, LIMIT)
        newer, edge = cursor_in(self.query, as_uuid)
        found = activity.read(project, edge=edge, newer=newer, limit=limit)
        more = len(found) > limit
        found = found[1:] if more and newer else found[:limit]
        older = bool(found) if newer else more
        later = more if newer else edge is not None and bool(found)
        return Response(
            {
                "results": [_entry_json(entry) for entry in found],
                "next": address(request, f"older-{found[-1].id}") if older else None,
                "previous": address(request, f"newer-{found[0].id}") if later else None,
            }
        )


def _entry_json(entry: activity.Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "object": "activity",
        "at": stamp(entry.at),
        "kind": entry.kind,
        "user": entry.user,
        "sentence": entry.sentence,
        "path": entry.path or None,
    }
