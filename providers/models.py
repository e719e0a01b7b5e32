"""Accounts at providers: credentials, settings, limits, and how they are faring."""

from __future__ import annotations

import math
from dataclasses import replace

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from uuid6 import uuid7

from providers import registry, sealing
from providers.errors import Unusable
from providers.provider import Provider, Traits
from providers.values import Account


class Source(models.TextChoices):
    """Who gave the account."""

    ADMIN = "admin", "Entered by staff"
    ENVIRONMENT = "environment", "Environment"
    SANDBOX = "sandbox", "Sandbox"


class ProviderAccountQuerySet(models.QuerySet["ProviderAccount"]):
    def usable(self) -> ProviderAccountQuerySet:
        """Switched on, in the order in which they are to be tried.

        The sandbox steps back where its provider has another account that is switched on.
        """
        bought = ProviderAccount.objects.filter(provider=OuterRef("provider"), enabled=True)
        idle = Q(source=Source.SANDBOX) & Exists(bought.exclude(source=Source.SANDBOX))
        return self.filter(enabled=True).exclude(idle).order_by("provider", "position", "id")


ProviderAccountManager = models.Manager.from_queryset(ProviderAccountQuerySet)


class ProviderAccount(models.Model):
    """Credentials and settings for one provider, and its health.

    ``max_in_flight`` and ``rpm`` (submits per minute) left empty are the provider's published
    limits. ``recent_calls`` are the times of the last minute's submits, kept only where there
    is a limit; pauses double from 30 s to 10 min (``pause_level``) and end with one probe.
    ``absent``: switched off not by staff, but because the environment no longer names it.
    ``settings`` are the adapter's own switches, secret ones sealed, and for every provider
    ``call_timeout``: the most seconds one call through this account may take, where the provider's own
    figure is too patient.
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

    def _place(self, column: str) -> str:
        return f"providers_provideraccount:{column}:{self.pk}"

    def set_key(self, key: str) -> None:
        """Seal a new key; it can be replaced and never read back by people."""
        self.sealed_key = sealing.seal(settings.FIELD_KEYS, key, self._place("sealed_key"))
        self.key_hint = key[-4:] if len(key) > 8 else ""

    def open_key(self) -> str:
        """The key itself, for the door. Raises sealing.Unreadable."""
        return self._opened("sealed_key", self.sealed_key)

    def set_secret(self, name: str, secret: str) -> None:
        """Seal the secret setting ``name``; empty forgets it."""
        sealed = sealing.seal(settings.FIELD_KEYS, secret, self._place(f"settings.{name}")) if secret else ""
        self.settings = {**self.settings, name: sealed}

    @property
    def sealed(self) -> dict[str, str]:
        """Every secret setting that is set, as it is kept."""
        secret = (setting.name for setting in registry.profile(self.provider).settings if setting.secret)
        return {name: self.settings[name] for name in secret if self.settings.get(name)}

    def seal_anew(self) -> None:
        """Seal everything secret under the newest of FIELD_KEYS. Raises sealing.Unreadable."""
        if self.sealed_key:
            self.set_key(self.open_key())
        for name, sealed in self.sealed.items():
            self.set_secret(name, self._opened(f"settings.{name}", sealed))

    def _opened(self, column: str, sealed: str) -> str:
        return sealing.unseal(settings.FIELD_KEYS, sealed, self._place(column)) if sealed else ""

    def account(self) -> Account:
        """As a value for an adapter, without anything secret."""
        profile = registry.profile(self.provider)
        given = {name: value for name, value in self.settings.items() if name not in self.sealed}
        return Account(
            base_url=self.base_url or profile.base_url,
            api_key="",
            settings={setting.name: setting.default for setting in profile.settings} | given,
        )

    def opened(self) -> Account:
        """The same with its key and secrets, for the door. Raises sealing.Unreadable."""
        account = self.account()
        secrets = {name: self._opened(f"settings.{name}", sealed) for name, sealed in self.sealed.items()}
        return replace(account, api_key=self.open_key(), settings={**account.settings, **secrets})

    def adapter(self, *, secret: bool = True) -> Provider:
        """The provider through this account, with its key unless nothing is to be sent. Raises Unusable."""
        try:
            return registry.provider(self.provider, self.opened() if secret else self.account())
        except sealing.Unreadable as error:
            raise Unusable(f"its key cannot be opened: {error}; check FIELD_KEYS") from None
        except (LookupError, ValueError) as error:  # from another version, or set wrongly
            raise Unusable(str(error)) from error

    @property
    def traits(self) -> Traits:
        """How this account behaves; needs no key. Raises Unusable."""
        return self.adapter(secret=False).traits

    @property
    def room(self) -> int:
        """The most calls in flight at once, as set here or else as published. Raises Unusable."""
        return self.max_in_flight or self.traits.in_flight

    @property
    def calls_a_minute(self) -> int | None:
        """The most submits, as set here or else as published; None: no limit. Raises Unusable."""
        return self.rpm or self.traits.rpm

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
