"""Votes are cast without knowing who made what, once on each pair, and the ranking is made of them."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from accounts.errors import Conflict, Invalid, NotFound
from accounts.models import Role
from generations.actions import voting
from generations.models import Asset, Comparison, Generation, Vote
from tests.api.conftest import client_of, send
from tests.comparing.conftest import cast, compared, finish, finished, let_in, pair_of
from tests.conftest import Person, make_person
from tests.web.conftest import browser_of, text_of

Duel = tuple[Comparison, list[Asset]]
NAMES = ("runware", "prospolabs", "bytespike", "aigateway", "threedai", "ai studio", "seedream")


def main_of(page: Any) -> str:
    """The page's own part, without the frame that every page has."""
    return str(page.content.decode()).split("<main", 1)[1].split("</main>", 1)[0].lower()


@pytest.mark.parametrize("address", ["/arena", "/comparisons/{id}?blind=1"])
def test_nothing_on_a_blind_page_says_who_made_what(ada: Person, duel: Duel, address: str) -> None:
    comparison, assets = duel
    shown = main_of(browser_of(ada).get(address.format(id=comparison.id)))
    made = Generation.objects.filter(comparison=comparison)
    told = [*NAMES, "$", *(str(one.id) for one in [*assets, *made]), *(one.sha256 for one in assets)]
    assert [word for word in told if word in shown] == []
    assert "picture a" in shown
    assert "/pictures/" in shown


def test_a_blind_picture_is_pixels_and_nothing_else(ada: Person, duel: Duel, stranger: Person) -> None:
    comparison, assets = duel
    client = browser_of(ada)
    for column in voting.columns_of(ada.principal, comparison):
        for size in ("1024", "whole"):
            path = f"/api/v1/comparisons/{comparison.id}/pictures/{column.mark}?size={size}"
            answer = client.get(path)
            said = " ".join(answer.headers.values()).lower()
            assert answer["Content-Type"] == "image/webp"
            assert [word for word in (*NAMES, str(assets[0].id), assets[0].sha256) if word in said] == []
            picture = Image.open(io.BytesIO(answer.content))
            assert set(picture.info) <= {"loop", "background", "timestamp", "duration"}
            assert client.get(path, headers={"If-None-Match": answer["ETag"]}).status_code == 304
            assert browser_of(stranger).get(path).status_code == 404
    assert client.get(f"/api/v1/comparisons/{comparison.id}/pictures/nobody").status_code == 404


def test_the_sides_are_mixed_from_pair_to_pair_and_stay_for_one_person(ada: Person) -> None:
    lefts = []
    for _ in range(12):
        comparison, _assets = finished(ada)
        columns = voting.columns_of(ada.principal, comparison)
        first = voting.mixed(columns)
        assert voting.mixed(list(reversed(columns))) == first
        lefts.append(first[0].generation.provider)
    assert set(lefts) == {"runware", "prospolabs"}


def test_after_the_vote_it_is_told_who_made_which(ada: Person, duel: Duel) -> None:
    comparison, _assets = duel
    client = browser_of(ada)
    pair = pair_of(ada)
    assert pair is not None
    said = {"comparison": comparison.id, "left": pair.left.mark, "right": pair.right.mark, "choice": "left"}
    page = client.post("/arena", said, follow=True)
    better, worse = ("Runware", "Prospolabs")
    if pair.left.generation.provider == "prospolabs":
        better, worse = worse, better
    assert f"You chose {better} over {worse}." in text_of(page)
    assert Vote.objects.get().winner == pair.left.generation
    assert Vote.objects.get().picture == pair.left.pictures[0]
    assert "Nothing to judge" in text_of(client.get("/arena"))


def test_a_pair_is_judged_once_by_each_person(ada: Person, duel: Duel) -> None:
    viewer = make_person("vi@example.com")
    let_in(ada, viewer, Role.VIEWER)
    pair = pair_of(ada)
    assert pair is not None
    first = cast(ada, pair, "left")
    assert cast(ada, pair, "left") == first
    with pytest.raises(Conflict, match="already"):
        cast(ada, pair, "right")
    assert pair_of(ada) is None
    other = pair_of(viewer)
    assert other is not None
    assert {other.left.mark, other.right.mark}.isdisjoint({pair.left.mark, pair.right.mark})
    cast(viewer, other, "tie")
    assert Vote.objects.count() == 2


def test_strangers_neither_see_nor_judge(ada: Person, duel: Duel, stranger: Person) -> None:
    pair = pair_of(ada)
    assert pair is not None
    assert pair_of(stranger) is None
    with pytest.raises(NotFound):
        cast(stranger, pair, "left")
    comparison = pair.comparison
    client = browser_of(stranger)
    assert client.get(f"/comparisons/{comparison.id}").status_code == 404
    assert client.post(f"/comparisons/{comparison.id}/votes", {"best": "none"}).status_code == 404
    assert client.get("/arena", {"project": str(ada.project.id)}).status_code == 404
    assert client.get("/ranking", {"project": str(ada.project.id)}).status_code == 404


def test_judging_waits_until_all_pictures_are_there(ada: Person) -> None:
    comparison = compared(ada)
    one, other = Generation.objects.filter(comparison=comparison).order_by("id")
    finish(one)
    assert pair_of(ada) is None
    with pytest.raises(Conflict, match="still coming"):
        voting.vote(
            principal=ada.principal,
            comparison_id=comparison.id,
            pair=[str(one.id), str(other.id)],
            winner=None,
        )
    finish(other)
    assert pair_of(ada) is not None


def test_what_is_in_the_trash_is_not_judged(ada: Person, duel: Duel) -> None:
    browser_of(ada).post(f"/pictures/{duel[1][0].id}/trash")
    assert pair_of(ada) is None
    with pytest.raises(Conflict, match="no picture"):
        voting.choose_best(principal=ada.principal, comparison_id=duel[0].id, best=None)


def test_who_has_nothing_to_judge_is_told_whether_there_ever_was_anything(ada: Person) -> None:
    client = browser_of(ada)
    arena = client.get("/arena")
    assert "No comparisons yet" in text_of(arena)
    assert "You have judged" not in text_of(arena)
    assert "data-panes-in" not in arena.content.decode(), "nothing to zoom"
    assert 'class="button" href="/compare"' in client.get("/ranking").content.decode()
    finished(ada)
    assert "data-panes-in" in client.get("/arena").content.decode()
    assert 'class="button" href="/arena"' in client.get("/ranking").content.decode()
    pair = pair_of(ada)
    assert pair is not None
    cast(ada, pair, "left")
    assert "You have judged everything that is ready" in text_of(client.get("/arena"))


def test_a_skipped_pair_comes_back_when_one_starts_again(ada: Person) -> None:
    for _ in range(2):
        finished(ada, "runware:2K", "prospolabs:2K", "runware:3K")
    projects = [ada.project]
    seen, after = [], ""
    while pair := voting.next_pair(ada.principal, projects, after=after):
        after = pair.name
        seen.append(frozenset({pair.left.generation.id, pair.right.generation.id}))
    assert len(seen) == len(set(seen)) == 6
    assert "That was the last one" in text_of(browser_of(ada).get("/arena", {"after": after}))
    assert pair_of(ada) is not None


def test_the_best_of_a_comparison_beats_each_of_the_others(ada: Person) -> None:
    comparison, _assets = finished(ada, "runware:2K", "prospolabs:2K", "aigateway:2K")
    client = browser_of(ada)
    columns = voting.columns_of(ada.principal, comparison)
    page = client.post(f"/comparisons/{comparison.id}/votes", {"best": columns[1].mark}, follow=True)
    assert "your choice" in text_of(page)
    assert "Prospolabs · 2K" in text_of(page)
    votes = Vote.objects.filter(user=ada.user)
    assert [one.winner for one in votes] == [columns[1].generation] * 2
    assert pair_of(ada) is None, "who made the others has been told"


def test_after_the_vote_the_columns_stay_where_they_stood_and_keep_their_letters(ada: Person) -> None:
    columns = ("runware:2K", "prospolabs:2K", "aigateway:2K", "threedai:2K")
    comparison, _assets = finished(ada, *columns)
    client, here = browser_of(ada), f"/comparisons/{comparison.id}"
    stood = voting.mixed(voting.columns_of(ada.principal, comparison))
    blind = [pane.name for pane in client.get(here, {"blind": "1"}).context["panes"]]
    client.post(f"{here}/votes", {"best": stood[0].mark})
    panes = client.get(here).context["panes"]
    assert [pane.generation for pane in panes] == [one.generation for one in stood]
    assert [pane.name[:4] for pane in panes] == [f"{letter} · " for letter in blind]


def test_nobody_judges_again_what_they_were_told_about(ada: Person) -> None:
    columns = ("runware:2K", "prospolabs:2K", "aigateway:2K", "threedai:2K")
    met = set()
    for _ in range(6):
        comparison, _assets = finished(ada, *columns)
        first, second = pair_of(ada), None
        assert first is not None
        cast(ada, first, "tie")
        second = pair_of(ada)
        assert second is not None
        assert second.comparison == first.comparison == comparison
        sides = [one.generation.provider for pair in (first, second) for one in (pair.left, pair.right)]
        assert len(set(sides)) == 4
        met.add(frozenset(sides[:2]))
        cast(ada, second, "left")
        assert pair_of(ada) is None
    assert len(met) > 1, "not the same two every time"


def test_a_program_judges_by_marks(ada: Person, duel: Duel, stranger: Person) -> None:
    comparison, _assets = duel
    client = client_of(ada)
    pair = send(client, "GET", "/api/v1/arena/next").json()
    assert [word for word in NAMES if word in str(pair).lower()] == []
    votes = f"/api/v1/comparisons/{comparison.id}/votes"
    marks = [pair["left"]["mark"], pair["right"]["mark"]]
    for wrong in (
        {},
        {"pair": marks[:1]},
        {"pair": [marks[0]] * 2},
        {"pair": marks, "winner": "x"},
        {"pair": 3},
    ):
        answer = send(client, "POST", votes, {"winner": None, **wrong})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_parameter"), wrong
        assert list(answer.json()["error"]["fields"]) == [next(reversed(wrong), "pair")], wrong
    cast = send(client, "POST", votes, {"pair": marks, "winner": marks[0]})
    assert cast.status_code == 201
    assert {cast.json()["one_offer"], cast.json()["other_offer"]} == {
        "seedream-5-lite@runware",
        "seedream-5-lite@prospolabs",
    }
    assert send(client, "GET", votes).json()["results"] == [cast.json()]
    assert send(client, "GET", "/api/v1/arena/next").status_code == 404
    assert send(client_of(stranger), "GET", votes).status_code == 404
    assert send(client_of(ada, "read"), "POST", votes, {"pair": marks, "winner": None}).status_code == 403


def test_no_best_of_another_comparison(ada: Person, duel: Duel) -> None:
    other, _assets = finished(ada)
    mark = voting.columns_of(ada.principal, other)[0].mark
    with pytest.raises(Invalid, match="not in this comparison"):
        voting.choose_best(principal=ada.principal, comparison_id=duel[0].id, best=mark)
