"""What votes say of the offers: strengths, how sure they are, and where there are too few."""

from __future__ import annotations

import random

import pytest

from generations.actions import voting
from generations.models import Vote, ranking
from tests.api.conftest import client_of, send
from tests.comparing.conftest import cast, finished, pair_of
from tests.conftest import Person
from tests.web.conftest import browser_of, text_of


def test_strengths_are_those_with_which_the_votes_were_drawn() -> None:
    true = {("m", "a"): 1.2, ("m", "b"): 0.3, ("m", "c"): -0.4, ("m", "d"): -1.1}
    chance = random.Random(5)
    wins: dict[tuple[tuple[str, str], tuple[str, str]], float] = {}
    for one in true:
        for other in true:
            if one < other:
                won = sum(chance.random() < ranking._odds(true[one] - true[other]) for _ in range(400))
                wins[one, other], wins[other, one] = won, 400 - won
    found = ranking.strengths(wins)
    assert sorted(found, key=lambda name: -found[name][0]) == list(true)
    for name, (strength, error) in found.items():
        assert abs(strength - true[name]) < 3 * error, name
        assert 0.03 < error < 0.8


def test_who_never_lost_is_strong_but_not_beyond_measure() -> None:
    a, b = ("m", "a"), ("m", "b")
    found = ranking.strengths({(a, b): 12, (b, a): 0})
    assert 0.5 < ranking._odds(found[a][0]) < 0.99
    assert found[a][0] == pytest.approx(-found[b][0])


def test_the_ranking_counts_the_votes_of_my_projects_and_says_where_there_are_too_few(
    ada: Person, stranger: Person
) -> None:
    for number in range(ranking.FEWEST_VOTES - 1):
        finished(ada)
        pair = pair_of(ada)
        assert pair is not None
        best = next(
            side for side in ("left", "right") if getattr(pair, side).generation.provider == "prospolabs"
        )
        cast(ada, pair, best if number else "tie")
    client = browser_of(ada)
    assert "Too few votes: 9 of 10" in text_of(client.get("/ranking"))
    comparison, _assets = finished(ada)
    voting.choose_best(principal=ada.principal, comparison_id=comparison.id, best=None)
    first, second = send(client_of(ada), "GET", "/api/v1/ranking").json()["results"]
    assert (first["provider"], first["wins"], first["ties"], first["losses"]) == ("prospolabs", 8, 2, 0)
    assert (second["provider"], second["wins"], second["ties"], second["losses"]) == ("runware", 0, 2, 8)
    assert first["low"] < first["share"] < first["high"] <= 1
    assert first["share"] + second["share"] == pytest.approx(1, abs=0.002)
    assert first["share_per_dollar"] == pytest.approx(first["share"] / 0.014, abs=0.05)
    said = text_of(client.get("/ranking", {"by": "value"}))
    assert "10 blind votes" in said
    assert said.index("Prospolabs") < said.index("Runware")
    assert "No votes yet" in text_of(browser_of(stranger).get("/ranking"))
    assert send(client_of(stranger), "GET", "/api/v1/ranking").json()["results"] == []


def test_set_ups_of_one_gateway_are_judged_and_do_not_rank_it(ada: Person) -> None:
    comparison, _assets = finished(ada, "runware:2K", "runware:3K")
    voting.choose_best(
        principal=ada.principal,
        comparison_id=comparison.id,
        best=voting.columns_of(ada.principal, comparison)[0].mark,
    )
    assert Vote.objects.count() == 1
    assert ranking.standings(ada.principal, [ada.project]) == []
