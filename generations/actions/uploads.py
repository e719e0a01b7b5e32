"""Bringing pictures in: checked, kept byte for byte, shown with thumbnails."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction
from uuid6 import uuid7

from accounts.actions import audit, project_to_fill
from accounts.errors import Invalid, NotAllowed
from accounts.models import Project, Role, User
from accounts.principal import Principal
from generations import imaging
from generations.engine import keeping
from generations.models import Asset, Kind, original_key

MOST_BYTES = 64 * 1024 * 1024


def upload(
    *,
    principal: Principal,
    project_id: UUID | None,
    chunks: Iterable[bytes],
    name: str = "",
    tags: tuple[str, ...] = (),
) -> Asset:
    """Keep one picture that somebody brings. The same picture twice in a project is the same asset.

    Raises Invalid (not a picture, too large), NotFound, NotAllowed.
    """
    if not principal.may("write") and not principal.may("generate"):
        raise NotAllowed("This key may not upload; it lacks the scope write.")
    if project_id is None:
        mine = Project.objects.where_may(principal, Role.EDITOR).filter(archived_at=None)
        project = mine.order_by("id").first()
        if project is None:
            raise NotAllowed("There is no project to which you may upload.")
    else:
        project = project_to_fill(principal=principal, project_id=project_id)
    settings.SCRATCH_DIR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.SCRATCH_DIR) as folder:
        path = Path(folder) / "upload"
        sha256 = _write(path, chunks)
        return keep(project=project, user=principal.user, path=path, sha256=sha256, name=name, tags=tags)


def keep(
    *, project: Project, user: User, path: Path, sha256: str, name: str = "", tags: tuple[str, ...] = ()
) -> Asset:
    """Check and keep the picture at ``path``; the row that shows it is written last."""
    known = Asset.objects.filter(project=project, sha256=sha256, kind=Kind.UPLOADED, trashed_at=None).first()
    if known is not None:
        return known
    asset_id = uuid7()
    key = original_key(project.id, asset_id, sha256)
    try:
        picture = keeping.inspect_and_keep(path, key, sha256, original=True)
    except imaging.Rejected as error:
        raise Invalid(
            f"file {imaging.explain(error.reason)}", fields={"file": [imaging.explain(error.reason)]}
        ) from None
    with transaction.atomic():
        asset = Asset.objects.create(
            id=asset_id,
            project=project,
            user=user,
            kind=Kind.UPLOADED,
            name=clean_name(name),
            storage_key=key,
            sha256=sha256,
            bytes=path.stat().st_size,
            format=picture.format,
            width=picture.width,
            height=picture.height,
            thumbhash=picture.thumbhash,
            tags=list(tags),
        )
        audit(user, "upload", asset.id, name=asset.name)
    return asset


def clean_name(name: str) -> str:
    """The last part of a file name, without marks that turn or hide text."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(letter for letter in last if letter.isprintable() and letter not in "\u200e\u200f\u061c")
    return shown[:255].strip(" .")


def _write(path: Path, chunks: Iterable[bytes]) -> str:
    digest, size = hashlib.sha256(), 0
    with path.open("wb") as file:
        for chunk in chunks:
            size += len(chunk)
            if size > MOST_BYTES:
                raise Invalid(
                    "file may be at most 64 MB; make it smaller.",
                    code="too_large",
                    fields={"file": ["At most 64 MB."]},
                )
            digest.update(chunk)
            file.write(chunk)
    if not size:
        raise Invalid("file is empty.", fields={"file": ["It is empty."]})
    return digest.hexdigest()
