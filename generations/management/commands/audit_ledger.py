from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing import oversight as money
from billing.models import Transfer, Wallet
from generations import oversight as work


class Command(BaseCommand):
    help = "Recomputes every balance from its transfers, and holds what was paid against what was made."

    def handle(self, *_args: Any, **_options: Any) -> None:
        found = [*money.differences(), *work.differences()]
        for one in found:
            self.stdout.write(f"{one.subject}: {one.rule}; written {one.written}, should be {one.computed}")
        if found:
            raise CommandError(f"The books do not add up: {len(found)} differences.")
        self.stdout.write(
            f"The books add up: {Wallet.objects.count()} wallets, {Transfer.objects.count()} transfers."
        )
