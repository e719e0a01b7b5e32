from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.errors import Refusal
from accounts.models import User
from accounts.principal import Principal
from generations import imaging
from generations.actions import uploads
from generations.imaging import embedded
from generations.models import Asset
from generations.models.terms import Words, words_of
from generations.storage import StorageError

CHUNK = 1 << 20


class Command(BaseCommand):
    help = "Brings existing pictures into the library; dates and embedded prompts are kept."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--project", required=True)
        parser.add_argument("--as", dest="email", required=True)

    def handle(self, *_args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        if not folder.is_dir():
            raise CommandError(f"{folder} is not a folder.")
        user = User.objects.filter(email__iexact=options["email"]).first()
        if user is None:
            raise CommandError(f"Nobody signs in as {options['email']}.")
        brought = known = refused = 0
        for path in sorted(file for file in folder.rglob("*") if file.is_file()):
            try:
                asset, fresh = bring(Principal(user), options["project"], path)
            except Refusal as refusal:
                if refusal.code in {"project_not_found", "forbidden"}:
                    raise CommandError(refusal.message) from None
                refused += 1
                self.stderr.write(f"{path}: {refusal.message}")
                continue
            except PermissionError:
                refused += 1
                self.stderr.write(f"{path}: may not be read; give yourself the right to.")
                continue
            except (imaging.Crashed, StorageError) as error:
                refused += 1
                self.stderr.write(f"{path}: could not be kept now ({error}); import it again.")
                continue
            brought += fresh
            known += not fresh
            self.stdout.write(f"{asset.id}  {path}")
        self.stdout.write(f"{brought} brought in, {known} were there already, {refused} refused.")


def bring(principal: Principal, project_id: Any, path: Path) -> tuple[Asset, bool]:
    """One file as an asset, and whether it is new. Raises Refusal."""
    begun = timezone.now()
    said, taken = _told(path)
    made = taken or datetime.fromtimestamp(path.stat().st_mtime, UTC)
    asset = uploads.upload(
        principal=principal, project_id=project_id, chunks=_chunks(path), name=path.name, made=made
    )
    fresh = asset.created_at is None or asset.created_at >= begun
    prompt = asset.prompt or said
    if fresh:
        Asset.objects.filter(id=asset.id).update(
            created_at=made, prompt=prompt, terms=Words(words_of(prompt, asset.name))
        )
    return asset, fresh


def _told(path: Path) -> tuple[str, datetime | None]:
    """What the file says of itself; a prompt and a date are a courtesy."""
    try:
        return imaging.run_bounded(embedded.told, path.resolve())
    except imaging.Crashed:
        return "", None


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk
