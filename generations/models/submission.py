"""One paid request to one provider, what it promised, and what was said about it."""

from __future__ import annotations

import secrets
import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from uuid6 import uuid7

from generations.models.generation import Generation
from generations.states import BROKEN, CLAIMABLE, IN_FLIGHT, OPEN, WAITING, ResultState, SubmissionState
from providers.models import ProviderAccount


def webhook_token() -> str:
    """The secret path by which a provider may write to us about one submission."""
    return secrets.token_urlsafe(32)


class SubmissionQuerySet(models.QuerySet["Submission"]):
    def open(self) -> SubmissionQuerySet:
        return self.filter(state__in=OPEN)


SubmissionManager = models.Manager.from_queryset(SubmissionQuerySet)


class Submission(models.Model):
    """One paid request for part or all of a generation; the row is also its place in the queue.

    ``ours`` is the id we gave it, ``theirs`` the provider's. ``due_at`` says when to look at it
    next, ``lease_until`` who has it now, ``fence`` which claim that was. ``sent_at``, and ``sent_as``
    (a digest of what is sent), are committed before the first byte leaves. ``cost`` is what the provider
    says it took, in micro-dollars.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    ours = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    generation = models.ForeignKey(Generation, on_delete=models.PROTECT, related_name="submissions")
    account = models.ForeignKey(ProviderAccount, on_delete=models.PROTECT, related_name="+")
    provider = models.CharField(max_length=30)
    asked = models.JSONField(help_text="The request as handed to the adapter, references apart")
    pictures = models.PositiveIntegerField()
    unit_price = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=SubmissionState.choices, default=SubmissionState.PLANNED)
    theirs = models.CharField(max_length=200, null=True)  # noqa: DJ001 - NULLs are not unique, '' would be
    request_id = models.CharField(max_length=200, blank=True)
    webhook_token = models.CharField(max_length=64, unique=True, default=webhook_token, editable=False)

    due_at = models.DateTimeField(null=True, db_default=Now())
    lease_until = models.DateTimeField(null=True)
    lease_owner = models.CharField(max_length=80, blank=True)
    fence = models.PositiveIntegerField(default=0)

    created_at = models.DateTimeField(db_default=Now(), editable=False)
    sent_at = models.DateTimeField(null=True)
    sent_as = models.CharField(max_length=64, blank=True, db_default="", editable=False)
    posts = models.PositiveSmallIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0)
    polls = models.PositiveIntegerField(default=0)
    misses = models.PositiveSmallIntegerField(default=0)
    missing_since = models.DateTimeField(null=True)
    progress = models.PositiveSmallIntegerField(null=True)
    delivered = models.PositiveIntegerField(default=0)
    finished_at = models.DateTimeField(null=True)

    reason = models.CharField(max_length=40, blank=True)
    detail = models.TextField(blank=True)
    http_status = models.PositiveSmallIntegerField(null=True)
    raw = models.TextField(blank=True, help_text="The last answer, redacted, first 64 KiB")
    cost = models.BigIntegerField(null=True)
    cost_raw = models.CharField(max_length=200, blank=True)
    cost_final = models.BooleanField(default=False)
    cost_elsewhere = models.BooleanField(default=False)

    written = False
    """Whether the provider had written something that is unread when this was claimed; no column."""

    objects = SubmissionManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "account", "theirs"], name="submission_theirs_once"),
            models.CheckConstraint(
                condition=Q(pictures__gt=0, unit_price__gte=0), name="submission_of_something"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["planned", "refused", "canceled"]) | Q(sent_at__isnull=False),
                name="submission_sent_is_dated",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=Q(state__in=sorted(CLAIMABLE)) & ~Q(state="planned"),
                name="submission_due",
            ),
            models.Index(
                fields=["account", "due_at"], condition=Q(state="planned"), name="submission_planned"
            ),
            models.Index(
                fields=["account"], condition=Q(state__in=sorted(IN_FLIGHT)), name="submission_in_flight"
            ),
            # For whoever looks at all that is not over: the sweep, staff and their figures.
            models.Index(
                fields=["state", "due_at"], condition=Q(state__in=sorted(OPEN)), name="submission_open"
            ),
            models.Index(fields=["generation"], name="submission_of_generation"),
            models.Index(fields=["finished_at"], condition=Q(state="abandoned"), name="submission_given_up"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.ours} ({self.state})"


class Result(models.Model):
    """One picture a provider promised, until it is an Asset.

    ``url`` is a secret that dies, at ``dies_at`` as far as is known; it is emptied once the picture is
    an Asset or written off, and ``link``, its digest, still tells whether another leads to the same file.
    ``storage_key`` is where the original is; ``asset_id`` is minted with the row, so a repeated
    fetch writes the same object. ``tries`` counts what failed on the way, ``decodes`` what was no
    picture, ``renewals`` the fresh links that took a dead one's place.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="results")
    key = models.CharField(max_length=200)
    position = models.PositiveIntegerField()
    url = models.TextField(blank=True)
    link = models.CharField(max_length=32, blank=True, db_default="", editable=False)
    dies_at = models.DateTimeField(null=True)
    asset_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    state = models.CharField(max_length=8, choices=ResultState.choices, default=ResultState.PENDING)
    seed = models.BigIntegerField(null=True)
    revised_prompt = models.TextField(blank=True)
    flagged = models.BooleanField(default=False)
    storage_key = models.CharField(max_length=300, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    bytes = models.BigIntegerField(null=True)
    reason = models.CharField(max_length=40, blank=True)
    detail = models.TextField(blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    decodes = models.PositiveSmallIntegerField(default=0, db_default=0)
    renewals = models.PositiveSmallIntegerField(default=0, db_default=0)
    due_at = models.DateTimeField(null=True, db_default=Now())
    lease_until = models.DateTimeField(null=True)
    lease_owner = models.CharField(max_length=80, blank=True)
    fence = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["submission", "key"], name="result_once"),
            models.CheckConstraint(
                condition=~Q(state__in=["fetched", "stored"]) | ~Q(sha256=""), name="result_kept_is_hashed"
            ),
        ]
        indexes = [
            models.Index(
                fields=["state", "due_at"], condition=Q(state__in=sorted(WAITING)), name="result_waiting"
            ),
            models.Index(fields=["dies_at"], condition=Q(state="pending"), name="result_to_fetch_soon"),
            models.Index(fields=["id"], condition=Q(state__in=sorted(BROKEN)), name="result_broken"),
        ]

    def __str__(self) -> str:
        return f"{self.key} ({self.state})"


class WebhookEvent(models.Model):
    """What a provider wrote to a submission's secret path; the same words count once."""

    submission = models.ForeignKey(Submission, on_delete=models.CASCADE, related_name="webhook_events")
    sha256 = models.CharField(max_length=64)
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    received_at = models.DateTimeField(db_default=Now(), editable=False)
    times = models.PositiveIntegerField(default=1)
    read_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["submission", "sha256"], name="webhook_event_once")]

    def __str__(self) -> str:
        return f"{self.submission_id} {self.sha256[:8]}"


class Move(models.Model):
    """One recorded change of state: from, to, when, by whom (a person's id, or a part of the engine), why."""

    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="moves")
    submission = models.ForeignKey(Submission, null=True, on_delete=models.CASCADE, related_name="moves")
    before = models.CharField(max_length=10)
    after = models.CharField(max_length=10)
    who = models.CharField(max_length=80, blank=True)
    why = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        indexes = [models.Index(fields=["generation", "id"], name="move_of_generation")]

    def __str__(self) -> str:
        return f"{self.before} → {self.after}"
