"""Work and pictures for staff: everything is shown, nothing is edited."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from accounts.admin import ReadOnly
from billing.admin import money
from generations.models import Asset, Generation, Move, Result, Submission, WebhookEvent


@admin.register(Generation)
class GenerationAdmin(ReadOnly):
    list_display = (
        "created_at",
        "user",
        "project",
        "provider",
        "status",
        "count",
        "quoted_",
        "charged_",
        "prompt_",
    )
    list_filter = ("status", "provider", "sandbox")
    list_select_related = ("user", "project")
    search_fields = ("id", "user__email", "prompt")
    ordering = ("-id",)
    quoted_ = money("quoted")
    charged_ = money("charged")

    @admin.display(description="pictures")
    def count(self, row: Generation) -> str:
        return f"{row.delivered} / {row.requested}"

    @admin.display(description="prompt")
    def prompt_(self, row: Generation) -> str:
        return row.prompt[:80]


@admin.register(Submission)
class SubmissionAdmin(ReadOnly):
    list_display = (
        "created_at",
        "provider",
        "account",
        "state",
        "ours",
        "theirs",
        "pictures",
        "cost_",
        "reason",
    )
    list_filter = ("state", "provider", "reason")
    list_select_related = ("account",)
    search_fields = ("id", "ours", "theirs", "request_id", "generation__id")
    ordering = ("-id",)
    exclude = ("asked",)
    readonly_fields = ("asked_",)
    cost_ = money("cost")

    @admin.display(description="asked")
    def asked_(self, row: Submission) -> dict[str, Any]:
        """Without the address to upload to: whoever has it may write there."""
        return {name: value for name, value in row.asked.items() if name != "upload_url"}


@admin.register(Result)
class ResultAdmin(ReadOnly):
    list_display = ("created_at", "submission", "position", "state", "bytes", "reason", "asset_id")
    list_filter = ("state",)
    list_select_related = ("submission",)
    search_fields = ("asset_id", "sha256", "submission__ours")
    ordering = ("-id",)
    exclude = ("url",)


@admin.register(Asset)
class AssetAdmin(ReadOnly):
    list_display = (
        "created_at",
        "user",
        "project",
        "kind",
        "provider",
        "width",
        "height",
        "format",
        "charged_",
    )
    list_filter = ("kind", "provider", "format", "sandbox", "late")
    list_select_related = ("user", "project")
    search_fields = ("id", "sha256", "user__email")
    ordering = ("-id",)
    charged_ = money("charged")


@admin.register(Move)
class MoveAdmin(ReadOnly):
    list_display = ("at", "generation_id", "submission_id", "before", "after", "who", "why")
    list_filter = ("after",)
    search_fields = ("generation__id", "submission__ours")
    ordering = ("-id",)


@admin.register(WebhookEvent)
class WebhookEventAdmin(ReadOnly):
    list_display = ("received_at", "submission", "sha256", "times", "read_at")
    list_select_related = ("submission",)
    search_fields = ("submission__ours",)
    ordering = ("-id",)
