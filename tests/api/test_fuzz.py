"""Whatever is sent, by the description or against it: no server error, and no status it does not name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generations.models import Generation
from tests.api.conftest import client_of, upload
from tests.api.test_description import operations
from tests.conftest import make_person

_ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 30),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(
        ["\x00", "\ud800", "\u202e", "9" * 5000, 10**400, [1], {"a": [None]}, "0001-01-01", "wait=1"]
    ),
)


class Callers:
    """One person who may do everything but has no credit, so that nothing is waited for."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.person = make_person("poor@example.com", credit=0)
        self.client = client_of(self.person)
        self.schema = schema
        self.known = {
            "asset_id": upload(self.client).json()["id"],
            "project_id": str(self.person.project.id),
            "user_id": str(self.person.user.id),
            "model_id": "seedream-5-lite",
            "name": "seedream-5-lite",
        }

    def request(self, path: str, method: str, draw: Any) -> tuple[Any, str]:
        """Send one request as drawn; the answer, and the request in words."""
        operation = self.schema["paths"][path][method]
        address = path
        for name in _named(operation, "path"):
            value = draw(
                st.sampled_from([self.known.get(name, "zz"), "00000000-0000-0000-0000-000000000000"])
            )
            address = address.replace(f"{{{name}}}", value)
        asked = draw(st.fixed_dictionaries({}, optional=dict.fromkeys(_named(operation, "query"), _ODD)))
        if asked:
            address += "?" + "&".join(f"{name}={quote(str(asked[name]), errors='replace')}" for name in asked)
        kinds = operation.get("requestBody", {}).get("content", {})
        fields = draw(self._body(next(iter(kinds.values()))["schema"])) if kinds else {}
        if "multipart/form-data" in kinds and "application/json" not in kinds:
            form = {name: quote(str(value), errors="replace") for name, value in fields.items()}
            return self.client.post(address, form), f"{method} {address} {form}"
        body = json.dumps(fields) if kinds else ""
        answer = self.client.generic(method.upper(), address, body, content_type="application/json")
        return answer, f"{method} {address} {body}"

    def _body(self, schema: Mapping[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
        named = self.schema["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        fields = {name: st.one_of(_usual(kind), _ODD) for name, kind in named["properties"].items()}
        needed = {name: _usual(named["properties"][name]) for name in named.get("required", [])}
        odd = st.fixed_dictionaries({}, optional={**fields, "unknown": _ODD})
        rest = {name: value for name, value in fields.items() if name not in needed}
        return st.one_of(odd, st.fixed_dictionaries(needed, optional=rest))


def _usual(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    kind = schema.get("type", "string")
    kind = kind[0] if isinstance(kind, list) else kind
    usual: dict[str, st.SearchStrategy[Any]] = {
        "integer": st.integers(0, 3000),
        "boolean": st.booleans(),
        "array": st.lists(st.text(max_size=10), max_size=3),
        "object": st.dictionaries(st.text(max_size=5), _ODD, max_size=2),
    }
    return usual.get(str(kind), st.sampled_from(schema.get("enum", ["a red boat", "2K", "16:9", "0.10"])))


def _named(operation: Mapping[str, Any], place: str) -> list[str]:
    return [one["name"] for one in operation.get("parameters", []) if one["in"] == place]


@pytest.fixture
def callers(shop: None, schema: dict[str, Any]) -> Callers:
    return Callers(schema)


@pytest.mark.parametrize(("path", "method"), operations())
def test_no_request_gets_a_server_error_or_an_answer_that_is_not_described(
    callers: Callers, path: str, method: str
) -> None:
    said = set(callers.schema["paths"][path][method]["responses"])

    @settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(draw=st.data())
    def one(draw: Any) -> None:
        answer, words = callers.request(path, method, draw.draw)
        assert str(answer.status_code) in said, f"{words} -> {answer.status_code}"
        assert answer.status_code < 500, words
        if answer.streaming:
            b"".join(answer.streaming_content)  # the file is closed at its end

    one()
    assert not Generation.objects.exists()
