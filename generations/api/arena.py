"""Judging over HTTP without knowing who made what, and what the votes say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.describe import PAGED, described, page_of, query
from accounts.endpoint import Endpoint
from accounts.errors import NotFound, wrong
from accounts.models import Project
from accounts.paging import PAGING, page, whole
from accounts.principal import Principal
from billing import pricing
from billing.money import dollars
from generations.actions import comparing, voting
from generations.actions.voting import Column, Pair
from generations.api import blind
from generations.api.present import stamp
from generations.models import Comparison, Vote, figures, ranking
from generations.models.figures import Figures
from generations.models.ranking import Standing

_PROJECT = query("project", "Of this project only", OpenApiTypes.UUID)


class VoteBody(serializers.Serializer[Any]):
    pair = serializers.ListField(
        child=serializers.CharField(), help_text="Two marks from `/arena/next`, or generation ids"
    )
    winner = serializers.CharField(allow_null=True, help_text="One of the two; null for a tie")


class VoteAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    object = serializers.CharField(help_text="vote")
    comparison = serializers.UUIDField()
    user = serializers.UUIDField()
    one = serializers.UUIDField(help_text="A generation")
    one_offer = serializers.CharField(help_text="Who made it: model@provider")
    other = serializers.UUIDField()
    other_offer = serializers.CharField()
    winner = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()


class BlindPicture(serializers.Serializer[Any]):
    mark = serializers.CharField(help_text="Names the column in your vote")
    url = serializers.URLField(help_text="At most 1024 pixels a side; `?size=whole` for all of them")


class PairAnswer(serializers.Serializer[Any]):
    object = serializers.CharField(help_text="pair")
    comparison = serializers.UUIDField()
    prompt = serializers.CharField()
    left = BlindPicture()
    right = BlindPicture()
    after = serializers.CharField(help_text="Send it to skip this pair")


class StandingAnswer(serializers.Serializer[Any]):
    model = serializers.CharField()
    provider = serializers.CharField()
    votes = serializers.IntegerField()
    wins = serializers.IntegerField()
    ties = serializers.IntegerField()
    losses = serializers.IntegerField()
    share = serializers.FloatField(
        allow_null=True, help_text="Of average rivals it would win over; null: too few votes"
    )
    low = serializers.FloatField(allow_null=True, help_text="Between this and `high` in 95 of 100 cases")
    high = serializers.FloatField(allow_null=True)
    price = serializers.CharField(allow_null=True, help_text="US dollars per picture, today")
    share_per_dollar = serializers.FloatField(allow_null=True)
    seconds = serializers.FloatField(allow_null=True, help_text="Median, as measured here")


class Votes(Endpoint):
    """How it was judged."""

    filters = PAGING

    @described(
        "list_votes",
        "Everybody's votes on a comparison",
        {200: page_of(VoteAnswer, "VotePage")},
        query=PAGED,
        errors=[404],
    )
    def get(self, request: Request, comparison_id: UUID) -> Response:
        comparison = comparing.visible(self.principal, comparison_id)
        found = Vote.objects.visible_to(self.principal).filter(comparison=comparison)
        return page(request, self.query, found.select_related("one", "other"), _votes_json)

    @described(
        "vote",
        "Say which of two columns is better; the answer says who made them",
        {201: VoteAnswer},
        body=VoteBody,
        errors=[404],
    )
    def post(self, request: Request, comparison_id: UUID) -> Response:
        body = self.body(request)
        pair, winner = body.get("pair"), body.get("winner")
        if not isinstance(pair, list) or not all(isinstance(one, str) for one in pair):
            raise wrong("pair", _("must be a list of two columns."))
        if winner is not None and not isinstance(winner, str):
            raise wrong("winner", _("must be one of the pair, or null for a tie."))
        cast = voting.vote(principal=self.principal, comparison_id=comparison_id, pair=pair, winner=winner)
        return Response(_votes_json([cast])[0], status.HTTP_201_CREATED)


class BlindColumn(Endpoint):
    """A column's picture, for somebody who does not know whose it is."""

    filters = frozenset({"size", "number"})

    @described(
        "get_blind_picture",
        "The pixels of a column's picture and nothing else, as WebP",
        {(200, "image/webp"): OpenApiTypes.BINARY},
        query=[
            query("size", "Pixels of the longer side at most, or all of them", enum=["1024", "whole"]),
            query("number", "Which of its pictures, from 1", OpenApiTypes.INT, default=1),
        ],
        errors=[404],
    )
    def get(self, request: Request, comparison_id: UUID, mark: str) -> HttpResponseBase:
        columns = voting.columns_of(self.principal, comparing.visible(self.principal, comparison_id))
        number = self.query.whole("number", 1, comparing.MOST_PICTURES, 1)
        size = self.query.word("size", ["1024", "whole"])
        for column in columns:
            if column.mark == mark and len(column.pictures) >= number:
                picture = column.pictures[number - 1]
                return blind.bare(request, picture, tag=f"{mark}-{number}", whole=size == "whole")
        raise NotFound(_("There is no such picture."), code="asset_not_found")


class Arena(Endpoint):
    """What to judge next."""

    filters = frozenset({"project", "after"})

    @described(
        "get_next_pair",
        "Two pictures of one prompt that you have not judged; 404 when there are none",
        {200: PairAnswer},
        query=[_PROJECT, query("after", "The pair that you skip")],
        errors=[404],
    )
    def get(self, request: Request) -> Response:
        after = self.query.text("after") or ""
        pair = voting.next_pair(
            self.principal, projects_of(self.principal, self.query.uuid("project")), after=after
        )
        if pair is None:
            raise NotFound(_("There is nothing that you have not judged."), code="nothing_to_judge")
        return Response(pair_json(pair))


class Ranking(Endpoint):
    """What the votes say."""

    filters = frozenset({"project"})

    @described(
        "get_ranking",
        "Offers by the votes of the projects you see, the best first",
        {200: page_of(StandingAnswer, "RankingPage")},
        query=[_PROJECT],
        errors=[404],
    )
    def get(self, request: Request) -> Response:
        found = ranking.standings(self.principal, projects_of(self.principal, self.query.uuid("project")))
        return whole(standings_json(found))


def projects_of(principal: Principal, wanted: UUID | None) -> list[Project]:
    """One that was named, or all that the principal sees. Raises NotFound."""
    mine = Project.objects.visible_to(principal)
    found = list(mine.filter(id=wanted) if wanted else mine)
    if wanted and not found:
        raise NotFound(_("There is no such project."), code="project_not_found")
    return found


def pair_json(pair: Pair) -> dict[str, Any]:
    return {
        "object": "pair",
        "comparison": str(pair.comparison.id),
        "prompt": pair.comparison.prompt,
        "left": _blind(pair.comparison, pair.left),
        "right": _blind(pair.comparison, pair.right),
        "after": pair.name,
    }


def blind_path(comparison: Comparison, column: Column, number: int = 1) -> str:
    """Where the pixels are of one of a column's pictures."""
    path = f"/api/v1/comparisons/{comparison.id}/pictures/{column.mark}"
    return path if number == 1 else f"{path}?number={number}"


def standings_json(found: Sequence[Standing]) -> list[dict[str, Any]]:
    """With what a picture costs today, and how long it takes here."""
    units = {model: pricing.units(model) for model in {one.model for one in found}}
    seconds = figures.measured()
    return [_standing(one, units[one.model].get(one.provider), seconds) for one in found]


def _standing(one: Standing, unit: int | None, seconds: Mapping[tuple[str, str], Figures]) -> dict[str, Any]:
    measured = seconds.get((one.model, one.provider))
    per_dollar = None if not unit or one.share is None else one.share / (unit / 1_000_000)
    return {
        "model": one.model,
        "provider": one.provider,
        "votes": one.votes,
        "wins": one.wins,
        "ties": one.ties,
        "losses": one.losses,
        "share": _rounded(one.share, 3),
        "low": _rounded(one.low, 3),
        "high": _rounded(one.high, 3),
        "price": None if unit is None else dollars(unit),
        "share_per_dollar": _rounded(per_dollar, 1),
        "seconds": _rounded(measured.median, 1) if measured else None,
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _blind(comparison: Comparison, column: Column) -> dict[str, str]:
    return {"mark": column.mark, "url": f"{settings.PUBLIC_URL}{blind_path(comparison, column)}"}


def _votes_json(votes: Sequence[Vote]) -> list[dict[str, Any]]:
    return [
        {
            "id": str(one.id),
            "object": "vote",
            "comparison": str(one.comparison_id),
            "user": str(one.user_id),
            "one": str(one.one_id),
            "one_offer": f"{one.one.model}@{one.one.provider}",
            "other": str(one.other_id),
            "other_offer": f"{one.other.model}@{one.other.provider}",
            "winner": str(one.winner_id) if one.winner_id else None,
            "created_at": stamp(one.created_at),
        }
        for one in votes
    ]
