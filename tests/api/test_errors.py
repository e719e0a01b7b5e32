"""What bad input and bad luck get: one shape, a sentence, and never a stack."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Project
from generations.api.answers import GenerationBody
from generations.models import Generation
from tests.api.conftest import client_of, send, upload
from tests.conftest import Person


def error_of(answer: Any) -> dict[str, Any]:
    error = answer.json()["error"]
    assert set(error) >= {"code", "message", "fields", "request_id"}
    assert error["message"]
    assert "Traceback" not in answer.content.decode()
    assert answer.headers["X-Request-Id"] == error["request_id"]
    return dict(error)


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        ("{", "application/json", 400, "malformed"),
        ("[]", "application/json", 400, "malformed"),
        ('{"prompt": NaN}', "application/json", 400, "malformed"),
        ("[" * 100_000, "application/json", 400, "malformed"),
        (b'{"prompt": "\xff"}', "application/json", 400, "malformed"),
        ('{"prompt": "half \\ud83d"}', "application/json", 400, "invalid_parameter"),
        ('{"metadata": {"a": ["\\u0000"]}, "prompt": "x"}', "application/json", 400, "invalid_parameter"),
        ('{"count": 1' + "0" * 5000 + "}", "application/json", 400, "malformed"),
        ('{"prompt": "x", "max_price": "0.01", "max_price": "5"}', "application/json", 400, "malformed"),
        ('{"digits": 1, "digits": 2}', "application/json", 400, "malformed"),
        ("prompt=x", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        ("<x/>", "text/xml; charset=base64", 415, "unsupported_media_type"),
        ('{"prompt": ""}', "application/json", 400, "invalid_parameter"),
        ('{"prompt": "x", "colour": "red"}', "application/json", 400, "invalid_parameter"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_in_one_shape(
    ada: Person, body: str | bytes, kind: str, status: int, code: str
) -> None:
    answer = client_of(ada).generic("POST", "/api/v1/generations", body, content_type=kind)
    assert (answer.status_code, error_of(answer)["code"]) == (status, code)
    assert not any(word in error_of(answer)["message"] for word in ("recursion", "sys.set_int", "4300"))
    assert ("too many digits" in error_of(answer)["message"]) == ("0" * 5000 in str(body))
    assert not Generation.objects.exists()


@pytest.mark.parametrize(
    "count", [18446744073686646784, -1, 0, 1e3, 1.5, "NaN", "1e3", True, [], {}, "two", 21, " "]
)
def test_a_count_that_is_no_small_whole_number_is_refused(ada: Person, count: Any) -> None:
    answer = send(client_of(ada), "POST", "/api/v1/generations", {"prompt": "x", "count": count})
    assert (answer.status_code, error_of(answer)["code"]) == (400, "invalid_parameter")
    assert list(error_of(answer)["fields"]) == ["count"]
    assert ada.wallet.held == 0
    assert not Generation.objects.exists()


@pytest.mark.parametrize("price", ["NaN", "Infinity", "-1", "0.0000001", 1e999, "ten", "1e30", False])
def test_a_price_that_is_no_amount_is_refused(ada: Person, price: Any) -> None:
    body = json.dumps({"prompt": "x", "max_price": price}).replace("Infinity", '"Infinity"', 1)
    answer = client_of(ada).post(
        "/api/v1/generations", body.replace('""', '"'), content_type="application/json"
    )
    assert (answer.status_code, error_of(answer)["code"]) == (400, "invalid_parameter")
    assert list(error_of(answer)["fields"]) == ["max_price"]
    assert ada.wallet.held == 0
    assert not Generation.objects.exists()


@pytest.mark.parametrize("prompt", ["\x00", "x\x00y", "x" * 8001, "x" * 1_000_001, 7, None, ["x"], "   "])
def test_a_prompt_that_cannot_be_kept_is_refused(ada: Person, prompt: Any) -> None:
    answer = send(client_of(ada), "POST", "/api/v1/generations", {"prompt": prompt})
    assert (answer.status_code, list(error_of(answer)["fields"])) == (400, ["prompt"])
    assert not Generation.objects.exists()


@pytest.mark.parametrize(
    "prompt", ["<script>alert(1)</script>", "=1+1", "\u202eabc\u202c", "你好 🎣", "a'; DROP TABLE x; --"]
)
def test_a_strange_prompt_comes_back_as_it_was(ada: Person, prompt: str) -> None:
    client = client_of(ada)
    made = send(client, "POST", "/api/v1/generations", {"prompt": prompt})
    assert made.status_code == 202
    read = client.get(f"/api/v1/generations/{made.json()['id']}")
    assert read.json()["prompt"] == prompt
    assert read.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("name", ["a\x00b", "half \ud83d"])
def test_a_name_no_database_keeps_is_refused_by_field(ada: Person, name: str) -> None:
    answer = send(client_of(ada), "POST", "/api/v1/projects", {"name": name})
    assert (answer.status_code, list(error_of(answer)["fields"])) == (400, ["name"])
    form = upload(client_of(ada), name="a\x00b")
    assert (form.status_code, list(error_of(form)["fields"])) == (400, ["name"])


def test_text_that_cannot_be_stored_is_refused_in_one_sentence(ada: Person) -> None:
    client = client_of(ada)
    by_body = send(client, "POST", "/api/v1/generations", {"prompt": "half \ud83d"})
    by_query = client.get("/api/v1/assets?q=a%00b")
    for answer, name in ((by_body, "prompt"), (by_query, "q")):
        problem = "must not contain the character NUL or unpaired surrogates; remove them."
        assert error_of(answer)["fields"] == {name: [problem]}


def test_a_charset_that_is_none_decides_nothing(ada: Person) -> None:
    answer = client_of(ada).generic("GET", "/api/v1/assets?q=x", content_type="text/plain; charset=rot13")
    assert answer.status_code == 200


def test_a_body_above_the_limit_is_turned_away_unread(ada: Person) -> None:
    answer = client_of(ada).post(
        "/api/v1/projects", json.dumps({"name": "x" * 1_100_000}), content_type="application/json"
    )
    assert (answer.status_code, error_of(answer)["code"]) == (413, "too_large")
    assert not Project.objects.filter(name__startswith="xxx").exists()


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("generations?colour=red", "colour"),
        ("generations?project=x", "project"),
        ("generations?status=finished", "status"),
        ("generations?created_after=yesterday", "created_after"),
        ("generations?created_after=2026-13-45", "created_after"),
        ("generations?created_after=9999-12-31T23:59:59-23:59", "created_after"),
        ("usage?from=0001-01-01T00:00:00%2B23:59", "from"),
        ("generations?limit=0", "limit"),
        ("generations?limit=201", "limit"),
        ("generations?cursor=%00", "cursor"),
        ("generations?cursor=older-x", "cursor"),
        ("assets?q=%00", "q"),
        ("assets?trashed=maybe", "trashed"),
        ("assets?aspect=7:3", "aspect"),
        ("usage?group_by=colour", "group_by"),
    ],
)
def test_a_filter_that_means_nothing_is_refused_by_name(ada: Person, path: str, name: str) -> None:
    answer = client_of(ada).get(f"/api/v1/{path}")
    assert answer.status_code == 400
    assert list(error_of(answer)["fields"]) == [name]


def test_a_time_of_any_offset_is_understood(ada: Person) -> None:
    client = client_of(ada)
    for path in ("generations?created_before=", "usage?from="):
        assert client.get(f"/api/v1/{path}2026-01-01T00:00:00%2B23:59").status_code == 200


def test_two_slashes_are_answered_as_one_would_be(ada: Person) -> None:
    answer = client_of(ada).get("/", PATH_INFO="//api/v1/quotes")
    assert (answer.status_code, error_of(answer)["code"]) == (404, "not_found")


def test_an_address_that_leads_nowhere_is_json_below_the_api(ada: Person) -> None:
    client = client_of(ada)
    for path in ("/api/v1/nothing", "/api/v1/generations/7", "/api/v1/generations/", "/api/nothing"):
        answer = client.get(path)
        assert (answer.status_code, error_of(answer)["code"]) == (404, "not_found")


def test_a_method_that_is_not_offered_says_which_are(ada: Person) -> None:
    answer = client_of(ada).delete("/api/v1/wallet")
    assert (answer.status_code, error_of(answer)["code"]) == (405, "method_not_allowed")
    assert "GET" in answer.headers["Allow"]
    assert "Allow names those it does" in error_of(answer)["message"]


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics", "/p/some-link"])
def test_what_can_only_be_read_says_so_of_a_post(path: str) -> None:
    answer = Client(enforce_csrf_checks=True).post(path)
    assert (answer.status_code, error_of(answer)["code"]) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD"
    assert "Allow names those it does" in error_of(answer)["message"]


def test_outside_the_api_a_program_is_refused_in_the_same_shape(ada: Person) -> None:
    elsewhere: Any = {"REMOTE_ADDR": "203.0.113.7"}
    client = Client(raise_request_exception=False)
    for answer, status, code in (
        (client.get("/p/some-link"), 404, "link_not_valid"),
        (client.get("/metrics", **elsewhere), 403, "missing_scope"),
        (client.post("/hooks/runware/guessed"), 401, "unauthorized"),
        (client.get("/hooks/runware/guessed"), 405, "method_not_allowed"),
    ):
        assert (answer.status_code, error_of(answer)["code"]) == (status, code)


def test_a_model_nobody_knows_is_not_found(ada: Person) -> None:
    answer = client_of(ada).get("/api/v1/models/dall-e-3")
    assert (answer.status_code, error_of(answer)["code"]) == (404, "model_not_found")


def test_an_upload_that_is_no_picture_is_refused(ada: Person) -> None:
    client = client_of(ada)
    for data in (b"<svg onload=alert(1)>", b"", b"GIF89a", b"\x89PNG\r\n\x1a\n broken"):
        answer = upload(client, data)
        assert answer.status_code == 400
        assert list(error_of(answer)["fields"]) == ["file"]
    missing = client.post("/api/v1/assets", {"name": "x"})
    assert (missing.status_code, list(error_of(missing)["fields"])) == (400, ["file"])


def test_the_callers_request_id_is_kept_if_it_is_usable(ada: Person) -> None:
    client = client_of(ada)
    assert client.get("/api/v1/me", headers={"x-request-id": "abc-1"}).headers["X-Request-Id"] == "abc-1"
    forged = client.get("/api/v1/me", headers={"x-request-id": "a b\tc"}).headers["X-Request-Id"]
    assert forged.startswith("req_")


def test_any_accept_header_gets_the_answer(ada: Person) -> None:
    assert client_of(ada).get("/api/v1/me", headers={"accept": "text/html"}).status_code == 200


def test_a_host_nobody_serves_is_refused_without_a_stack() -> None:
    answer = Client(raise_request_exception=False).get("/api/v1/me", headers={"host": "evil.example"})
    assert (answer.status_code, error_of(answer)["code"]) == (400, "unknown_host")
    assert "ALLOWED_HOSTS" in error_of(answer)["message"]


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_names = st.sampled_from(sorted(GenerationBody().fields))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.dictionaries(_names, _values, max_size=6))
def test_no_quote_however_wrong_ends_in_a_server_error(ada: Person, body: dict[str, Any]) -> None:
    answer = send(client_of(ada), "POST", "/api/v1/quotes", body)
    assert answer.status_code in {200, 400}
