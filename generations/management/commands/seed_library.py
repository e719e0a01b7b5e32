from __future__ import annotations

import hashlib
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from accounts.actions import as_uuid
from accounts.models import Membership, Project, Role, User
from generations.engine import keeping
from generations.management import prompts
from generations.models import Asset, AssetKind, original_key, tallies
from generations.models.terms import quoted, words_of
from providers import catalog
from providers.sandbox.drawing import Picture, render
from providers.values import ASPECTS

YEARS = timedelta(days=730)
CHUNK = 10_000
MANY = 50_000
"""From so many on, building the index of terms once is quicker than filling it row by row."""
PEOPLE = ("Lin Wei", "Sakura Mori", "Min-jun Park", "Jürgen Groß", "Amara Okafor", "Tomás Silva")


class Command(BaseCommand):
    help = "Fills a project with N invented pictures over two years, the newest of them real. Sandbox only."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("number", type=int, metavar="N")
        parser.add_argument("--project", help="an id; without it, the oldest project")
        parser.add_argument("--pictures", dest="real", type=int, default=60, metavar="M", help="real files")

    def handle(self, *_args: Any, **options: Any) -> None:
        if not settings.SANDBOX:
            raise CommandError("This invents pictures; it runs with SANDBOX=1 only.")
        number, real = options["number"], min(options["real"], options["number"])
        if number < 1 or real < 0:
            raise CommandError("N must be 1 or more, and M not less than 0.")
        begun = time.monotonic()
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
        project = _project(options["project"])
        shelf = Shelf(project, _people(project), number, real)
        with _index_later(number >= MANY):
            for done in shelf.fill():
                if done % 100_000 == 0:
                    self.stdout.write(f"{done:,} of {number:,}, {time.monotonic() - begun:.0f} s")
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE) generations_asset")
        tallies.count(project.id)
        self.stdout.write(
            f"{number:,} pictures in {project.name} ({project.id}), {real:,} of them real, "
            f"in {time.monotonic() - begun:.0f} s."
        )


class Shelf:
    """The invented pictures of one project, oldest first; the same number gives the same pictures."""

    def __init__(self, project: Project, people: list[UUID], number: int, real: int) -> None:
        self.project, self.people, self.number, self.real = project, people, number, real
        self.luck = Random(number)  # noqa: S311 - the same pictures every time
        self.models = [
            (model.id, offer.provider) for model in catalog.models() for offer in catalog.offers(model.id)
        ]
        self.shapes = [sides for sides in ASPECTS.values() if sides]
        self.hashes: list[bytes] = []

    def fill(self) -> Iterator[int]:
        """Write them; how many there are, after each chunk. The rest look like the real ones."""
        start = datetime.now(UTC) - YEARS
        step = YEARS / self.number
        newest = [
            self._real(self._row(start + step * at)) for at in range(self.number - self.real, self.number)
        ]
        self.hashes = [row["thumbhash"] for row in newest] or [b""]
        rest = self.number - self.real
        for first in range(0, rest, CHUNK):
            last = min(first + CHUNK, rest)
            _copy([self._row(start + step * at) for at in range(first, last)])
            yield last
        _copy(newest)

    def _row(self, made: datetime) -> dict[str, Any]:
        luck = self.luck
        asset_id = self._id(made)
        sha256 = f"{luck.getrandbits(256):064x}"
        uploaded = luck.random() < 0.1
        model, provider = ("", "") if uploaded else luck.choice(self.models)
        across, down = luck.choice(self.shapes)
        scale = (3_000_000 / (across * down)) ** 0.5
        name = f"IMG_{luck.randrange(10_000):04}.jpg" if uploaded else ""
        prompt = "" if uploaded else prompts.prompt(luck)
        return {
            "id": asset_id,
            "project_id": self.project.id,
            "user_id": luck.choice(self.people),
            "kind": AssetKind.UPLOADED if uploaded else AssetKind.GENERATED,
            "name": name,
            "prompt": prompt,
            "provider": provider,
            "model": model,
            "storage_key": original_key(self.project.id, asset_id, sha256),
            "sha256": sha256,
            "bytes": luck.randrange(400_000, 6_000_000),
            "format": "jpeg",
            "width": round(across * scale / 16) * 16,
            "height": round(down * scale / 16) * 16,
            "thumbhash": luck.choice(self.hashes) if self.hashes else b"",
            "seed": luck.randrange(2**31),
            "revised_prompt": "",
            "flagged": False,
            "sandbox": True,
            "late": False,
            "charged": 0 if uploaded else luck.choice((12_000, 14_000, 35_000, 40_000)),
            "tags": luck.sample(prompts.TAGS, luck.choice((0, 0, 0, 1, 1, 2, 3))),
            "rating": luck.choices(range(6), (60, 4, 6, 12, 12, 6))[0],
            "favorite_of": [luck.choice(self.people)] if luck.random() < 0.05 else [],
            "terms": " ".join(quoted(word) for word in words_of(prompt, name)),
            "created_at": made,
        }

    def _id(self, made: datetime) -> UUID:
        """A UUIDv7 of that time, the same for the same luck."""
        version, variant = 7 << 76, 2 << 62
        by_chance = self.luck.getrandbits(12) << 64 | self.luck.getrandbits(62)
        return UUID(int=int(made.timestamp() * 1000) << 80 | version | variant | by_chance)

    def _real(self, row: dict[str, Any]) -> dict[str, Any]:
        """The row with a picture that is really there, half as large."""
        width, height = row["width"] // 2, row["height"] // 2
        words = row["prompt"] or row["name"]
        data = render(Picture(row["provider"] or "upload", words, width, height, seed=row["seed"]))
        sha256 = hashlib.sha256(data).hexdigest()
        key = original_key(self.project.id, row["id"], sha256)
        with keeping.scratch() as folder:
            path: Path = folder / "picture"
            path.write_bytes(data)
            picture = keeping.inspect_and_keep(path, key, sha256, original=True)
        facts = {"storage_key": key, "sha256": sha256, "bytes": len(data), "thumbhash": picture.thumbhash}
        return {**row, **facts, "format": picture.format, "width": picture.width, "height": picture.height}


def _copy(rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        into = ", ".join(rows[0])
        with cursor.copy(f"COPY generations_asset ({into}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(list(row.values()))


@contextmanager
def _index_later(many: bool) -> Iterator[None]:
    """Without the index of terms meanwhile, if there are many rows to come."""
    index = next(index for index in Asset._meta.indexes if isinstance(index, GinIndex))
    if not many:
        yield
        return
    with connection.schema_editor() as editor:
        editor.remove_index(Asset, index)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET maintenance_work_mem = '1GB'")
        with connection.schema_editor() as editor:
            editor.add_index(Asset, index)
        with connection.cursor() as cursor:
            cursor.execute("RESET maintenance_work_mem")


def _project(text: str | None) -> Project:
    wanted = Project.objects.filter(archived_at=None).order_by("id")
    if text is not None:
        wanted = wanted.filter(id__in=[one for one in [as_uuid(text)] if one])
    found = wanted.first()
    if found is None:
        raise CommandError(
            "There is no such project." if text else "There is no project yet; make a person first."
        )
    return found


def _people(project: Project) -> list[UUID]:
    """The project's members, and some invented ones who cannot sign in."""
    for number, name in enumerate(PEOPLE, 1):
        email = f"person-{number}@seedbank.local"
        user = User.objects.filter(email=email).first() or User.objects.create_user(email, name=name)
        Membership.objects.get_or_create(project=project, user=user, defaults={"role": Role.EDITOR})
    return sorted(Membership.objects.filter(project=project).values_list("user_id", flat=True))
