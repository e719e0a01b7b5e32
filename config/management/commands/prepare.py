"""`manage.py prepare`: the schema, the catalogue and the prices, before anything runs. Does no harm twice."""

from __future__ import annotations

from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Brings the database up to this version: migrates, then seeds the catalogue and the prices."
    requires_system_checks = ()

    def handle(self, **_: object) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        call_command("seed", verbosity=0)
