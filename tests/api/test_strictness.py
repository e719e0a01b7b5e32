"""Nothing that was sent is dropped in silence: what we do not understand is refused by name."""

from __future__ import annotations

import socket
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import Membership, Project
from generations.models import Asset, Generation
from tests.api.conftest import client_of, secret_of, send, upload
from tests.api.test_errors import error_of
from tests.conftest import Person, png


def picture(name: str = "boat.png", color: str = "teal") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, png(color=color), "image/png")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("generations?status=queued&status=running", "status"),
        ("generations?limit=1&limit=2", "limit"),
        ("assets?rating=3&rating=4", "rating"),
        ("assets?favorite=true&favorite=false", "favorite"),
    ],
)
def test_a_filter_given_twice_is_refused_instead_of_half_heard(ada: Person, path: str, name: str) -> None:
    answer = client_of(ada).get(f"/api/v1/{path}")
    assert (answer.status_code, list(error_of(answer)["fields"])) == (400, [name])


@pytest.mark.parametrize(
    ("path", "name"), [("content?format=webp,png", "format"), ("thumbnail?size=256,512", "size")]
)
def test_one_picture_has_one_format_and_one_size(ada: Person, path: str, name: str) -> None:
    client = client_of(ada)
    answer = client.get(f"/api/v1/assets/{upload(client).json()['id']}/{path}")
    assert (answer.status_code, list(error_of(answer)["fields"])) == (400, [name])


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"file": [picture("a.png", "red"), picture("b.png", "blue")]}, "file"),
        ({"file": picture(), "name": ["a", "b"]}, "name"),
        ({"file": picture(), "colour": "red"}, "colour"),
    ],
)
def test_an_upload_keeps_all_that_was_sent_or_nothing(ada: Person, fields: dict[str, Any], name: str) -> None:
    answer = client_of(ada).post("/api/v1/assets", fields)
    assert (answer.status_code, list(error_of(answer)["fields"])) == (400, [name])
    assert not Asset.objects.exists()


def test_too_many_fields_are_not_said_to_be_too_many_bytes(ada: Person) -> None:
    many: dict[str, Any] = {f"field{number}": "x" for number in range(1100)}
    answer = upload(client_of(ada), **many)
    assert (answer.status_code, error_of(answer)["code"]) == (400, "malformed")
    assert "fields" in error_of(answer)["message"]


def test_an_edit_with_a_file_nobody_asked_for_is_refused_unpaid(ada: Person) -> None:
    answer = client_of(ada).post(
        "/v1/images/edits", {"prompt": "x", "image": picture(), "second_image": picture("b.png", "red")}
    )
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "second_image")
    assert not Generation.objects.exists()
    assert not Asset.objects.exists()


@pytest.mark.parametrize("value", ["9" * 5000, "101", "-1", "\u0663", True, 1.5])
def test_a_compression_that_is_no_percentage_is_refused(ada: Person, value: Any) -> None:
    answer = send(
        client_of(ada), "POST", "/v1/images/generations", {"prompt": "x", "output_compression": value}
    )
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "output_compression")


def test_metadata_may_be_nested_as_deep_as_everybody_can_read(ada: Person) -> None:
    client = client_of(ada)

    def submit(levels: int) -> Any:
        body = '{"prompt": "x", "metadata": ' + '{"a": ' * levels + "1" + "}" * levels + "}"
        return client.generic("POST", "/api/v1/generations", body, content_type="application/json")

    assert submit(20).status_code == 202
    for levels in (21, 200, 700):
        answer = submit(levels)
        assert answer.status_code == 400
        assert list(error_of(answer)["fields"]) == ["metadata"]
    assert Generation.objects.count() == 1


@pytest.mark.parametrize("body", [{"name": "x" * 201}, {"name": "ok", "colour": "red"}])
def test_a_project_is_named_as_asked_or_not_at_all(ada: Person, body: dict[str, str]) -> None:
    client = client_of(ada)
    made = send(client, "POST", "/api/v1/projects", body)
    changed = send(client, "PATCH", f"/api/v1/projects/{ada.project.id}", body)
    assert (made.status_code, changed.status_code) == (400, 400)
    assert error_of(made)["fields"] == error_of(changed)["fields"] != {}
    assert Project.objects.get(id=ada.project.id).name == ada.project.name


def test_a_picture_is_not_given_half_its_name(ada: Person) -> None:
    client = client_of(ada)
    path = f"/api/v1/assets/{upload(client).json()['id']}"
    answer = send(client, "PATCH", path, {"name": "x" * 256})
    assert (answer.status_code, list(error_of(answer)["fields"])) == (400, ["name"])


def test_a_member_is_let_in_as_asked_or_not_at_all(ada: Person, stranger: Person) -> None:
    client = client_of(ada)
    body = {"email": stranger.user.email, "rolle": "editor"}
    answer = send(client, "POST", f"/api/v1/projects/{ada.project.id}/members", body)
    assert (answer.status_code, list(error_of(answer)["fields"])) == (400, ["rolle"])
    assert not Membership.objects.filter(project=ada.project, user=stranger.user).exists()


def test_a_compressed_body_is_refused_by_its_reason(ada: Person) -> None:
    answer = client_of(ada).generic(
        "POST",
        "/api/v1/projects",
        b"\x1f\x8b\x08",
        content_type="application/json",
        headers={"content-encoding": "gzip"},
    )
    assert (answer.status_code, error_of(answer)["code"]) == (415, "unsupported_media_type")
    assert "Content-Encoding" in error_of(answer)["message"]


def test_a_body_in_chunks_is_not_taken_for_an_empty_one(server: str, person: Person) -> None:
    parts = urlsplit(server)
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as link:
        link.sendall(
            b"POST /api/v1/projects HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            b"Authorization: Bearer %s\r\nContent-Type: application/json\r\n"
            b'Transfer-Encoding: chunked\r\n\r\nd\r\n{"name": "x"}\r\n0\r\n\r\n' % secret_of(person).encode()
        )
        said = b"".join(iter(lambda: link.recv(65536), b"")).decode()
    assert said.split()[1] == "411"
    assert "Content-Length" in said.partition("\r\n\r\n")[2]
