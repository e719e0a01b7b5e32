from __future__ import annotations

import getpass
import secrets
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
        password, made_up = self._password(from_stdin=options["password_stdin"])
        try:
            with transaction.atomic():
                user = actions.create_user(email=options["email"], password=password, staff=options["staff"])
                ledger.wallet_of(user)
        except Refusal as refusal:
            raise CommandError(refusal.message) from None
        self.stdout.write(f"{user.email} can sign in{f' with the password {password}' if made_up else ''}.")

    def _password(self, *, from_stdin: bool) -> tuple[str, bool]:
        """As it was given or, where nobody can type one, made up."""
        if from_stdin:
            return sys.stdin.readline().rstrip("\n"), False
        if not sys.stdin.isatty():
            return secrets.token_urlsafe(12), True
        try:
            return getpass.getpass("Password: "), False
        except EOFError:
            raise CommandError("No password was given; type one, or use --password-stdin.") from None
