"""Addresses under /api/v1, without trailing slashes."""

from __future__ import annotations

from django.urls import path

from accounts import api as people
from billing import api as money
from generations.api import assets, catalogue, generations, me

urlpatterns = [
    path("me", me.Me.as_view()),
    path("usage", me.Usage.as_view()),
    path("projects", people.Projects.as_view()),
    path("projects/<uuid:project_id>", people.OneProject.as_view()),
    path("projects/<uuid:project_id>/members", people.Members.as_view()),
    path("projects/<uuid:project_id>/members/<uuid:user_id>", people.OneMember.as_view()),
    path("models", catalogue.Models.as_view()),
    path("models/<str:model_id>", catalogue.OneModel.as_view()),
    path("quotes", catalogue.Quotes.as_view()),
    path("generations", generations.Generations.as_view()),
    path("generations/<uuid:generation_id>", generations.OneGeneration.as_view()),
    path("generations/<uuid:generation_id>/cancel", generations.Cancel.as_view()),
    path("generations/<uuid:generation_id>/retry", generations.Retry.as_view()),
    path("generations/<uuid:generation_id>/events", generations.Events.as_view()),
    path("assets", assets.Assets.as_view()),
    path("assets/<uuid:asset_id>", assets.OneAsset.as_view()),
    path("assets/<uuid:asset_id>/restore", assets.Restore.as_view()),
    path("assets/<uuid:asset_id>/content", assets.Content.as_view()),
    path("assets/<uuid:asset_id>/thumbnail", assets.Thumbnail.as_view()),
    path("wallet", money.MyWallet.as_view()),
    path("wallet/transfers", money.Transfers.as_view()),
]
