"""Searches against what a person would pick by hand, by both ways of finding."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from accounts.errors import Invalid, NotFound
from accounts.models import Role
from accounts.principal import Principal
from generations.models import Asset, Collection, CollectionItem, facets, finding, tallies
from generations.models.search import Search
from tests.conftest import Person
from tests.library.conftest import Shelf

Right = Callable[[Asset], bool]


@pytest.fixture(params=[finding.PROBE, 12, 3], ids=["walked", "walked further", "asked"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest pictures suffice, or some more of them, or the index of terms is asked for most."""
    monkeypatch.setattr(finding, "PROBE", request.param)


@pytest.fixture
def full(shelf: Shelf) -> Shelf:
    """A hundred and twenty pictures of two people over 30 months, in two projects."""
    chance = random.Random(7)
    subjects = [
        "red boat",
        "blue boat at dawn",
        "红色的船在黎明",
        "京都の桜",
        "바다에서 본 산",
        "Ein grünes Häuschen",
    ]
    for number in range(120):
        shelf.put(
            prompt=chance.choice(subjects),
            project=chance.choice([shelf.ada.project, shelf.other]),
            provider=chance.choice(["runware", "bytespike", ""]),
            model=chance.choice(["seedream-5-lite", "seedream-4"]),
            rating=chance.randrange(6),
            tags=chance.sample(["boat", "sky", "it's, odd \\ one", "船"], chance.randrange(3)),
            favorite_of=[shelf.ada.user.id] if number % 5 == 0 else [],
            seed=None if number % 3 == 0 else number % 4,
            size=chance.choice([(64, 64), (160, 90), (90, 160), (100, 71)]),
            made=datetime(2024, 5, 1, tzinfo=UTC) + timedelta(days=number * 7.5),
            trashed=number % 11 == 0,
        )
    return shelf


def walked(principal: Principal, search: Search, limit: int = 16) -> list[UUID]:
    """Every page, there and back again."""
    found, before = [], ""
    while True:
        page = finding.page_of(principal, search, before=before, limit=limit)
        found.append(page)
        if page.next is None:
            break
        before = page.next
    for earlier, later in itertools.pairwise(found):
        assert later.previous is not None
        assert finding.page_of(principal, search, after=later.previous, limit=limit).ids == earlier.ids
    return [one for page in found for one in page.ids]


CASES: list[tuple[dict[str, Any], Right]] = [
    ({}, lambda one: True),
    ({"q": "boat"}, lambda one: "boat" in one.prompt),
    ({"q": "DAWN blu"}, lambda one: "dawn" in one.prompt),
    ({"q": "船"}, lambda one: "船" in one.prompt),
    ({"q": "红色"}, lambda one: "红色" in one.prompt),
    ({"q": "桜"}, lambda one: "桜" in one.prompt),
    ({"q": "바다ㅇ"}, lambda one: "바다" in one.prompt),
    ({"q": "haus grun"}, lambda one: "Häus" in one.prompt),
    ({"q": "…!?"}, lambda one: True),
    ({"q": "dragon"}, lambda one: False),
    ({"provider": "runware"}, lambda one: one.provider == "runware"),
    ({"provider": "runware,bytespike"}, lambda one: one.provider != ""),
    ({"model": "seedream-4", "q": "boat"}, lambda one: one.model == "seedream-4" and "boat" in one.prompt),
    ({"rating": "4"}, lambda one: one.rating >= 4),
    ({"tag": ["boat", "sky"]}, lambda one: {"boat", "sky"} <= set(one.tags)),
    ({"tag": "it's, odd \\ one"}, lambda one: "it's, odd \\ one" in one.tags),
    ({"aspect": "16:9,1:1"}, lambda one: one.width in {64, 160}),
    ({"aspect": "other"}, lambda one: one.width == 100),
    ({"seed": "0"}, lambda one: one.seed == 0),
    ({"seed": "3", "q": "boat"}, lambda one: one.seed == 3 and "boat" in one.prompt),
    (
        {"seed": "1", "created_after": "2025-01-01"},
        lambda one: one.seed == 1 and one.created_at >= datetime(2025, 1, 1, tzinfo=UTC),
    ),
    ({"seed": str(2**63 - 1)}, lambda one: False),
    ({"seed": "2", "trashed": "true"}, lambda one: one.seed == 2),
    ({"trashed": "true", "q": "boat"}, lambda one: "boat" in one.prompt),
    ({"created_after": "2025-01-01"}, lambda one: one.created_at >= datetime(2025, 1, 1, tzinfo=UTC)),
    (
        {"created_before": "2025-01-01", "q": "boat", "created_after": "2024-07-01"},
        lambda one: (
            "boat" in one.prompt
            and datetime(2024, 7, 1, tzinfo=UTC) <= one.created_at < datetime(2025, 1, 1, tzinfo=UTC)
        ),
    ),
]


@pytest.mark.usefixtures("way")
def test_every_search_finds_what_a_person_would_pick_newest_first(full: Shelf) -> None:
    for said, right in CASES:
        for project in (None, full.ada.project, full.other):
            search = Search.read({**said, **({"project": str(project.id)} if project else {})})
            wanted = [
                one.id
                for one in Asset.objects.order_by("-id")
                if right(one)
                and (one.trashed_at is not None) == search.trashed
                and project in {None, one.project}
            ]
            assert walked(full.ada.principal, search) == wanted, (said, project)
            assert set(
                Asset.objects.matching(search, full.ada.principal).values_list("id", flat=True)
            ) == set(wanted), said


@pytest.mark.usefixtures("way")
def test_favourites_are_mine_alone(full: Shelf, stranger: Person) -> None:
    search = Search(favorite=True)
    wanted = Asset.objects.kept().filter(favorite_of__contains=[full.ada.user.id])
    assert set(walked(full.ada.principal, search)) == set(wanted.values_list("id", flat=True))
    full.let_in(stranger, Role.VIEWER)
    assert walked(stranger.principal, search) == []


def test_neighbours_are_those_of_the_same_search(full: Shelf) -> None:
    search = Search(q="boat")
    found = walked(full.ada.principal, search)
    for newer, here, older in zip([None, *found], found, [*found[1:], None], strict=False):
        assert finding.neighbours(full.ada.principal, search, here) == (newer, older)


def test_a_collection_keeps_the_order_that_was_made_by_hand(full: Shelf) -> None:
    kept = list(Asset.objects.kept().filter(project=full.ada.project).order_by("?")[:20])
    held = Collection.objects.create(project=full.ada.project, user=full.ada.user, name="Best")
    for rank, one in enumerate(kept):
        CollectionItem.objects.create(collection=held, asset=one, rank=rank / 3)
    search = Search(collection=held.id)
    assert walked(full.ada.principal, search) == [one.id for one in kept]
    boats = [one.id for one in kept if "boat" in one.prompt]
    assert walked(full.ada.principal, search.changed(q="boat"), limit=2) == boats
    seeded = [one.id for one in kept if one.seed == 0]
    assert walked(full.ada.principal, search.changed(seed=0), limit=2) == seeded
    assert finding.neighbours(full.ada.principal, search, kept[1].id) == (kept[0].id, kept[2].id)


def test_what_is_not_mine_is_not_there(full: Shelf, stranger: Person) -> None:
    assert walked(stranger.principal, Search(q="boat")) == []
    assert facets.facets(stranger.principal, Search()).total.number == 0
    with pytest.raises(NotFound):
        finding.page_of(stranger.principal, Search(project=full.other.id))
    held = Collection.objects.create(project=full.other, user=full.ada.user, name="Best")
    with pytest.raises(NotFound):
        finding.page_of(stranger.principal, Search(collection=held.id))
    with pytest.raises(NotFound):
        facets.facets(stranger.principal, Search(collection=held.id))


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("seed", [None, 1])
def test_counts_ignore_what_is_chosen_of_their_own_facet(full: Shelf, seed: int | None) -> None:
    me = full.ada.principal
    search = Search(q="boat", provider=("runware",), rating=2 if seed is None else 0, seed=seed)
    found = facets.facets(me, search)

    def number(**changes: Any) -> int:
        return Asset.objects.matching(search.changed(**changes), me).count()

    assert found.total == facets.Count(number())
    shown = {
        name: {one.value: one.pictures.number for one in values} for name, values in found.values.items()
    }
    assert shown["provider"] == {one: number(provider=(one,)) for one in ("runware", "bytespike")}
    assert shown["rating"] == {str(least): number(rating=least) for least in range(1, 6)}
    assert shown["project"] == {str(one.id): number(project=one.id) for one in (full.ada.project, full.other)}
    assert shown["aspect"] == {
        one: n for one in ("1:1", "16:9", "9:16", "other") if (n := number(aspect=(one,)))
    }
    assert shown["favorite"] == {"true": number(favorite=True)}
    assert shown["tag"] == {
        one: n for one in ("boat", "sky", "船", "it's, odd \\ one") if (n := number(tag=(one,)))
    }
    assert [one.value for one in found.values["provider"] if one.chosen] == ["runware"]


def test_more_than_can_be_counted_says_so(full: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facets, "MOST", 10)
    for search in (Search(), Search(q="boat"), Search(project=full.other.id)):
        total = facets.facets(full.ada.principal, search).total
        assert (total.number, total.more) == (10, True)
        assert str(total) == "10+"


def test_a_large_project_is_counted_beforehand_and_again_when_something_happened(
    full: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tallies, "LARGE", 10)
    me = full.ada.principal
    plain = facets.facets(me, Search())
    done = {tallies.recount(), tallies.recount()}
    assert done == {full.ada.project.id, full.other.id}
    assert tallies.recount() is None
    monkeypatch.setattr(facets, "MOST", 1)  # so little is counted now that the tallies must be read
    told = facets.facets(me, Search())
    assert told.as_of is not None
    assert (told.total, told.values) == (plain.total, plain.values)
    monkeypatch.setattr(tallies, "EVERY", timedelta(seconds=-1))
    assert tallies.recount() is None
    full.happened(full.other)
    assert tallies.recount() == full.other.id


def test_months_say_where_they_begin(full: Shelf) -> None:
    me, search = full.ada.principal, Search(q="boat", project=full.other.id)
    found = facets.months(me, search)
    everything = Asset.objects.filter(id__in=walked(me, search))
    assert sum(one.pictures.number for one in found if one.pictures) == everything.count()
    for one in found:
        newest = finding.page_of(me, search, before=one.before, limit=1).assets()[0]
        assert (newest.created_at.year, newest.created_at.month) == (one.first.year, one.first.month)


def test_tags_are_suggested_by_their_beginning(full: Shelf) -> None:
    me = full.ada.principal
    for start, wanted in (("BO", "boat"), ("船", "船"), ("it'", "it's, odd \\ one")):
        ((tag, pictures),) = facets.suggest(me, Search(), start)
        assert tag == wanted
        assert pictures.number == Asset.objects.matching(Search(tag=(tag,)), me).count()


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"project": "mine"}, "project"),
        ({"rating": "6"}, "rating"),
        ({"favorite": "perhaps"}, "favorite"),
        ({"kind": "drawn"}, "kind"),
        ({"aspect": "5:4"}, "aspect"),
        ({"user": "ada"}, "user"),
        ({"created_after": "yesterday"}, "created_after"),
        ({"created_before": "2026-02-30"}, "created_before"),
        ({"created_before": "0001-01-01"}, "created_before"),
        ({"q": "x" * 501}, "q"),
    ],
)
def test_a_program_is_told_what_is_wrong_and_a_page_leaves_it_out(said: dict[str, str], name: str) -> None:
    with pytest.raises(Invalid) as refusal:
        Search.read(said)
    assert list(refusal.value.fields) == [name]
    assert Search.of(said) == Search()


def test_an_address_says_the_search_again() -> None:
    search = Search.read(
        {
            "q": " red  boat ",
            "tag": ["b, c", "a"],
            "kind": "uploaded",
            "rating": "3",
            "favorite": "1",
            "created_after": "2026-01-02T03:04:05Z",
            "created_before": "2026-02-01",
        }
    )
    from django.http import QueryDict

    assert Search.read(QueryDict(search.address)) == search
    assert search.without("tag", "a").tag == ("b, c",)
    assert search.toggling("kind", "generated").kind == ("uploaded", "generated")
    assert search.adding("rating", 5).rating == 5
    assert {chip.name for chip in search.chips} == set(search.said) - {"q"}
    assert Search().address == ""


def test_a_cursor_of_something_else_is_refused(shelf: Shelf) -> None:
    held = Collection.objects.create(project=shelf.ada.project, user=shelf.ada.user, name="Best")
    for search, cursor in (
        (Search(), "x"),
        (Search(collection=held.id), "y"),
        (Search(collection=held.id), "1~b"),
    ):
        with pytest.raises(Invalid):
            finding.page_of(shelf.ada.principal, search, before=cursor)
