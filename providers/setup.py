"""Accounts that nobody enters by hand: from the environment, and on the sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction

from providers import registry
from providers.models import ProviderAccount, Source


@transaction.atomic
def accounts_from_environment() -> None:
    """Bring the accounts in line with ``<PROVIDER>_…`` and ``SANDBOX``. Harmless to repeat.

    Position and switches are staff's, as in their own accounts; what they have switched off stays off.
    """
    ours = ProviderAccount.objects.exclude(source=Source.ADMIN)
    wanted = _wanted()
    known = {(account.provider, account.source) for account in ours}
    # Another process may be doing the same: the first row stands.
    ProviderAccount.objects.bulk_create(
        [
            ProviderAccount(provider=slug, source=source)
            for slug, source in wanted
            if (slug, source) not in known
        ],
        ignore_conflicts=True,
    )
    # Asked anew: those just made are among them, and nobody switches one meanwhile.
    accounts = list(ours.select_for_update(no_key=True))
    for account in accounts:
        _align(account, wanted.get((account.provider, Source(account.source))))
    ProviderAccount.objects.bulk_update(accounts, _ALIGNED)


_Given = Mapping[str, Any]
_ALIGNED = ("name", "base_url", "enabled", "absent", "max_in_flight", "rpm", "sealed_key", "key_hint")


def _wanted() -> dict[tuple[str, Source], _Given]:
    """What each account that is to be switched on is given."""
    wanted: dict[tuple[str, Source], _Given] = {}
    for place, profile in enumerate(registry.profiles(), start=1):
        given = settings.PROVIDER_ENV.get(profile.slug, {})
        if given.get("api_key") or given.get("base_url"):
            named = {"name": f"{profile.name} (environment)", "api_key": given["api_key"] or "none"}
            wanted[profile.slug, Source.ENVIRONMENT] = {**given, **named}
        elif settings.SANDBOX:
            wanted[profile.slug, Source.SANDBOX] = {
                **given,
                "name": f"{profile.name} (sandbox)",
                "base_url": f"http://127.0.0.1:{settings.SANDBOX_PORT + place}",
                "api_key": f"sandbox-{profile.slug}",
            }
    return wanted


def _align(account: ProviderAccount, given: _Given | None) -> None:
    if given is None:
        account.absent = account.absent or account.enabled
        account.enabled = False
        return
    account.enabled = account.enabled or account.absent  # what staff have switched off stays off
    account.absent = False
    account.name, account.base_url = given["name"], str(given["base_url"])
    account.max_in_flight = given.get("max_in_flight") or None
    account.rpm = given.get("rpm") or None
    account.set_key(str(given["api_key"]))
