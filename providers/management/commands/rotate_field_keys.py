from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from providers import sealing
from providers.models import ProviderAccount


def reseal(account: ProviderAccount) -> bool:
    """Seal its secrets under the newest of the ring; what was entered meanwhile stays. Raises Unreadable."""
    before = {"sealed_key": account.sealed_key, "settings": account.settings}
    account.seal_anew()
    rows = ProviderAccount.objects.filter(id=account.id, **before)
    return bool(rows.update(sealed_key=account.sealed_key, settings=account.settings))


class Command(BaseCommand):
    help = "Re-encrypts every secret under the newest of FIELD_KEYS; then the older ones may go."

    def handle(self, *_args: Any, **_options: Any) -> None:
        ring = settings.FIELD_KEYS
        rotated, unreadable = 0, []
        accounts = [one for one in ProviderAccount.objects.all() if one.sealed_key or one.sealed]
        for account in accounts:
            try:
                account.opened()
                sealed = filter(None, [account.sealed_key, *account.sealed.values()])
                if not all(sealing.newest(ring, secret) for secret in sealed):
                    rotated += reseal(account)
            except sealing.Unreadable as error:
                unreadable.append(f"{account} is unreadable: {error}; enter its key and secrets again.")
        self.stdout.write(
            f"{rotated} of {len(accounts)} accounts re-encrypted under {next(iter(ring))}; "
            f"{len(accounts) - rotated - len(unreadable)} were already."
        )
        if unreadable:
            raise CommandError("\n".join(unreadable))
