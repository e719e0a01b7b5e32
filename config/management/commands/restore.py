from __future__ import annotations

import tarfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from accounts.models import User
from config import restoring
from config.archive import ArchiveError
from generations.management.commands.seed import sign_in_file
from generations.storage import StorageError


class Command(BaseCommand):
    help = "Brings a backup into an unused database and store, and checks every row and picture of it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path)

    def handle(self, *_args: Any, path: Path, **_options: Any) -> None:
        try:
            call_command("migrate", interactive=False, verbosity=0)
            tally = restoring.read(path)
        except tarfile.TarError:
            raise CommandError(f"Nothing was restored. {path} is no whole backup.") from None
        except (ArchiveError, StorageError, OSError) as error:
            raise CommandError(f"Nothing was restored. {error}") from None
        except Error as error:
            reason = str(error).partition("\n")[0]  # what follows may quote a row
            raise CommandError(f"Nothing was restored. The database refused it: {reason}.") from None
        _forget_who_was_seeded()
        self.stdout.write(
            f"{tally.rows:,} rows and {tally.objects:,} objects are back, each as it was written."
        )


def _forget_who_was_seeded() -> None:
    """Announce no sign-in that opens nothing: the person it was made for is gone, the backup's are back."""
    path = sign_in_file()
    if path.exists():
        email, _, password = path.read_text().strip().partition(" ")
        person = User.objects.filter(email=email).first()
        if person is None or not person.check_password(password):
            path.unlink()
