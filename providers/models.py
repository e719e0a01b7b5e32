"""Accounts at providers: credentials, settings, limits, and how they are faring."""

from __future__ import annotations

import math

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from uuid6 import uuid7

from providers import registry, sealing
from providers.provider import Provider, Traits
from providers.values import Account


class Source(models.TextChoices):
    """Who gave the account."""

    ADMIN = "admin", "Entered by staff"
    ENVIRONMENT = "environment", "Environment"
    SANDBOX = "sandbox", "Sandbox"


class ProviderAccountQuerySet(models.QuerySet["ProviderAccount"]):
    def usable(self) -> ProviderAccountQuerySet:
        """Switched on, in the order in which they are to be tried."""
        return self.filter(enabled=True).order_by("provider", "position", "id")


ProviderAccountManager = models.Manager.from_queryset(ProviderAccountQuerySet)


class ProviderAccount(models.Model):
    """Credentials and settings for one provider, and its health.

    ``max_in_flight`` and ``rpm`` (submits per minute) left empty are the provider's published
    limits. ``recent_calls`` are the times of the last minute's submits, kept only where there
    is a limit; pauses double from 30 s to 10 min (``pause_level``) and end with one probe.
    ``absent``: switched off not by staff, but because the environment names it no more.
    ``settings`` are the adapter's own switches, and for every provider ``call_timeout``: the most
    seconds one call through this account may take, where the provider's own figure is too patient.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    provider = models.CharField(max_length=30)
    name = models.CharField(max_length=100)
    position = models.PositiveSmallIntegerField(default=0, help_text="Lower is tried first")
    enabled = models.BooleanField(default=True)
    absent = models.BooleanField(db_default=False, editable=False)
    source = models.CharField(max_length=12, choices=Source.choices, default=Source.ADMIN, editable=False)
    base_url = models.CharField(
        max_length=200, blank=True, help_text="An origin without path; empty for the provider's own"
    )
    sealed_key = models.TextField(blank=True, editable=False)
    key_hint = models.CharField(max_length=4, blank=True, editable=False)
    settings = models.JSONField(default=dict, blank=True)
    max_in_flight = models.PositiveIntegerField(null=True, blank=True)
    rpm = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    paused_until = models.DateTimeField(null=True, editable=False)
    pause_reason = models.CharField(max_length=40, blank=True, editable=False)
    pause_level = models.PositiveSmallIntegerField(default=0, editable=False)
    probe_until = models.DateTimeField(null=True, editable=False)
    window_started_at = models.DateTimeField(null=True, editable=False)
    window_calls = models.PositiveIntegerField(default=0, editable=False)
    window_failures = models.PositiveIntegerField(default=0, editable=False)
    recent_calls = ArrayField(models.DateTimeField(), default=list, editable=False)

    objects = ProviderAccountManager()

    class Meta:
        ordering = ("provider", "position", "id")
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "source"],
                condition=Q(source__in=["environment", "sandbox"]),
                name="account_once_per_source",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.provider})"

    @property
    def sandbox(self) -> bool:
        return self.source == Source.SANDBOX

    @property
    def _place(self) -> str:
        return f"providers_provideraccount:sealed_key:{self.pk}"

    def set_key(self, key: str) -> None:
        """Seal a new key; it can be replaced and never read back by people."""
        self.sealed_key = sealing.seal(settings.FIELD_KEYS, key, self._place)
        self.key_hint = key[-4:] if len(key) > 8 else ""

    def open_key(self) -> str:
        """The key itself, for the door. Raises sealing.Unreadable."""
        return sealing.unseal(settings.FIELD_KEYS, self.sealed_key, self._place) if self.sealed_key else ""

    def account(self, *, key: str = "") -> Account:
        """As a value for an adapter."""
        profile = registry.profile(self.provider)
        return Account(
            base_url=self.base_url or profile.base_url,
            api_key=key,
            settings={setting.name: setting.default for setting in profile.settings} | self.settings,
        )

    def adapter(self) -> Provider:
        """The provider through this account. Raises sealing.Unreadable."""
        return registry.provider(self.provider, self.account(key=self.open_key()))

    @property
    def traits(self) -> Traits:
        """How this account behaves; needs no key."""
        return registry.provider(self.provider, self.account()).traits

    @property
    def call_timeout(self) -> float:
        """The most seconds one call may take, as the operator set it; else no limit of its own."""
        value = self.settings.get("call_timeout")
        fits = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
        return float(value) if fits else math.inf

    @property
    def trusted_origin(self) -> str | None:
        """The origin an operator configured, whose links may be http and private; None for the default."""
        return self.base_url.rstrip("/") or None
