"""Ids of others, wherever an id can be said: in every body and every filter that the description knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from accounts.models import AuditEvent, Project
from billing.models import Hold, Transfer
from generations.actions import collecting, searches
from generations.models import (
    Asset,
    Batch,
    Collection,
    CollectionItem,
    Comment,
    Comparison,
    Generation,
    KeptAnswer,
    Notice,
    Preset,
    SavedSearch,
)
from generations.models.search import Search
from tests.api.conftest import client_of, send, upload
from tests.comparing.conftest import body_of
from tests.conftest import Person, ask, png

MARK = "zibeline"
"""A word that is in everything Ada has, and in nothing that anybody else has."""
EVERYTHING: tuple[Any, ...] = (
    Asset, AuditEvent, Batch, Collection, CollectionItem, Comment, Comparison, Generation, Hold, KeptAnswer,
    Notice, Preset, Project, SavedSearch, Transfer,
)  # fmt: skip


@dataclass(frozen=True)
class Things:
    """One of everything, of one person."""

    person: Person
    picture: str
    collection: str
    batch: str
    notice: str

    @property
    def project(self) -> str:
        return str(self.person.project.id)

    @property
    def user(self) -> str:
        return str(self.person.user.id)


def things_of(person: Person, word: str, color: str) -> Things:
    me, project = person.principal, person.project
    Project.objects.filter(id=project.id).update(name=word)
    made = upload(client_of(person), png(color=color), name=f"{word}.png", tags=[word]).json()
    work = ask(person, f"a {word}")
    held = collecting.create(principal=me, project_id=project.id, name=word)
    collecting.place(principal=me, collection_id=held.id, asset_id=made["id"])
    searches.save(principal=me, name=word, search=Search(q=word), project_id=project.id)
    own = {"project": project, "user": person.user}
    batch = Batch.objects.create(**own, name=word, works=1, pictures=1, quoted=1)
    Generation.objects.filter(id=work.id).update(batch=batch)
    Preset.objects.create(**own, name=word)
    Comparison.objects.create(**own, prompt=f"a {word}")
    notice = Notice.objects.create(user=person.user, kind="generation", about={"generation": str(work.id)})
    return Things(person, made["id"], str(held.id), str(batch.id), str(notice.pk))


@pytest.fixture
def hers(ada: Person) -> Things:
    return things_of(ada, MARK, "teal")


@pytest.fixture
def mine(stranger: Person, hers: Things) -> Things:
    return things_of(stranger, "heron", "plum")


Said = Callable[[Things], Any]


def wish(own: Things) -> dict[str, Any]:
    return {"prompt": "a boat", "project": own.project, "provider": "runware"}


def many(own: Things) -> dict[str, Any]:
    return {"prompts": ["a boat"], "project": own.project, "provider": "runware"}


def beside(own: Things) -> dict[str, Any]:
    return body_of(own.person)


def picked(verb: str) -> Said:
    return lambda own: {"verb": verb, "ids": [own.picture]}


def named(own: Things) -> dict[str, Any]:
    return {"name": "new", "project": own.project}


ID_OF: dict[str, Said] = {
    "project": lambda other: other.project,
    "collection": lambda other: other.collection,
    "user": lambda other: other.user,
    "batch": lambda other: other.batch,
    "source": lambda other: other.picture,
    "cover": lambda other: other.picture,
    "before": lambda other: other.picture,
    "after": lambda other: other.picture,
    "ids": lambda other: [other.picture],
    "references": lambda other: [f"asset:{other.picture}"],
    "search": lambda other: {"project": other.project},
}
"""What a field of this name takes, where it is somebody's id."""
BODIES: dict[tuple[str, str], tuple[Said, tuple[str, ...]]] = {
    ("post", "/api/v1/assets"): (lambda own: {"project": own.project}, ("project",)),
    ("post", "/api/v1/assets/download"): (lambda own: {"ids": [own.picture]}, ("ids", "search")),
    ("post", "/api/v1/batches"): (many, ("project", "references", "source")),
    ("post", "/api/v1/collections"): (named, ("project",)),
    ("patch", "/api/v1/collections/{collection_id}"): (lambda own: {"name": "new"}, ("cover",)),
    ("put", "/api/v1/collections/{collection_id}/assets/{asset_id}"): (
        lambda own: {}, ("before", "after"),
    ),
    ("post", "/api/v1/comparisons"): (beside, ("project", "references", "source")),
    ("post", "/api/v1/generations"): (wish, ("project", "references", "source")),
    ("post", "/api/v1/presets"): (lambda own: {**named(own), "body": {}}, ("project",)),
    ("post", "/api/v1/searches"): (lambda own: {**named(own), "search": {"q": "x"}}, ("project",)),
}  # fmt: skip
QUOTES = {"/api/v1/quotes": wish, "/api/v1/batches/quotes": many, "/api/v1/comparisons/quotes": beside}
"""They make nothing and look nothing up: the same price whoever's ids are in them."""
OF_THEIR_OWN = {
    ("post", "/api/v1/assets/bulk"),  # names what it did not find: below
    ("post", "/api/v1/notices/read"),  # reads one's own among those it is given: below
    ("put", "/api/v1/budgets"),  # for staff, who may limit everybody
    *(("post", path) for path in QUOTES),
}
A_QUESTION = {("post", "/api/v1/searches"), ("patch", "/api/v1/searches/{search_id}")}
"""A kept search is only asked later, as filters are: below."""


def bodies(schema: dict[str, Any]) -> Iterator[tuple[tuple[str, str], set[str]]]:
    """Each operation, and the fields of its body that somebody's id can be said in."""
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            for kind in operation.get("requestBody", {}).get("content", {}).values():
                name = kind["schema"]["$ref"].rpartition("/")[2]
                fields = schema["components"]["schemas"][name]["properties"]
                ids = {one for one, said in fields.items() if one in ID_OF or said.get("format") == "uuid"}
                ids -= {"search"} if (method, path) in A_QUESTION else set()
                ids -= {"user"} if path.startswith("/v1/") else set()  # whatever a caller calls its own
                if ids:
                    yield (method, path), ids


def test_every_body_in_which_an_id_can_be_said_has_a_row_here(schema: dict[str, Any]) -> None:
    found: dict[tuple[str, str], set[str]] = {}
    for operation, ids in bodies(schema):
        found[operation] = found.get(operation, set()) | ids
    rows = {operation: set(names) for operation, (_, names) in BODIES.items()}
    assert {key: ids for key, ids in found.items() if key not in OF_THEIR_OWN} == rows


def sent(client: Client, operation: tuple[str, str], own: Things, body: dict[str, Any]) -> Any:
    method, path = operation
    search = SavedSearch.objects.get(user=own.person.user)
    ids = {"collection_id": own.collection, "asset_id": own.picture, "search_id": search.id}
    path = path.format(**ids)
    if path == "/api/v1/assets":
        return upload(client, png(color="gold"), **body)
    return send(client, method, path, body)


def everything() -> dict[str, list[dict[str, Any]]]:
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in EVERYTHING}


@pytest.mark.parametrize("operation", BODIES, ids=" ".join)
def test_nothing_is_made_of_what_belongs_to_others(
    operation: tuple[str, str], mine: Things, hers: Things
) -> None:
    client = client_of(mine.person)
    body, ids = BODIES[operation]
    with transaction.atomic():
        right = sent(client, operation, mine, body(mine))
        assert right.status_code in {200, 201, 202, 204}, right.content
        if right.streaming:
            right.getvalue()
        transaction.set_rollback(True)

    before = everything()
    for name in ids:
        wrong = {one: said for one, said in body(mine).items() if {one, name} != {"ids", "search"}}
        answer = sent(client, operation, mine, {**wrong, name: ID_OF[name](hers)})
        assert answer.status_code in {400, 404}, (name, answer)
        assert MARK not in answer.content.decode(), name
        assert everything() == before, name


@pytest.mark.parametrize("verb", ["trash", "favorite", "rate", "tag", "move", "collect"])
def test_a_bulk_verb_finds_nothing_of_others_and_puts_nothing_there(
    verb: str, mine: Things, hers: Things
) -> None:
    client = client_of(mine.person)
    by_verb: dict[str, dict[str, Any]] = {
        "rate": {"rating": 1},
        "tag": {"tags": ["taken"]},
        "move": {"project": mine.project},
        "collect": {"collection": mine.collection},
    }
    more = by_verb.get(verb, {})
    before = everything()
    for chosen in ({"ids": [hers.picture]}, {"search": {"project": hers.project}}):
        answer = send(client, "post", "/api/v1/assets/bulk", {"verb": verb, **chosen, **more})
        assert answer.status_code == 404 or answer.json()["ids"] == [], answer.content
        assert MARK not in answer.content.decode()
        assert everything() == before
    there = {"move": {"project": hers.project}, "collect": {"collection": hers.collection}}.get(verb)
    if there:
        answer = send(client, "post", "/api/v1/assets/bulk", {"verb": verb, "ids": [mine.picture], **there})
        assert answer.status_code == 404
        assert everything() == before


def test_notices_of_others_are_not_read(mine: Things, hers: Things) -> None:
    client, before = client_of(mine.person), everything()
    answer = send(client, "post", "/api/v1/notices/read", {"ids": [hers.notice]})
    assert answer.status_code in {200, 204, 404}
    assert everything() == before


@pytest.mark.parametrize("path", QUOTES)
def test_a_quote_tells_nothing_of_others(path: str, mine: Things, hers: Things) -> None:
    client, body = client_of(mine.person), QUOTES[path](mine)
    right = send(client, "post", path, {**body, "references": ID_OF["references"](mine)})
    assert right.status_code == 200
    before = everything()
    for name in ("project", "references", "source"):
        wrong = {**body, "references": ID_OF["references"](mine), name: ID_OF[name](hers)}
        answer = send(client, "post", path, wrong)
        assert (answer.status_code, answer.content) == (200, right.content), name
    assert everything() == before


FILTERS = ("project", "collection", "user", "batch")
SILENT = {"/api/v1/arena/next", "/api/v1/ranking"}
"""Where nothing has been made to be told of yet."""


def filtered(schema: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (path, one["name"])
        for path, item in schema["paths"].items()
        for one in item.get("get", {}).get("parameters", [])
        if one["in"] == "query" and one["name"] in FILTERS
    ]


def test_no_filter_opens_what_belongs_to_others(schema: dict[str, Any], mine: Things, hers: Things) -> None:
    owner, client = client_of(hers.person), client_of(mine.person)
    wanted = filtered(schema)
    assert len(wanted) >= 16
    for path, name in wanted:
        address = f"{path}?{name}={ID_OF[name](hers)}"
        told = owner.get(address)
        assert path in SILENT or MARK in told.content.decode(), address
        answer = client.get(address)
        assert answer.status_code in {200, 404}, address
        said = answer.content.decode()
        assert MARK not in said, address
        for foreign in (hers.picture, hers.collection, hers.notice):
            assert foreign == ID_OF[name](hers) or foreign not in said, address


def test_no_list_without_a_filter_tells_of_others(schema: dict[str, Any], mine: Things, hers: Things) -> None:
    client = client_of(mine.person)
    for path, item in schema["paths"].items():
        if "get" not in item or "{" in path:
            continue
        answer = client.get(path)
        assert answer.status_code in {200, 404}, path
        said = (answer.getvalue() if answer.streaming else answer.content).decode()
        assert MARK not in said, path
        assert not any(foreign in said for foreign in (hers.picture, hers.project, hers.user)), path
