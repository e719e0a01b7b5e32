"""Many pictures as one ZIP, made while it is sent: nothing is written to disk, little is held in memory.

What cannot be had is left out, and the manifest, which comes last, says so. No connection to the
database is held while bytes are on their way.
"""

from __future__ import annotations

import logging
import re
import threading
import unicodedata
from collections.abc import Generator, Iterator, Sequence
from typing import IO
from uuid import UUID
from zipfile import ZIP_DEFLATED

from django.utils import timezone
from django.utils.translation import gettext as _
from zipstream import ZipStream

from accounts import rows
from accounts.errors import NotFound, wrong
from accounts.principal import Principal
from generations.actions import manifests
from generations.actions.manifests import Entry
from generations.imaging import EXTENSIONS
from generations.models import Asset
from generations.models.finding import page_of
from generations.models.search import Search
from generations.storage import StorageError, originals
from generations.storage.store import CHUNK, sha256_of
from generations.waiting import TooManyWaiting

log = logging.getLogger(__name__)
MOST = 5_000
SEATS = 8
"""So many at once in one process: each takes one of its threads for as long as somebody reads."""
BATCH = 100
_seats = threading.BoundedSemaphore(SEATS)
_LONGEST_STEM = 60
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)$", re.I)
"""Names that Windows keeps for devices, whatever their ending."""


def archive(
    *, principal: Principal, ids: Sequence[UUID] | None = None, search: Search | None = None
) -> Archive:
    """Up to 5,000 pictures, by their ids or by a search, as chunks of a ZIP; to be closed, read or not.

    Raises Invalid (neither or both, too many), NotFound (none that I may see), TooManyWaiting.
    """
    if (search is None) == (ids is None):
        raise wrong("ids", _("must be a list of ids; or leave it out and give search."))
    if search is not None:
        wanted = _found(principal, search)
        if len(wanted) > MOST:
            raise wrong("search", _("finds more than %(most)s pictures; narrow it.") % {"most": f"{MOST:,}"})
    else:
        wanted = list(dict.fromkeys(ids or []))
        if len(wanted) > MOST:
            raise wrong("ids", _("may be at most %(most)s; download them in parts.") % {"most": f"{MOST:,}"})
        wanted = wanted if Asset.objects.visible_to(principal).filter(id__in=wanted).exists() else []
    if not wanted:
        raise NotFound(_("There is no such picture."), code="asset_not_found")
    if not _seats.acquire(blocking=False):
        raise TooManyWaiting(
            _("Too many downloads are running; try again when one of them is done."),
            code="too_many_downloads",
            retry_after=15,
        )
    return Archive(principal, wanted)


def fits(principal: Principal, search: Search) -> bool:
    """Whether all that the search finds may be in one ZIP."""
    return len(_found(principal, search)) <= MOST


def _found(principal: Principal, search: Search) -> list[UUID]:
    """One more than is allowed, where there are more."""
    return page_of(principal, search, limit=MOST + 1).ids


class Archive:
    """The chunks of one ZIP. It ends its work when it is closed, wherever it was."""

    def __init__(self, principal: Principal, wanted: Sequence[UUID]) -> None:
        self._principal = principal
        self._wanted = wanted
        self._entries: list[Entry] = []
        self._taken: set[str] = set()
        self._chunks = self._stream()
        self._seated = True
        self.name = f"seedbank-{timezone.now():%Y-%m-%d-%H%M%S}.zip"

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def close(self) -> None:
        self._chunks.close()
        if self._seated:
            self._seated = False
            _seats.release()

    def _stream(self) -> Generator[bytes]:
        zipped = ZipStream()
        for start in range(0, len(self._wanted), BATCH):
            batch = self._wanted[start : start + BATCH]
            found = {asset.id: asset for asset in _rows(self._principal, batch)}
            rows.give_back()
            for asset_id in batch:
                yield from self._picture(zipped, asset_id, found.get(asset_id))
        made = timezone.now()
        for name, chunks in (
            ("manifest.csv", manifests.as_csv(self._principal, self._entries)),
            ("manifest.json", manifests.as_json(self._principal, self._entries, made)),
        ):
            zipped.add(rows.lent(chunks), name, compress_type=ZIP_DEFLATED)
            yield from zipped.file()
        yield from zipped.footer()

    def _picture(self, zipped: ZipStream, asset_id: UUID, asset: Asset | None) -> Iterator[bytes]:
        """One original, if it is as it was written: every byte is read before the first is sent."""
        file, missing = (None, "There is no such picture.") if asset is None else _whole(asset)
        if asset is None or file is None:
            self._entries.append(Entry(asset_id, "", missing))
            return
        with file:
            name = self._unique(file_name(asset))
            self._entries.append(Entry(asset_id, name, ""))
            zipped.add(_read(file), name, size=asset.bytes)
            yield from zipped.file()

    def _unique(self, name: str) -> str:
        """Unlike any other, even on file systems that do not tell capitals apart."""
        stem, _, ending = name.rpartition(".")
        number, tried = 1, name
        while (key := unicodedata.normalize("NFKC", tried).casefold()) in self._taken:
            number += 1
            tried = f"{stem}-{number}.{ending}"
        self._taken.add(key)
        return tried


def file_name(asset: Asset, kind: str | None = None) -> str:
    """What a picture is called on any computer: letters, digits, dashes; no path, no marks that turn text.

    Its ending is that of ``kind``; of the original without.
    """
    said = unicodedata.normalize("NFC", asset.name.rpartition(".")[0] or asset.name or asset.prompt)
    stem = "-".join(re.sub(r"[^\w-]+", " ", said).split())[:_LONGEST_STEM].strip("-_") or str(asset.id)
    return f"{'_' * bool(_RESERVED.match(stem))}{stem}.{EXTENSIONS[kind or asset.format]}"


def _whole(asset: Asset) -> tuple[IO[bytes] | None, str]:
    """The original open at its start, or why it cannot be had."""
    try:
        file = originals().read(asset.storage_key)
    except FileNotFoundError:
        return None, "The original is missing from the store."
    except StorageError as error:
        log.warning("asset %s is left out of a download: %s", asset.id, error)
        return None, "The store did not answer; download this picture again later."
    try:
        if sha256_of(file) == asset.sha256:
            file.seek(0)
            return file, ""
    except OSError as error:
        log.warning("asset %s is left out of a download: %s", asset.id, error)
    file.close()
    return None, "The original in the store is not what was written there."


def _read(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk


def _rows(principal: Principal, ids: Sequence[UUID]) -> list[Asset]:
    return list(Asset.objects.visible_to(principal).filter(id__in=ids))
