"""Coming into a project by an invitation, over HTTP."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import MemberAnswer, check_names, member_json, needed_text
from accounts.describe import described
from accounts.endpoint import Endpoint
from generations.actions import joining


class TokenBody(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="The last part of the invitation's link")


class Accept(Endpoint):
    """An invitation's end."""

    @described(
        "accept_invitation",
        "Come into the project that a link leads to",
        {201: MemberAnswer},
        body=TokenBody,
        errors=[404],
    )
    def post(self, request: Request) -> Response:
        body = self.body(request)
        check_names(body, "token")
        member = joining.accept(principal=self.principal, token=needed_text(body, "token"))
        return Response(member_json(member), status.HTTP_201_CREATED)
