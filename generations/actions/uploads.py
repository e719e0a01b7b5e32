"""Bringing pictures in: checked, kept byte for byte, shown with thumbnails."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from uuid6 import uuid7

from accounts import rows
from accounts.actions import audit, oldest_to_fill, project_to_fill
from accounts.errors import Invalid, NotAllowed, wrong
from accounts.models import Project, Scope, User
from accounts.principal import Principal
from generations import imaging
from generations.engine import keeping
from generations.models import Asset, AssetKind, original_key
from generations.models.ids import minted_at

MOST_BYTES = 64 * 1024 * 1024
_ONE_BY_ONE = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 2))"
"""No constraint can say it: a picture that is moved or taken back may meet its equal."""


def upload(
    *,
    principal: Principal,
    project_id: UUID | None,
    chunks: Iterable[bytes],
    name: str = "",
    tags: tuple[str, ...] = (),
    made: datetime | None = None,
) -> Asset:
    """Keep one picture that somebody brings. One that the project has, brought or made, is that asset.

    With ``made`` its place in the library is among the pictures of that time.
    Raises Invalid (not a picture, too large), NotFound, NotAllowed.
    """
    check_may(principal)
    project = (
        oldest_to_fill(principal)
        if project_id is None
        else project_to_fill(principal=principal, project_id=project_id)
    )
    if project is None:
        raise NotAllowed(_("There is no project to which you may upload."))
    with keeping.scratch() as folder:
        path = folder / "upload"
        sha256 = receive(path, chunks)
        return keep(
            project=project, user=principal.user, path=path, sha256=sha256, name=name, tags=tags, made=made
        )


def check_may(principal: Principal) -> None:
    """Raises NotAllowed. Who makes pictures brings what they are made from."""
    if not principal.may(Scope.WRITE) and not principal.may(Scope.GENERATE):
        raise NotAllowed(_("This key may not upload; it lacks the scope write."), code="missing_scope")


def keep(
    *,
    project: Project,
    user: User,
    path: Path,
    sha256: str,
    name: str = "",
    tags: tuple[str, ...] = (),
    made: datetime | None = None,
) -> Asset:
    """Check and keep the picture at ``path``; the row that shows it is written last."""
    if known := _known(project, sha256):
        return known
    asset_id = minted_at(made) if made else uuid7()
    key = original_key(project.id, asset_id, sha256)
    origin = imaging.Origin(str(asset_id))
    rows.give_back()  # pictures are decoded a few at a time, and the rest wait
    try:
        picture = keeping.inspect_and_keep(path, key, sha256, original=True, origin=origin)
    except imaging.Rejected as error:
        raise wrong("file", _(imaging.explain(error.reason))) from None
    asset = Asset(
        id=asset_id,
        project=project,
        user=user,
        kind=AssetKind.UPLOADED,
        name=clean_name(name),
        storage_key=key,
        sha256=sha256,
        bytes=path.stat().st_size,
        format=picture.format,
        width=picture.width,
        height=picture.height,
        thumbhash=picture.thumbhash,
        likeness=picture.likeness,
        tags=list(tags),
    )
    if quicker := _write(asset):
        keeping.delete(key)  # which no row names
        return quicker
    return asset


@transaction.atomic
def _write(asset: Asset) -> Asset | None:
    """Add the row, unless somebody brought the same file meanwhile: then theirs."""
    rows.read(_ONE_BY_ONE, [f"upload {asset.project_id} {asset.sha256}"])
    if quicker := _known(asset.project, asset.sha256):
        return quicker
    asset.save(force_insert=True)
    audit(asset.user, "upload", asset.id, asset.project_id, name=asset.name)
    return None


def _known(project: Project, sha256: str) -> Asset | None:
    same = Asset.objects.filter(project=project, sha256=sha256, trashed_at=None)
    return same.order_by("id").first()


def clean_name(name: str) -> str:
    """The last part of a file name, without marks that turn or hide text."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(letter for letter in last if letter.isprintable() and letter not in "\u200e\u200f\u061c")
    return shown[:255].strip(" .")


def receive(path: Path, chunks: Iterable[bytes]) -> str:
    """Write what somebody sends to a file; its sha256. Raises Invalid (too large, empty)."""
    digest, size = hashlib.sha256(), 0
    with path.open("wb") as file:
        for chunk in chunks:
            size += len(chunk)
            if size > MOST_BYTES:
                raise Invalid(
                    _("file may be at most 64 MB; make it smaller."),
                    code="too_large",
                    fields={"file": [_("At most 64 MB.")]},
                )
            digest.update(chunk)
            file.write(chunk)
    if not size:
        raise Invalid(_("file is empty."), fields={"file": [_("It is empty.")]})
    return digest.hexdigest()
