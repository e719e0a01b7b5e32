from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import actions
from accounts.errors import Refusal
from accounts.models import User


class Command(BaseCommand):
    help = "Makes an API key and prints it, and nothing else, once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", required=True)
        parser.add_argument("--scope", action="append", default=[])
        parser.add_argument("--project")
        parser.add_argument("--network", action="append", default=[])

    def handle(self, *_args: Any, **options: Any) -> None:
        user = User.objects.filter(email__iexact=options["email"]).first()
        if user is None:
            raise CommandError(f"Nobody signs in as {options['email']}.")
        try:
            _, secret = actions.create_api_key(
                user=user,
                name=options["name"],
                scopes=options["scope"],
                project_id=options["project"],
                networks=options["network"],
            )
        except Refusal as refusal:
            raise CommandError(refusal.message) from None
        self.stdout.write(secret)
