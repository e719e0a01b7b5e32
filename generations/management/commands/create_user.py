from __future__ import annotations

import getpass
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts import actions
from accounts.errors import Refusal
from billing import ledger


class Command(BaseCommand):
    help = "Makes a person: a verified sign-in, an empty wallet and a personal project."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--staff", action="store_true", help="may see and steer everything")
        parser.add_argument(
            "--password-stdin", action="store_true", help="read the password from standard input"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["password_stdin"]:
            password = sys.stdin.readline().rstrip("\n")
        else:
            password = getpass.getpass("Password: ")
        try:
            with transaction.atomic():
                user = actions.create_user(email=options["email"], password=password, staff=options["staff"])
                ledger.wallet_of(user)
        except Refusal as refusal:
            raise CommandError(refusal.message) from None
        self.stdout.write(f"{user.email} can sign in.")
