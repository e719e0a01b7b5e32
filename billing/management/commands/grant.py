from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.errors import Refusal
from accounts.models import User
from billing import ledger
from billing.money import dollars, micros


class Command(BaseCommand):
    help = "Gives a person credits. With --key, the same grant is made once, however often it is asked for."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("amount", help="US dollars, such as 25.00")
        parser.add_argument("--memo", required=True)
        parser.add_argument("--key")

    def handle(self, *_args: Any, **options: Any) -> None:
        user = User.objects.filter(email__iexact=options["email"]).first()
        if user is None:
            raise CommandError(f"Nobody signs in as {options['email']}.")
        if options["key"] == "":  # a script's variable that is not set: without a key nothing is made once
            raise CommandError("--key must not be empty; give a key, or leave it out.")
        try:
            amount = micros(options["amount"])
        except ValueError as error:
            raise CommandError(f"AMOUNT {error}") from None
        try:
            _, fresh = ledger.grant(
                user=user, amount=amount, memo=options["memo"], actor=None, key=options["key"]
            )
        except Refusal as refusal:
            raise CommandError(refusal.message) from None
        wallet = ledger.wallet_of(user)
        done = "granted" if fresh else "had been granted before"
        self.stdout.write(
            f"${dollars(amount)} {done}; {user.email} has ${dollars(wallet.available)} available."
        )
