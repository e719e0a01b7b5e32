"""Accounts that nobody enters by hand: from the environment, and on the sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction

from providers import registry
from providers.models import ProviderAccount, Source

_ORDER = ("aigateway", "bytespike", "threedai", "runware", "prospolabs")


@transaction.atomic
def accounts_from_environment() -> None:
    """Bring the accounts in line with ``<PROVIDER>_…`` and ``SANDBOX``. Harmless to repeat.

    An account of the environment goes before staff's own; the sandbox serves only providers
    that have no other account switched on.
    """
    for profile in registry.profiles():
        given = settings.PROVIDER_ENV.get(profile.slug, {})
        if given.get("api_key") or given.get("base_url"):
            _keep(
                profile.slug,
                Source.ENVIRONMENT,
                name=f"{profile.name} (environment)",
                base_url=str(given["base_url"]),
                key=str(given["api_key"] or "none"),
                given=given,
            )
        else:
            ProviderAccount.objects.filter(provider=profile.slug, source=Source.ENVIRONMENT).update(
                enabled=False
            )
        _sandbox(profile.slug, profile.name, given)


def _sandbox(slug: str, name: str, given: Mapping[str, Any]) -> None:
    own = ProviderAccount.objects.filter(provider=slug, enabled=True).exclude(source=Source.SANDBOX).exists()
    if not settings.SANDBOX or own:
        ProviderAccount.objects.filter(provider=slug, source=Source.SANDBOX).update(enabled=False)
        return
    port = settings.SANDBOX_PORT + 1 + _ORDER.index(slug)
    _keep(
        slug,
        Source.SANDBOX,
        name=f"{name} (sandbox)",
        base_url=f"http://127.0.0.1:{port}",
        key=f"sandbox-{slug}",
        given=given,
    )


def _keep(slug: str, source: Source, *, name: str, base_url: str, key: str, given: Mapping[str, Any]) -> None:
    account, _ = ProviderAccount.objects.get_or_create(provider=slug, source=source, defaults={"name": name})
    account.name, account.base_url, account.enabled = name, base_url, True
    account.max_in_flight = given.get("max_in_flight") or None
    account.rpm = given.get("rpm") or None
    account.set_key(key)
    account.save(
        update_fields=["name", "base_url", "enabled", "max_in_flight", "rpm", "sealed_key", "key_hint"]
    )
