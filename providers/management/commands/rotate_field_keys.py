from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from providers import sealing
from providers.models import ProviderAccount


def reseal(account: ProviderAccount) -> bool:
    """Seal the key under the newest of the ring; one that was entered meanwhile stays. Raises Unreadable."""
    before = account.sealed_key
    account.set_key(account.open_key())
    rows = ProviderAccount.objects.filter(id=account.id, sealed_key=before)
    return bool(rows.update(sealed_key=account.sealed_key))


class Command(BaseCommand):
    help = "Re-encrypts every secret under the newest of FIELD_KEYS; then the older ones may go."

    def handle(self, *_args: Any, **_options: Any) -> None:
        ring = settings.FIELD_KEYS
        rotated, unreadable = 0, []
        accounts = ProviderAccount.objects.exclude(sealed_key="")
        for account in accounts:
            try:
                account.open_key()
                if not sealing.newest(ring, account.sealed_key):
                    rotated += reseal(account)
            except sealing.Unreadable as error:
                unreadable.append(f"{account} is unreadable: {error}; enter its key again.")
        self.stdout.write(
            f"{rotated} of {len(accounts)} secrets re-encrypted under {next(iter(ring))}; "
            f"{len(accounts) - rotated - len(unreadable)} were already."
        )
        if unreadable:
            raise CommandError("\n".join(unreadable))
