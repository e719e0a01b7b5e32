from __future__ import annotations

import tarfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from config import archive


class Command(BaseCommand):
    help = "Brings a backup into an empty database and store, and checks every row and picture of it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path)

    def handle(self, *_args: Any, path: Path, **_options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        try:
            tally = archive.read(path)
        except (archive.ArchiveError, tarfile.TarError, OSError) as error:
            raise CommandError(f"Nothing was restored. {error}") from None
        self.stdout.write(
            f"{tally.rows:,} rows and {tally.objects:,} objects are back, each as it was written."
        )
