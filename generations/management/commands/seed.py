from __future__ import annotations

import os
import secrets
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction

from accounts import actions
from accounts.models import User
from billing import ledger
from billing.models import Price
from billing.pricing import set_price
from providers import catalog
from providers.setup import accounts_from_environment

FIRST_EMAIL = "you@seedbank.local"
FIRST_CREDIT = 20_000_000
FIRST_MEMO = "to begin with"
PUBLISHED = "published price"


def sign_in_file() -> Path:
    """Where the embedded default keeps the first sign-in, for its owner's eyes only."""
    path: Path = settings.DATA_DIR / "secrets" / "sign_in"
    return path


class Command(BaseCommand):
    help = "Prices, provider accounts and, in the embedded default, a first person. Harmless to repeat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--person", action="store_true", help="make a first person outside the embedded default too"
        )

    @transaction.atomic
    def handle(self, *_args: Any, **options: Any) -> None:
        priced = set(Price.objects.values_list("model", "provider"))
        for model in catalog.models():
            for offer in catalog.offers(model.id):
                if (model.id, offer.provider) not in priced:
                    set_price(model=model.id, provider=offer.provider, unit=offer.list_price, memo=PUBLISHED)
        accounts_from_environment()
        if (settings.EMBEDDED or options["person"]) and not User.objects.exists():
            self._first_person()

    def _first_person(self) -> None:
        password = secrets.token_urlsafe(12)
        user = actions.create_user(email=FIRST_EMAIL, password=password, staff=True, name="Admin")
        ledger.grant(user=user, amount=FIRST_CREDIT, memo=FIRST_MEMO, actor=None, key=f"first:{user.id}")
        path = sign_in_file()
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(f"{FIRST_EMAIL} {password}\n")
