from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from generations import imaging
from generations.models import Asset, Result, derivative_key, unconverted
from generations.storage import StorageError, originals

YOUNG = timedelta(days=7)
"""What is younger may be a picture on its way in."""


class Command(BaseCommand):
    help = "Compares rows and objects: missing, altered, orphaned. Exits with 1 if there is any."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--sample", type=int, metavar="N", help="hash N random pictures instead of all")

    def handle(self, *_args: Any, sample: int | None, **_options: Any) -> None:
        if sample is not None and sample < 1:
            raise CommandError("--sample must be 1 or more; without it every picture is hashed.")
        try:
            found, checked = self._compared(sample)
        except StorageError as error:
            raise CommandError(f"The store cannot be read now, so nothing is proven: {error}") from None
        if found:
            self.stdout.write(f"{found} wrong among {checked} pictures.")
            raise SystemExit(1)
        self.stdout.write(f"{checked} pictures are as they were written.")

    def _compared(self, sample: int | None) -> tuple[int, int]:
        """How many are wrong, and how many pictures were looked at."""
        there = Asset.objects.filter(purged_at=None)  # of what was purged only the row is left
        assets = there.order_by("?")[:sample] if sample else there.order_by("id")
        found = checked = 0
        for asset in assets.iterator(chunk_size=500):
            checked += 1
            if fault := _fault(asset):
                found += 1
                self.stdout.write(f"{fault}  asset {asset.id}  {asset.storage_key}")
        if not sample:
            for key in _orphans():
                found += 1
                self.stdout.write(f"orphaned  {key}")
        return found, checked


def _fault(asset: Asset) -> str:
    store = originals()
    try:
        if store.size(asset.storage_key) != asset.bytes or store.digest(asset.storage_key) != asset.sha256:
            return "altered"
    except FileNotFoundError:
        return "missing"
    return ""


def _orphans() -> Iterator[str]:
    """Objects that no row knows and that have had time to be known, in batches."""
    batch: list[str] = []
    before = timezone.now() - YOUNG
    for kept in originals().keys():  # noqa: SIM118 - a store has no other way to list
        if kept.modified >= before:
            continue
        batch.append(kept.key)
        if len(batch) == 1000:
            yield from _unknown(batch)
            batch = []
    yield from _unknown(batch)


def _unknown(keys: list[str]) -> list[str]:
    roots = {key: _root(key) for key in keys}
    wanted = set(roots.values())
    known = set(Asset.objects.filter(storage_key__in=wanted).values_list("storage_key", flat=True))
    known |= set(Result.objects.filter(storage_key__in=wanted).values_list("storage_key", flat=True))
    return [key for key, root in roots.items() if root not in known]


def _root(key: str) -> str:
    """The original a smaller or converted picture was made from."""
    for size in imaging.SIZES:
        ending = derivative_key("", size)
        if key.endswith(ending):
            return key.removesuffix(ending)
    return unconverted(key)
