"""Links that show one picture, and nothing but the picture, to somebody without a sign-in.

A link lives until its time is over, it is revoked, its picture is put in the trash, or whoever
made it is no member of the picture's project any more. Every opening of its page is a view.
"""

from __future__ import annotations

import base64
import binascii
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.core import signing
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from accounts.actions import audit, project_where
from accounts.errors import Conflict, NotFound, Refusal, wrong
from accounts.models import Role
from accounts.principal import Principal
from accounts.throttling import counted
from generations.actions import assets
from generations.models import Asset, ShareLink
from generations.models.sharing import ShareLinkQuerySet

LIVES: dict[str, timedelta | None] = {
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "never": None,
}
SHORTEST_PASSWORD, LONGEST_PASSWORD = 6, 128
MOST = 100
"""Open links of one picture."""
TRIES = 10
"""Passwords that may be tried in each minute of the clock at one link, by whomever."""
PASS_SECONDS = 12 * 3600
"""How long somebody who knew the password need not say it again."""

_LINK = signing.Signer(sep=".", salt="share link")
_PASS = signing.TimestampSigner(sep=".", salt="share pass")


class TooManyTries(Refusal):
    """The password was tried too often in this minute."""

    code = "too_many_tries"


def of(principal: Principal, asset_id: UUID) -> ShareLinkQuerySet:
    """A picture's links, the dead ones too, newest first; editors see them. Raises NotFound, NotAllowed."""
    asset = assets.visible(principal, asset_id)
    project_where(principal=principal, project_id=asset.project_id, role=Role.EDITOR)
    links = ShareLink.objects.visible_to(principal).filter(asset=asset)
    return links.select_related("user", "asset").order_by("-id")


def visible(principal: Principal, link_id: UUID) -> ShareLink:
    """Raises NotFound, and NotAllowed for viewers."""
    found = ShareLink.objects.visible_to(principal).filter(id=link_id)
    link = found.select_related("user", "asset").first()
    if link is None:
        raise NotFound(_("There is no such link."), code="share_not_found")
    project_where(principal=principal, project_id=link.asset.project_id, role=Role.EDITOR)
    return link


@transaction.atomic
def share(
    *,
    principal: Principal,
    asset_id: UUID,
    expires_in: str = "7d",
    password: str = "",
    may_download: bool = False,
) -> ShareLink:
    """A new link; ``expires_in`` is one of LIVES. Raises Invalid, NotFound, NotAllowed, Conflict."""
    asset = assets.kept(principal, asset_id)
    project_where(principal=principal, project_id=asset.project_id, role=Role.EDITOR)
    if expires_in not in LIVES:
        raise wrong("expires_in", _("must be one of %(known)s.") % {"known": ", ".join(LIVES)})
    if password and not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        sentence = _("must have %(least)s to %(most)s characters, or be left out.") % {
            "least": SHORTEST_PASSWORD,
            "most": LONGEST_PASSWORD,
        }
        raise wrong("password", sentence)
    Asset.objects.select_for_update(no_key=True).get(id=asset.id)  # two who share at once come one by one
    if ShareLink.objects.open().filter(asset=asset).count() >= MOST:
        raise Conflict(_("This picture has %(most)s open links already; revoke one first.") % {"most": MOST})
    life = LIVES[expires_in]
    link = ShareLink.objects.create(
        asset=asset,
        user=principal.user,
        password=make_password(password) if password else "",
        may_download=may_download,
        expires_at=timezone.now() + life if life else None,
    )
    said = {"link": str(link.id), "expires_in": expires_in, "may_download": may_download}
    audit(principal.user, "share_asset", asset.id, asset.project_id, **said, password=bool(password))
    return visible(principal, link.id)


@transaction.atomic
def revoke(*, principal: Principal, link_id: UUID) -> ShareLink:
    """The link is dead from now on. Twice changes nothing. Raises NotFound, NotAllowed."""
    link = visible(principal, link_id)
    if ShareLink.objects.filter(id=link.id, revoked_at=None).update(revoked_at=Now()):
        audit(principal.user, "revoke_share", link.asset_id, link.asset.project_id, link=str(link.id))
        link.refresh_from_db(fields=["revoked_at"])
    return link


def address(link: ShareLink) -> str:
    """Where the link leads; absolute, the same for ever."""
    said = base64.urlsafe_b64encode(link.id.bytes).rstrip(b"=").decode()
    return f"{settings.PUBLIC_URL}/s/{_LINK.sign(said)}"


def follow(token: str) -> ShareLink | None:
    """The open link at this address; None for any other, without telling why."""
    try:
        said = _LINK.unsign(token)
        link_id = UUID(bytes=base64.urlsafe_b64decode(f"{said}=="))
    except (signing.BadSignature, binascii.Error, ValueError):
        return None
    return ShareLink.objects.open().filter(id=link_id).select_related("asset").first()


def enter(link: ShareLink, password: str) -> str | None:
    """A pass for whoever knows the password, None for whoever does not. Raises TooManyTries."""
    known = counted(link, "tries", "tried_minute")
    if known and known[0] > TRIES:
        raise TooManyTries(_("Too many tries; wait a minute and try again."), retry_after=known[1])
    if len(password) > LONGEST_PASSWORD or not check_password(password, link.password):
        return None
    return _PASS.sign(_passing(link))


def admitted(link: ShareLink, given: str) -> bool:
    """Whether somebody with this pass, or with none, may see the picture."""
    if not link.password:
        return True
    try:
        return _PASS.unsign(given, max_age=PASS_SECONDS) == _passing(link)
    except signing.BadSignature:
        return False


def count_view(link: ShareLink) -> None:
    ShareLink.objects.filter(id=link.id).update(views=F("views") + 1)


def _passing(link: ShareLink) -> str:
    """What a pass says: this link, with this password."""
    return f"{link.id}-{salted_hmac('share pass', link.password).hexdigest()[:16]}"
