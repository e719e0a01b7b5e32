"""The pictures a request builds on: found in the library, or brought into it first."""

from __future__ import annotations

import base64
import binascii
import tempfile
from pathlib import Path
from uuid import UUID

from django.conf import settings

from accounts.errors import Invalid, Refusal
from accounts.models import Project
from accounts.principal import Principal
from generations.actions import uploads
from generations.models import Asset
from providers.door import DownloadError, fetch_public

MOST_BYTES = 10 * 1024 * 1024
"""Seedream takes references of up to 10 MB."""


def resolve(*, principal: Principal, project: Project, wanted: tuple[str, ...]) -> list[Asset]:
    """Each reference as an asset, in order. Raises Invalid naming the one that is wrong."""
    found = []
    for position, text in enumerate(wanted, start=1):
        try:
            found.append(_resolve(principal, project, text))
        except Refusal as refusal:
            sentence = f"number {position}: {refusal.message}"
            raise Invalid(f"references, {sentence}", fields={"references": [sentence]}) from None
    return found


def _resolve(principal: Principal, project: Project, text: str) -> Asset:
    if text.startswith("asset:"):
        return _in_library(principal, text.removeprefix("asset:"))
    if text.startswith("data:"):
        return _from_data(principal, project, text)
    return _from_web(principal, project, text)


def _in_library(principal: Principal, text: str) -> Asset:
    try:
        asset_id = UUID(text)
    except ValueError:
        raise Invalid("asset: must be followed by the id of a picture.") from None
    asset = Asset.objects.visible_to(principal).kept().filter(id=asset_id).first()
    if asset is None:
        raise Invalid("there is no such picture.")
    _check_size(asset.bytes)
    return asset


def _from_data(principal: Principal, project: Project, text: str) -> Asset:
    head, comma, payload = text.partition(",")
    if not comma or not head.endswith(";base64"):
        raise Invalid("a data URI must be data:image/…;base64,….")
    try:
        data = base64.b64decode(payload, validate=True)
    except binascii.Error:
        raise Invalid("the data URI is not valid base64.") from None
    _check_size(len(data))
    return uploads.upload(principal=principal, project_id=project.id, chunks=[data], name="reference")


def _from_web(principal: Principal, project: Project, url: str) -> Asset:
    settings.SCRATCH_DIR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.SCRATCH_DIR) as folder:
        path = Path(folder) / "reference"
        try:
            fetched = fetch_public(url, path, max_bytes=MOST_BYTES, deadline=30)
        except DownloadError as error:
            raise Invalid(
                f"the address could not be read ({error.reason.value.replace('_', ' ')})."
            ) from None
        return uploads.keep(
            project=project, user=principal.user, path=path, sha256=fetched.sha256, name="reference"
        )


def _check_size(size: int) -> None:
    if size > MOST_BYTES:
        raise Invalid("a reference may be at most 10 MB; use a smaller picture.")
