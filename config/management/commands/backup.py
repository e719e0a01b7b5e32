from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from config import archive
from generations.storage import StorageError


class Command(BaseCommand):
    help = "Writes every row and every picture, consistent, to one file. Runs beside a working Seedbank."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path)

    def handle(self, *_args: Any, path: Path, **_options: Any) -> None:
        try:
            tally = archive.write(path)
        except (archive.ArchiveError, StorageError, OSError) as error:
            raise CommandError(str(error)) from None
        except Error as error:
            reason = str(error).partition("\n")[0]
            raise CommandError(f"No backup was written. The database refused it: {reason}.") from None
        self.stdout.write(
            f"{tally.rows:,} rows and {tally.objects:,} objects ({tally.bytes:,} bytes) in {path}."
        )
        self.stdout.write("Keep SECRET_KEY and FIELD_KEYS elsewhere: the backup holds secrets only sealed.")
