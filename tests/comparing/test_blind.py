"""A vote counts only if whoever casts it was not shown who made what."""

from __future__ import annotations

import re

import pytest

from accounts.errors import Conflict
from accounts.models import Project, Role
from generations.actions import voting
from generations.models import Asset, Comparison, Vote
from tests.api.conftest import client_of, send
from tests.comparing.conftest import compared, finished, let_in
from tests.conftest import Person, make_person
from tests.web.conftest import browser_of, text_of

Duel = tuple[Comparison, list[Asset]]
NAMING = (
    "/comparisons/{comparison}",
    "/pictures/{picture}",
    "/generations/{column}",
    "/compare?asset={picture}",
    "/api/v1/comparisons/{comparison}",
    "/api/v1/comparisons",
)
BLIND = ("/comparisons/{comparison}?blind=1", "/arena", "/", "/compare", "/notices")


def pair_of(person: Person) -> voting.Pair | None:
    return voting.next_pair(person.principal, list(Project.objects.visible_to(person.principal)))


def look(person: Person, address: str, duel: Duel) -> None:
    comparison, pictures = duel
    named = {"comparison": comparison.id, "picture": pictures[0].id, "column": pictures[0].generation_id}
    assert browser_of(person).get(address.format(**named)).status_code == 200


@pytest.mark.parametrize("address", NAMING)
def test_whoever_was_shown_who_made_what_does_not_judge_it(ada: Person, duel: Duel, address: str) -> None:
    comparison, _pictures = duel
    viewer = make_person("vi@example.com")
    let_in(ada, viewer, Role.VIEWER)
    before = pair_of(ada)
    assert before is not None
    marks = [before.left.mark, before.right.mark]

    look(ada, address, duel)

    assert pair_of(ada) is None
    votes = f"/api/v1/comparisons/{comparison.id}/votes"
    refused = send(client_of(ada), "POST", votes, {"pair": marks, "winner": marks[0]})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "not_blind")
    page = browser_of(ada).post(f"/comparisons/{comparison.id}/votes", {"best": marks[0]}, follow=True)
    assert "only blind votes count" in text_of(page)
    assert not Vote.objects.exists()
    assert pair_of(viewer) is not None, "others judge it as before"


@pytest.mark.parametrize("address", BLIND)
def test_pages_that_do_not_say_who_made_what_leave_the_vote(ada: Person, duel: Duel, address: str) -> None:
    look(ada, address, duel)
    column = voting.columns_of(ada.principal, duel[0])[0]
    assert len(voting.choose_best(principal=ada.principal, comparison_id=duel[0].id, best=column.mark)) == 1


def test_pages_say_beforehand_and_afterwards_what_looking_costs(ada: Person, duel: Duel) -> None:
    client, here = browser_of(ada), f"/comparisons/{duel[0].id}"
    assert f'href="{here}?blind=1"' in client.get("/compare").content.decode()
    before = client.get(f"{here}?blind=1")
    assert "If you look first, you cannot vote" in text_of(before)
    assert 'name="best"' in before.content.decode()
    assert "Runware" in text_of(client.get(here))
    for address in (here, f"{here}?blind=1"):
        after = client.get(address)
        assert "You have been shown who made what" in text_of(after)
        assert 'name="best"' not in after.content.decode()


def test_the_stream_does_not_say_who_made_the_columns_of_a_comparison(ada: Person, duel: Duel) -> None:
    page = browser_of(ada).get("/").content.decode()
    stream = "".join(re.findall(r'<article class="work.*?</article>', page, re.DOTALL))
    assert stream.count("Part of a comparison") == 2
    assert [word for word in ("Runware", "Prospolabs", "$0.035", "$0.014") if word in stream] == []


def test_looking_while_nothing_is_there_yet_shows_nothing(ada: Person) -> None:
    comparison = compared(ada)
    look(ada, f"/comparisons/{comparison.id}", (comparison, [Asset()]))
    assert voting.told(ada.principal, [comparison]) == set()


def test_what_one_has_judged_is_told_and_another_word_on_it_is_not_blind(ada: Person) -> None:
    comparison, _pictures = finished(ada, "runware:2K", "prospolabs:2K", "aigateway:2K")
    first, second, third = voting.columns_of(ada.principal, comparison)

    def judge(*pair: voting.Column) -> Vote:
        marks = [one.mark for one in pair]
        return voting.vote(principal=ada.principal, comparison_id=comparison.id, pair=marks, winner=marks[0])

    cast = judge(first, second)
    assert judge(first, second) == cast, "the same again is no other word"
    with pytest.raises(Conflict, match="only blind votes"):
        judge(third, first)
    with pytest.raises(Conflict, match="only blind votes"):
        voting.choose_best(principal=ada.principal, comparison_id=comparison.id, best=third.mark)
    assert Vote.objects.count() == 1
