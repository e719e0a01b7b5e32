from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from PIL import ExifTags, Image, UnidentifiedImageError

from accounts.errors import Refusal
from accounts.models import User
from accounts.principal import Principal
from generations.actions import uploads
from generations.models import Asset
from generations.models.terms import Words, words_of

CHUNK = 1 << 20
_PROMPT_KEYS = ("parameters", "prompt", "Description", "description", "invokeai_metadata", "Comment")


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
            brought += fresh
            known += not fresh
            self.stdout.write(f"{asset.id}  {path}")
        self.stdout.write(f"{brought} brought in, {known} were there already, {refused} refused.")


def bring(principal: Principal, project_id: Any, path: Path) -> tuple[Asset, bool]:
    """One file as an asset, and whether it is new. Raises Refusal."""
    begun = timezone.now()
    made = _made_at(path)
    asset = uploads.upload(
        principal=principal, project_id=project_id, chunks=_chunks(path), name=path.name, made=made
    )
    fresh = asset.created_at is None or asset.created_at >= begun
    prompt = asset.prompt or _embedded_prompt(path)
    if fresh:
        Asset.objects.filter(id=asset.id).update(
            created_at=made, prompt=prompt, terms=Words(words_of(prompt, asset.name))
        )
    return asset, fresh


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _made_at(path: Path) -> datetime:
    """When the picture was made: its EXIF says, else the file's own date."""
    try:
        with Image.open(path) as image:
            text = image.getexif().get(ExifTags.Base.DateTime)
        if text:
            return datetime.strptime(str(text), "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC)
    except (UnidentifiedImageError, OSError, ValueError):
        pass  # a date is a courtesy; the file's own will do
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _embedded_prompt(path: Path) -> str:
    """The prompt that a generator wrote into the file, if one did."""
    try:
        with Image.open(path) as image:
            words = {str(key): str(value) for key, value in image.info.items() if isinstance(value, str)}
    except (UnidentifiedImageError, OSError):
        return ""
    for key in _PROMPT_KEYS:
        if text := words.get(key, "").replace("\x00", " ").strip():  # no database keeps a NUL
            return _plain(text)[:8000]
    return ""


def _plain(text: str) -> str:
    """The prompt inside JSON or inside 'prompt, newline, Negative prompt: …' as some tools write it."""
    if text.startswith("{"):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return text
        for key in ("positive_prompt", "prompt"):
            if isinstance(found, dict) and isinstance(found.get(key), str):
                return str(found[key]).encode(errors="replace").decode().replace("\x00", " ")
        return ""
    return text.split("\nNegative prompt:")[0].split("\nSteps:")[0].strip()
