"""What members say of a picture, over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import check_names, text_in
from accounts.describe import PAGED, described, page_of
from accounts.endpoint import Endpoint
from accounts.paging import PAGING, page
from generations.actions import assets, commenting
from generations.api.present import stamp
from generations.models import Comment


class CommentBody(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=commenting.LONGEST)


class CommentAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    object = serializers.CharField(help_text="comment")
    asset = serializers.UUIDField()
    user = serializers.UUIDField(help_text="Who said it")
    text = serializers.CharField()
    created_at = serializers.DateTimeField()
    edited_at = serializers.DateTimeField(allow_null=True)


class Comments(Endpoint):
    """What was said of a picture."""

    filters = PAGING

    @described(
        "list_comments",
        "What members said of a picture, the newest first",
        {200: page_of(CommentAnswer, "CommentPage")},
        query=PAGED,
        errors=[404],
    )
    def get(self, request: Request, asset_id: UUID) -> Response:
        asset = assets.visible(self.principal, asset_id)
        found = Comment.objects.visible_to(self.principal).filter(asset=asset)
        return page(request, self.query, found, comments_json)

    @described(
        "comment",
        "Say something of a picture; every member may",
        {201: CommentAnswer},
        body=CommentBody,
        errors=[404],
    )
    def post(self, request: Request, asset_id: UUID) -> Response:
        said = commenting.say(principal=self.principal, asset_id=asset_id, text=_text(self.body(request)))
        return Response(comments_json([said])[0], status.HTTP_201_CREATED)


class OneComment(Endpoint):
    """One comment."""

    @described("get_comment", "One comment", {200: CommentAnswer}, errors=[404])
    def get(self, request: Request, comment_id: UUID) -> Response:
        return Response(comments_json([commenting.visible(self.principal, comment_id)])[0])

    @described(
        "edit_comment",
        "Change what one said oneself",
        {200: CommentAnswer},
        body=CommentBody,
        errors=[404],
    )
    def patch(self, request: Request, comment_id: UUID) -> Response:
        text = _text(self.body(request))
        said = commenting.edit(principal=self.principal, comment_id=comment_id, text=text)
        return Response(comments_json([said])[0])

    @described(
        "delete_comment",
        "Delete for good what one said oneself; owners of the project may delete any",
        {204: None},
        errors=[404],
    )
    def delete(self, request: Request, comment_id: UUID) -> Response:
        commenting.delete(principal=self.principal, comment_id=comment_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


def comments_json(comments: Sequence[Comment]) -> list[dict[str, Any]]:
    return [
        {
            "id": str(one.id),
            "object": "comment",
            "asset": str(one.asset_id),
            "user": str(one.user_id),
            "text": one.text,
            "created_at": stamp(one.created_at),
            "edited_at": stamp(one.edited_at),
        }
        for one in comments
    ]


def _text(body: dict[str, Any]) -> str:
    check_names(body, "text")
    return text_in(body, "text") or ""
