"""A person's own data over HTTP."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponseBase, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import check_names, needed_text
from accounts.describe import described
from accounts.endpoint import Endpoint
from generations.actions import person


class EraseBody(serializers.Serializer[Any]):
    password = serializers.CharField(help_text="The password of the sign-in: nobody erases by mistake")


class Export(Endpoint):
    """Everything that is kept of me."""

    @described(
        "export_me", "All my data as one document, streamed; pictures by address", {200: OpenApiTypes.OBJECT}
    )
    def get(self, request: Request) -> HttpResponseBase:
        return StreamingHttpResponse(person.export(self.principal), content_type="application/json")


class Erase(Endpoint):
    """The end of a person here."""

    @described(
        "erase_me",
        "Erase who I am; pictures and books stay under “a former member”. Refused while work is running, "
        "or while I alone own a project that others are in",
        {204: None},
        body=EraseBody,
    )
    def post(self, request: Request) -> Response:
        body = self.body(request)
        check_names(body, "password")
        person.erase(principal=self.principal, password=needed_text(body, "password"))
        return Response(status=status.HTTP_204_NO_CONTENT)
