"""The pictures a request builds on: found in the library, or brought into it first."""

from __future__ import annotations

import base64
import binascii
import threading
import time
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import rows
from accounts.errors import Invalid, Refusal
from accounts.models import Project
from accounts.principal import Principal
from generations.actions import uploads
from generations.engine import keeping
from generations.models import Asset
from generations.waiting import TooManyWaiting
from providers.door import DownloadError, Trouble, fetch_public

MOST_BYTES = 10 * 1024 * 1024
"""Seedream takes references of up to 10 MB."""
PATIENCE, TOGETHER = 30.0, 60.0
"""Seconds for one address, and for all of a request: somebody waits for the answer."""
SEATS = 16
"""So many requests at once in one process wait for strangers' hosts: each takes one of its threads."""
_seats = threading.BoundedSemaphore(SEATS)
_TROUBLES = {
    Trouble.UNREACHABLE: gettext_lazy("unreachable"),
    Trouble.FORBIDDEN_ADDRESS: gettext_lazy("forbidden address"),
    Trouble.BAD_REDIRECT: gettext_lazy("bad redirect"),
    Trouble.EXPIRED: gettext_lazy("expired"),
    Trouble.SERVER_ERROR: gettext_lazy("server error"),
    Trouble.TOO_LARGE: gettext_lazy("too large"),
    Trouble.TOO_SLOW: gettext_lazy("too slow"),
    Trouble.BAD_ENCODING: gettext_lazy("bad encoding"),
    Trouble.TRUNCATED: gettext_lazy("cut off"),
    Trouble.EMPTY: gettext_lazy("empty"),
    Trouble.BAD_STATUS: gettext_lazy("bad status"),
}


def resolve(*, principal: Principal, project: Project, wanted: tuple[str, ...]) -> list[Asset]:
    """Each reference as an asset, in order. Raises Invalid naming the one that is wrong, TooManyWaiting."""
    if not any(map(_is_address, wanted)):
        return _each(principal, project, wanted)
    if not _seats.acquire(blocking=False):
        raise TooManyWaiting(
            _("Too many references are being fetched; try again in a moment, or upload them first."),
            retry_after=15,
        )
    try:
        return _each(principal, project, wanted)
    finally:
        _seats.release()


def _each(principal: Principal, project: Project, wanted: tuple[str, ...]) -> list[Asset]:
    found = []
    end = time.monotonic() + TOGETHER
    for position, text in enumerate(wanted, start=1):
        try:
            found.append(_resolve(principal, project, text, end))
        except Refusal as refusal:
            sentence = _("number %(position)s: %(message)s") % {
                "position": position,
                "message": refusal.message,
            }
            raise Invalid(f"references, {sentence}", fields={"references": [sentence]}) from None
    return found


def _is_address(text: str) -> bool:
    return not text.startswith(("asset:", "data:"))


def _resolve(principal: Principal, project: Project, text: str, end: float) -> Asset:
    if text.startswith("asset:"):
        return _in_library(principal, text.removeprefix("asset:"))
    if text.startswith("data:"):
        return _from_data(principal, project, text)
    return _from_web(principal, project, text, end)


def _in_library(principal: Principal, text: str) -> Asset:
    try:
        asset_id = UUID(text)
    except ValueError:
        raise Invalid(_("asset: must be followed by the id of a picture.")) from None
    asset = Asset.objects.visible_to(principal).kept().filter(id=asset_id).first()
    if asset is None:
        raise Invalid(_("there is no such picture."))
    check_size(asset.bytes)
    return asset


def _from_data(principal: Principal, project: Project, text: str) -> Asset:
    head, comma, payload = text.partition(",")
    if not comma or not head.endswith(";base64"):
        raise Invalid(_("a data URI must be data:image/…;base64,…."))
    try:
        data = base64.b64decode(payload, validate=True)
    except binascii.Error:
        raise Invalid(_("the data URI is not valid base64.")) from None
    check_size(len(data))
    return uploads.upload(principal=principal, project_id=project.id, chunks=[data], name="reference")


def _from_web(principal: Principal, project: Project, url: str, end: float) -> Asset:
    """``end`` is when all references of the request must be there, by the monotonic clock."""
    rows.give_back()  # while a stranger's host takes its time
    patience = max(0.1, min(PATIENCE, end - time.monotonic()))
    with keeping.scratch() as folder:
        path = folder / "reference"
        try:
            fetched = fetch_public(url, path, max_bytes=MOST_BYTES, deadline=patience)
        except DownloadError as error:
            raise Invalid(
                _("the address could not be read (%(why)s).") % {"why": str(_TROUBLES[error.reason])}
            ) from None
        return uploads.keep(
            project=project, user=principal.user, path=path, sha256=fetched.sha256, name="reference"
        )


def check_size(size: int) -> None:
    """Raise Invalid for a picture of more bytes than a reference may have."""
    if size > MOST_BYTES:
        raise Invalid(_("a reference may be at most 10 MB; use a smaller picture."))
