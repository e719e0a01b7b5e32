"""How values look on a page: money, moments, icons, pictures."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.money import dollars
from generations.imaging import SIZES
from generations.models import Asset, failure
from generations.models.ranking import Standing
from generations.states import GenerationStatus, ResultState, SubmissionState
from generations.web.details import provider_name
from generations.web.framing import frame_of
from generations.web.purse import room
from providers.errors import Reason

register = template.Library()

_STEPS = (
    (timedelta(minutes=1), timedelta(hours=1)),
    (timedelta(hours=1), timedelta(days=1)),
    (timedelta(days=1), timedelta(days=14)),
)
_STATES = {
    name: label
    for course in (ResultState, SubmissionState, GenerationStatus)
    for name, label in zip(course.values, course.labels, strict=True)
}


@register.filter
def usd(micros: int | None) -> str:
    """Micro-dollars as people read them: ``$0.035``."""
    if micros is None:
        return "–"
    return f"−${dollars(-micros)}" if micros < 0 else f"${dollars(micros)}"


@register.filter
def seconds(value: float) -> str:
    """``12 s`` or ``2 min``."""
    if value < 90:
        return _("%(n)d s") % {"n": max(1, round(value))}
    return _("%(n)d min") % {"n": round(value / 60)}


register.filter("provider_name", provider_name)
register.simple_tag(room)


@register.filter
def state(name: str) -> str:
    """``storing``, of a generation, a call or a picture, in words."""
    return str(_STATES.get(name, name))


@register.filter
def because(why: str) -> str:
    """Why a step was taken: a reason's sentence; else the engine's note, or what the gateway said."""
    return failure(why) if why in set(Reason) else noted(why)


@register.filter
def noted(note: str) -> str:
    """The engine's note to staff in the reader's language; a gateway's own words as they came."""
    return _(note) if note else ""


@register.simple_tag
def icon(name: str) -> SafeString:
    """A drawing from the sprite; what it means is said in text beside it."""
    return format_html(
        '<svg class="icon" width="20" height="20" aria-hidden="true"><use href="{}#{}"></use></svg>',
        static("icons.svg"),
        name,
    )


@register.simple_tag
def when(moment: datetime | None) -> SafeString | str:
    """``2 min ago``, with the exact moment on hover; a script keeps it true."""
    if moment is None:
        return "–"
    exact = moment.astimezone(timezone.get_current_timezone())
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        exact.isoformat(),
        f"{date_format(exact, 'DATE_FORMAT')}, {exact:%H:%M:%S %Z}",
        _ago(moment),
    )


@register.simple_tag
def clock(moment: datetime, since: datetime | None = None) -> SafeString:
    """``09:41:07 (+4.2 s)``: by the server's clock, with the date on hover, and what passed ``since``."""
    exact = moment.astimezone(timezone.get_current_timezone())
    seconds_passed = max(0.0, (moment - since).total_seconds()) if since else 0.0
    passed = _(" (+%(n)s s)") % {"n": f"{seconds_passed:.1f}"} if since else ""
    title = f"{date_format(exact, 'DATE_FORMAT')}, {exact:%H:%M:%S %Z}"
    return format_html('<span title="{}">{}{}</span>', title, f"{exact:%H:%M:%S}", passed)


@register.filter
def left(moment: datetime) -> str:
    """``7 days`` until then, or a little more: what was given seven days just now has not lost one."""
    span = moment - timezone.now()
    if (days := (span + timedelta(hours=1)) // timedelta(days=1)) > 1:
        return _("%(n)d days") % {"n": days}
    if (hours := (span + timedelta(minutes=2)) // timedelta(hours=1)) > 1:
        return _("%(n)d hours") % {"n": hours}
    return _("%(n)d min") % {"n": max(1, (span + timedelta(seconds=30)) // timedelta(minutes=1))}


def _ago(moment: datetime) -> str:
    age = timezone.now() - moment
    if age < _STEPS[0][0]:
        return _("just now")
    if age < _STEPS[0][1]:
        return _("%(n)d min ago") % {"n": age // _STEPS[0][0]}
    if age < _STEPS[1][1]:
        return _("%(n)d h ago") % {"n": age // _STEPS[1][0]}
    if age < _STEPS[2][1]:
        days = age // _STEPS[2][0]
        return ngettext("%(n)d day ago", "%(n)d days ago", days) % {"n": days}
    return date_format(moment, "DATE_FORMAT")


@register.simple_tag
def thumbnail(asset: Asset, sizes: str = "340px", *, first: bool = False) -> SafeString:
    """A picture in a grid: right size before its bytes arrive, the smallest bytes that are sharp."""
    address = f"/api/v1/assets/{asset.id}/thumbnail?size="
    longer = max(asset.width, asset.height)
    widths = [(size, max(1, round(asset.width * min(1, size / longer)))) for size in sorted(SIZES)]
    return format_html(
        '<img src="{}" srcset="{}" sizes="{}" width="{}" height="{}" alt="{}" decoding="async"{}>',
        f"{address}512",
        format_html_join(", ", "{}{} {}w", ((address, size, width) for size, width in widths)),
        sizes,
        asset.width,
        asset.height,
        described(asset),
        format_html(' fetchpriority="{}"', "high") if first else format_html(' loading="{}"', "lazy"),
    )


@register.filter
def described(asset: Asset) -> str:
    """What a picture shows, as far as anybody has said."""
    said = (asset.prompt or asset.name or _("Picture")).replace("\n", " ")
    return said if len(said) <= 140 else f"{said[:139]}…"


@register.filter
def thumbhash(asset: Asset) -> str:
    """The blurred stand-in, for the script that paints it."""
    return base64.b64encode(bytes(asset.thumbhash)).decode()


@register.simple_tag
def aspect_shape(aspect: str) -> SafeString:
    """An aspect ratio as a small shape, 20 pixels on its longer side."""
    width, height = frame_of({"aspect_ratio": aspect})
    scale = 18 / max(width, height)
    wide, high = width * scale, height * scale
    return format_html(
        '<svg class="shape" width="20" height="20" viewBox="0 0 20 20" aria-hidden="true">'
        '<rect x="{}" y="{}" width="{}" height="{}" rx="2"/></svg>',
        *(round(value, 1) for value in ((20 - wide) / 2, (20 - high) / 2, wide, high)),
    )


@register.simple_tag
def share(value: float) -> str:
    """A share of 1 as ``62 %``."""
    return f"{value * 100:.0f} %"


@register.simple_tag
def spread(standing: Standing) -> SafeString:
    """A standing's likely range as a bar from 0 to 1, with its share as a mark; said in words beside it."""
    low, share_, high = (100 * (value or 0) for value in (standing.low, standing.share, standing.high))
    return format_html(
        '<svg class="spread" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="ground" width="100" height="8"/><rect class="range" x="{}" width="{}" height="8"/>'
        '<rect class="mark" x="{}" width="1" height="8"/></svg>',
        round(low, 1),
        round(high - low, 1),
        round(share_ - 0.5, 1),
    )
