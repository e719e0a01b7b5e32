"""The library over HTTP: lists by their searches, many pictures at once, collections, searches, tags."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts.actions import create_project
from accounts.models import AuditEvent, Role
from generations.actions import collecting
from generations.models import Asset, facets
from tests.api.conftest import client_of, send
from tests.conftest import Person
from tests.library.conftest import Shelf


@pytest.fixture
def client(shelf: Shelf) -> Client:
    return client_of(shelf.ada)


def ok(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.content
    return answer.json() if answer.content else None


def test_the_list_takes_every_filter_and_its_pages_lead_on(shelf: Shelf, client: Client) -> None:
    wanted = [
        str(
            shelf.put(
                "a red boat", tags=["a, b", "x"], rating=4, provider="runware", size=(160, 90), seed=0
            ).id
        )
        for _ in range(5)
    ]
    shelf.put("a red boat", tags=["a, b", "x"], rating=4, provider="runware", size=(160, 90), seed=1)
    shelf.put("a mountain")
    query = {
        "project": str(shelf.ada.project.id),
        "q": "boa re",
        "tag": ["x", "a, b"],
        "rating": "3",
        "provider": "runware,bytespike",
        "user": str(shelf.ada.user.id),
        "kind": "generated",
        "aspect": "16:9,1:1",
        "seed": "0",
        "created_after": "2020-01-01",
        "limit": "2",
    }
    page, found = ok(client.get("/api/v1/assets", query)), []
    while True:
        found += [asset["id"] for asset in page["results"]]
        if page["next"] is None:
            break
        page = ok(client.get(page["next"]))
    assert found == wanted[::-1]
    back = ok(client.get(page["previous"]))
    assert [asset["id"] for asset in back["results"]] == wanted[::-1][2:4]


@pytest.mark.parametrize(
    "query",
    [
        "rating=9",
        "seed=-1",
        "seed=9223372036854775808",
        "seed=1.5",
        "aspect=5:4",
        "collection=x",
        "colour=red",
        "cursor=x",
        "cursor=older-x",
        "kind=a&kind=b",
    ],
)
def test_a_filter_that_is_wrong_is_named(client: Client, query: str) -> None:
    error = ok(client.get(f"/api/v1/assets?{query}"), 400)["error"]
    assert list(error["fields"]) == [query.partition("=")[0]]


@pytest.mark.parametrize("cursor", ["1~99999999999999999999", "1~-1", "nan~1", "one~1", "1", "~"])
def test_a_place_in_a_collection_that_nobody_was_told_is_refused_or_has_nothing(
    shelf: Shelf, client: Client, cursor: str
) -> None:
    held = collecting.create(principal=shelf.ada.principal, project_id=shelf.ada.project.id, name="Best")
    api = client.get(f"/api/v1/assets?collection={held.id}&cursor=older-{cursor}")
    assert api.status_code == 400 or api.json()["results"] == []


def test_one_picture_is_rated_and_made_a_favourite(shelf: Shelf, client: Client) -> None:
    path = f"/api/v1/assets/{shelf.put().id}"
    changed = ok(send(client, "PATCH", path, {"rating": 5, "favorite": True, "tags": ["x"]}))
    assert (changed["rating"], changed["favorite_of"], changed["tags"]) == (
        5,
        [str(shelf.ada.user.id)],
        ["x"],
    )
    for body, field in (
        ({"rating": 6}, "rating"),
        ({"favorite": "yes"}, "favorite"),
        ({"rating": True}, "rating"),
    ):
        assert list(ok(send(client, "PATCH", path, body), 400)["error"]["fields"]) == [field]


def test_one_request_changes_many_and_another_takes_it_back(shelf: Shelf, client: Client) -> None:
    ids = [str(shelf.put(rating=rating).id) for rating in (0, 1, 1)]
    nobody = str(uuid4())
    body = {"verb": "rate", "rating": 5, "ids": [*ids, nobody]}
    done = ok(send(client, "POST", "/api/v1/assets/bulk", body))
    assert (done["changed"], done["ids"], done["not_found"]) == (3, ids, [nobody])
    for undo in done["undo"]:
        ok(send(client, "POST", "/api/v1/assets/bulk", undo))
    assert sorted(Asset.objects.values_list("rating", flat=True)) == [0, 1, 1]
    meant = {"verb": "trash", "search": {"q": "boat", "rating": 1}}
    assert ok(send(client, "POST", "/api/v1/assets/bulk", meant))["changed"] == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"verb": "paint", "ids": []}, "verb"),
        ({"verb": "trash"}, "ids"),
        ({"verb": "trash", "ids": ["x"]}, "ids"),
        ({"verb": "trash", "ids": "x"}, "ids"),
        ({"verb": "trash", "search": {"colour": "red"}}, "search"),
        ({"verb": "trash", "search": {"rating": "9"}}, "rating"),
        ({"verb": "trash", "search": {"q": {"a": 1}}}, "search"),
        ({"verb": "trash", "search": {}}, "search"),
        ({"verb": "trash", "search": {"trashed": False}}, "search"),
        ({"verb": "trash", "search": {"project": ""}}, "search"),
        ({"verb": "trash", "search": {"q": " \u200b"}}, "search"),
        ({"verb": "trash", "search": {"q": "!!!"}}, "search"),
        ({"verb": "trash", "search": {"q": "…", "kind": "uploaded"}}, "search"),
        ({"verb": "trash", "search": {"tag": []}}, "search"),
        ({"verb": "tag", "search": {"q": "x"}, "tags": "x"}, "tags"),
        ({"verb": "move", "search": {"q": "x"}, "project": 7}, "project"),
        ({"verb": "trash", "search": {"q": "x"}, "force": True}, "force"),
    ],
)
def test_a_bulk_request_that_is_wrong_is_named(client: Client, body: dict[str, Any], field: str) -> None:
    assert list(ok(send(client, "POST", "/api/v1/assets/bulk", body), 400)["error"]["fields"]) == [field]


@pytest.mark.parametrize(
    ("verb", "strange", "taken"),
    [
        ("favorite", {"rating": {"junk": "x" * 200_000}}, "verb, ids, search."),
        ("trash", {"tags": ["x"]}, "verb, ids, search."),
        ("tag", {"tags": ["x"], "rating": 3}, "verb, ids, search, tags."),
        ("rate", {"rating": 3, "ranks": {}}, "verb, ids, search, rating."),
        ("move", {"project": None, "collection": str(uuid4())}, "verb, ids, search, project."),
        ("uncollect", {"collection": str(uuid4()), "ranks": {}}, "verb, ids, search, collection."),
    ],
)
def test_a_field_that_the_verb_does_not_take_is_named_with_those_it_takes(
    shelf: Shelf, client: Client, verb: str, strange: dict[str, Any], taken: str
) -> None:
    body = {"verb": verb, "ids": [str(shelf.put().id)], **strange}
    error = ok(send(client, "POST", "/api/v1/assets/bulk", body), 400)["error"]
    assert list(error["fields"]) == list(strange)[-1:]
    assert error["message"].endswith(f"known are {taken}")
    assert not AuditEvent.objects.filter(verb=f"{verb}_assets").exists()


def test_a_collection_lives_over_http(shelf: Shelf, client: Client) -> None:
    ids = [str(shelf.put().id) for _ in range(3)]
    body = {"project": str(shelf.ada.project.id), "name": "Best"}
    held = ok(send(client, "POST", "/api/v1/collections", body), 201)
    path = f"/api/v1/collections/{held['id']}"
    for one in ids:
        held = ok(send(client, "PUT", f"{path}/assets/{one}", {}))
    assert (held["pictures"], held["cover"]) == (3, ids[0])
    ok(send(client, "PUT", f"{path}/assets/{ids[2]}", {"before": ids[0]}))
    page = ok(client.get("/api/v1/assets", {"collection": held["id"], "limit": "2"}))
    assert [asset["id"] for asset in page["results"]] == [ids[2], ids[0]]
    assert [asset["id"] for asset in ok(client.get(page["next"]))["results"]] == [ids[1]]
    ok(client.delete(f"{path}/assets/{ids[0]}"), 204)
    held = ok(send(client, "PATCH", path, {"name": "Better", "cover": ids[1]}))
    assert (held["name"], held["cover"], held["pictures"]) == ("Better", ids[1], 2)
    assert [one["id"] for one in ok(client.get("/api/v1/collections?q=bett"))["results"]] == [held["id"]]
    ok(client.delete(path), 204)
    ok(client.get(path), 404)
    assert Asset.objects.count() == 3


def test_a_search_is_kept_over_http(shelf: Shelf, client: Client) -> None:
    body = {"name": "Boats", "search": {"q": "boat", "tag": ["a, b"]}, "project": str(shelf.ada.project.id)}
    saved = ok(send(client, "POST", "/api/v1/searches", body), 201)
    path = f"/api/v1/searches/{saved['id']}"
    assert ok(client.get(path)) == saved
    assert ok(client.get(f"/api/v1/assets?{saved['query']}"))["results"] == []
    changed = ok(send(client, "PATCH", path, {"name": "Ships", "search": {"q": "ship"}}))
    assert (changed["name"], changed["search"]) == ("Ships", {"q": ["ship"]})
    assert len(ok(client.get("/api/v1/searches"))["results"]) == 1
    ok(client.delete(path), 204)
    assert ok(client.get("/api/v1/searches"))["results"] == []


def test_tags_and_counts_are_told(shelf: Shelf, client: Client) -> None:
    for number in range(3):
        shelf.put(tags=["boat", "bow"][: number + 1], rating=number + 2)
    tags = ok(client.get("/api/v1/tags?q=BO"))["results"]
    assert [(one["tag"], one["pictures"], one["more"]) for one in tags] == [
        ("boat", 3, False),
        ("bow", 2, False),
    ]
    told = ok(client.get("/api/v1/assets/facets?tag=bow&rating=3"))
    assert told["total"] == {"pictures": 2, "more": False}
    assert set(told["facets"]) == set(facets.FACETS)
    rated = {one["value"]: (one["pictures"], one["chosen"]) for one in told["facets"]["rating"]}
    assert rated == {"5": (0, False), "4": (1, False), "3": (2, True), "2": (2, False), "1": (2, False)}


def test_a_collection_without_a_project_is_in_the_keys_own_or_in_my_oldest(shelf: Shelf) -> None:
    ada = shelf.ada
    newer = create_project(principal=ada.principal, name="Newer")
    for client, project in ((client_of(ada), ada.project), (client_of(ada, project_id=newer.id), newer)):
        held = ok(send(client, "POST", "/api/v1/collections", {"name": "Best"}), 201)
        assert held["project"] == str(project.id)


def test_strangers_find_nothing_and_keys_need_their_scope(shelf: Shelf, stranger: Person) -> None:
    one = shelf.put()
    owner = client_of(shelf.ada)
    body = {"project": str(shelf.ada.project.id), "name": "Best"}
    held = ok(send(owner, "POST", "/api/v1/collections", body), 201)
    saved = ok(
        send(
            owner, "POST", "/api/v1/searches", {"name": "x", "search": {"q": "x"}, "project": body["project"]}
        ),
        201,
    )
    theirs, reader = client_of(stranger), client_of(shelf.ada, "read")
    for method, path, sent in (
        ("GET", f"/api/v1/collections/{held['id']}", None),
        ("PATCH", f"/api/v1/collections/{held['id']}", {"name": "y"}),
        ("DELETE", f"/api/v1/collections/{held['id']}", None),
        ("PUT", f"/api/v1/collections/{held['id']}/assets/{one.id}", {}),
        ("DELETE", f"/api/v1/collections/{held['id']}/assets/{one.id}", None),
        ("POST", "/api/v1/collections", body),
        ("GET", f"/api/v1/searches/{saved['id']}", None),
        ("PATCH", f"/api/v1/searches/{saved['id']}", {"name": "y"}),
        ("DELETE", f"/api/v1/searches/{saved['id']}", None),
        ("PATCH", f"/api/v1/assets/{one.id}", {"favorite": True}),
        ("GET", f"/api/v1/assets/facets?project={body['project']}", None),
        ("GET", f"/api/v1/tags?project={body['project']}", None),
    ):
        ok(send(theirs, method, path, sent), 404)
        if method != "GET":
            assert ok(send(reader, method, path, sent), 403)["error"]["code"] == "missing_scope"
    shelf.let_in(stranger, Role.VIEWER)
    ok(send(theirs, "DELETE", f"/api/v1/collections/{held['id']}"), 403)
    assert ok(theirs.get(f"/api/v1/collections/{held['id']}"))["name"] == "Best"
