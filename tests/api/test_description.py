"""What OpenAPI says of the API is all there is, and all there is, is said."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client
from django.urls import URLPattern
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from generations.api import urls as ours
from generations.api.openai import urls as openai


def operations() -> list[tuple[str, str]]:
    found = []
    for prefix, module in (("/api/v1/", ours), ("/v1/", openai)):
        for pattern in module.urlpatterns:
            assert isinstance(pattern, URLPattern)
            view = pattern.callback.view_class  # type: ignore[attr-defined]
            path = prefix + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern.pattern))
            found += [(path, m) for m in ("get", "post", "put", "patch", "delete") if hasattr(view, m)]
    return found


def test_every_address_has_an_operation_for_each_of_its_methods(schema: dict[str, Any]) -> None:
    said = {(path, method) for path, item in schema["paths"].items() for method in item}
    assert said == set(operations())


def test_the_description_is_valid_and_made_without_a_warning() -> None:
    GENERATOR_STATS.reset()
    with GENERATOR_STATS.silence():
        schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    assert not GENERATOR_STATS, dict(GENERATOR_STATS._warn_cache) | dict(GENERATOR_STATS._error_cache)
    assert schema["openapi"].startswith("3.1")
    validate_schema(schema)  # type: ignore[no-untyped-call]


def test_every_operation_says_what_it_does_and_how_it_refuses(schema: dict[str, Any]) -> None:
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            where = f"{method} {path}"
            assert operation["summary"], where
            assert {"400", "401", "403", "429", "503"} <= set(operation["responses"]), where
            assert any(code.startswith("2") for code in operation["responses"]), where
            assert ("{" not in path) or "404" in operation["responses"], where
            error = operation["responses"]["401"]["content"]["application/json"]["schema"]["$ref"]
            assert error.endswith("OpenAIError" if path.startswith("/v1/") else "/Error"), where


def test_operations_that_spend_take_an_idempotency_key(schema: dict[str, Any]) -> None:
    for path in (
        "/api/v1/generations",
        "/api/v1/generations/{generation_id}/retry",
        "/v1/images/generations",
    ):
        names = {parameter["name"] for parameter in schema["paths"][path]["post"]["parameters"]}
        assert "Idempotency-Key" in names


def test_the_description_and_its_page_are_served_from_here_alone(db: None, settings: Any) -> None:
    # The names of collected files need a collection; the page is the same without.
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    client = Client()
    served = client.get("/api/openapi.json")
    assert served.status_code == 200
    assert served.json()["openapi"].startswith("3.1")
    page = client.get("/api/docs").content.decode()
    assert not re.search(r"""(src|href)=["']https?://""", page)
