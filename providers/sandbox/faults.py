"""The fault menu: everything that can be ordered to go wrong, and the orders themselves.

An order names a fault, and may name a gateway, an operation (see ``OPERATIONS``), a piece of the prompt,
how many matching requests to let pass first (``skip``), how many to spoil (``times``; None is for ever) and
arguments. The oldest matching order is served first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

OPERATIONS = ("submit", "poll", "cancel", "file", "balance", "usage", "upload", "details", "other", "any")


class Stage(StrEnum):
    """Where in the life of a request a fault strikes, and therefore which requests consume it."""

    BEFORE = "before"  # any operation: answered at once (or after=seconds), nothing is done
    AFTER = "after"  # any operation: the work is done (and charged), then the answer is spoiled
    WORK = "work"  # a submit that is accepted: how its work goes, and what is later said about it
    POLL = "poll"  # one question about the state of some work
    FILE = "file"  # one download of a picture


class Fault(StrEnum):
    UNAUTHORIZED = "unauthorized"
    NO_CREDIT = "no_credit"
    FORBIDDEN = "forbidden"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    BAD_GATEWAY = "bad_gateway"
    UNAVAILABLE = "unavailable"
    STATUS = "status"
    RESET_BEFORE = "reset_before"

    STATUS_AFTER = "status_after"
    RESET_AFTER = "reset_after"
    HANG = "hang"
    DRIP = "drip"
    TRUNCATED = "truncated"
    SHORT_BODY = "short_body"
    CLOSED_EARLY = "closed_early"
    LONG_LENGTH = "long_length"
    EMPTY_BODY = "empty_body"
    WRONG_TYPE = "wrong_type"
    HTML = "html"
    EXTRA_FIELDS = "extra_fields"
    NULLS = "nulls"
    DOUBLED = "doubled"

    REFUSED_CONTENT = "refused_content"
    FLAGGED = "flagged"
    FAILS = "fails"
    NEVER_FINISHES = "never_finishes"
    FLAPPING = "flapping"
    FEWER = "fewer"
    MORE = "more"
    NO_PICTURES = "no_pictures"
    ENTRY_ERROR = "entry_error"
    DEAD_LINK = "dead_link"
    LINK_TO = "link_to"
    COST_MISSING = "cost_missing"
    COST_PERCENT = "cost_percent"
    REUSED_ID = "reused_id"
    WEBHOOK_DUPLICATE = "webhook_duplicate"
    WEBHOOK_DISORDER = "webhook_disorder"
    WEBHOOK_EARLY = "webhook_early"
    WEBHOOK_BAD_SIGNATURE = "webhook_bad_signature"
    WEBHOOK_MISSING = "webhook_missing"

    UNKNOWN_STATUS = "unknown_status"

    EXPIRED = "expired"
    FILE_STATUS = "file_status"
    REDIRECT = "redirect"
    HTML_AS_PICTURE = "html_as_picture"
    SVG = "svg"
    PDF = "pdf"
    GIF_HTML = "gif_html"
    PNG_SCRIPT = "png_script"
    JPEG_CUT = "jpeg_cut"
    JPEG_CMYK = "jpeg_cmyk"
    JPEG_AS_PNG = "jpeg_as_png"
    PNG_16BIT = "png_16bit"
    EXIF_ROTATED = "exif_rotated"
    WEBP_ANIMATED = "webp_animated"
    PNG_BOMB = "png_bomb"
    GZIP_BOMB = "gzip_bomb"
    TEN_GIGABYTES = "ten_gigabytes"
    ENDLESS = "endless"


B, A, W, P, F = Stage.BEFORE, Stage.AFTER, Stage.WORK, Stage.POLL, Stage.FILE

MENU: Mapping[Fault, tuple[Stage, str]] = {
    Fault.UNAUTHORIZED: (B, "401 in the gateway's own form"),
    Fault.NO_CREDIT: (B, "402"),
    Fault.FORBIDDEN: (B, "403"),
    Fault.RATE_LIMITED: (
        B,
        "429; retry_after=seconds, as_date=true for an HTTP date, reset=seconds; else no hint",
    ),
    Fault.SERVER_ERROR: (B, "500"),
    Fault.BAD_GATEWAY: (B, "502 with an HTML page"),
    Fault.UNAVAILABLE: (B, "503; retry_after as above"),
    Fault.STATUS: (B, "any status=N; body=text replaces the gateway's own error, type=its content type"),
    Fault.RESET_BEFORE: (B, "the connection is reset, nothing was accepted"),
    Fault.STATUS_AFTER: (
        A,
        "status=N (504), although the work is done and charged; retry_after=seconds",
    ),
    Fault.RESET_AFTER: (A, "the connection is reset, although the work is done and charged"),
    Fault.HANG: (A, "nothing is said for seconds=N (60) after the work is done"),
    Fault.DRIP: (A, "the body comes in drops of bytes=N (1), one every pause=S (0.05) seconds"),
    Fault.TRUNCATED: (A, "percent=N (50) of the body, with a matching Content-Length"),
    Fault.SHORT_BODY: (A, "percent=N (50) of the body, with the Content-Length of the whole"),
    Fault.CLOSED_EARLY: (A, "percent=N (50) of the body, no length, then the connection is closed"),
    Fault.LONG_LENGTH: (A, "the whole body, with a Content-Length of one byte more"),
    Fault.EMPTY_BODY: (A, "the same status, no body"),
    Fault.WRONG_TYPE: (A, "the same body, Content-Type type=T (text/plain)"),
    Fault.HTML: (A, "200 and an HTML page in place of the answer"),
    Fault.EXTRA_FIELDS: (A, "unknown fields at every level of the JSON"),
    Fault.NULLS: (A, "null for every optional field of the JSON"),
    Fault.DOUBLED: (A, "every list of the JSON names its first entry once more at its end"),
    Fault.REFUSED_CONTENT: (
        W,
        "the gateway's content refusal; late=true after acceptance where work can fail",
    ),
    Fault.FLAGGED: (W, "the picture comes, marked as not safe (Runware)"),
    Fault.FAILS: (W, "the gateway itself reports failure; charged=true keeps the charge"),
    Fault.NEVER_FINISHES: (W, "runs for ever (a synchronous call hangs)"),
    Fault.FLAPPING: (W, "once done: done, failed, done, failed, … from poll to poll"),
    Fault.FEWER: (W, "missing=N (1) pictures fewer than asked, and not charged"),
    Fault.MORE: (W, "one picture more than asked, and charged"),
    Fault.NO_PICTURES: (W, "success with an empty list; charged=true charges all the same"),
    Fault.ENTRY_ERROR: (W, "one entry, index=N (0), is an error beside good ones, and not charged"),
    Fault.DEAD_LINK: (
        W,
        "the link of picture index=N (0) answers status=N (404) for ever; asset_alone=true spares asset_url",
    ),
    Fault.LINK_TO: (W, "the link of picture index=N (0) is url=U"),
    Fault.COST_MISSING: (W, "no cost is reported where one is due"),
    Fault.COST_PERCENT: (W, "charged and reported at percent=N of the price"),
    Fault.REUSED_ID: (W, "answers with the id of this key's previous work"),
    Fault.WEBHOOK_DUPLICATE: (W, "each webhook comes copies=N (2) times"),
    Fault.WEBHOOK_DISORDER: (W, "the last webhook comes first"),
    Fault.WEBHOOK_EARLY: (W, "the webhooks come before the answer to the submit"),
    Fault.WEBHOOK_BAD_SIGNATURE: (W, "signed with another secret"),
    Fault.WEBHOOK_MISSING: (W, "never sent"),
    Fault.UNKNOWN_STATUS: (P, "a status word=W nobody knows (REVIEWING)"),
    Fault.EXPIRED: (F, "the gateway's own answer for an expired link"),
    Fault.FILE_STATUS: (F, "status=N (404)"),
    Fault.REDIRECT: (F, "302 to to=URL, or hops=N redirects on this host before the picture"),
    Fault.HTML_AS_PICTURE: (F, "an HTML page that says it is image/png"),
    Fault.SVG: (F, "an SVG with a script"),
    Fault.PDF: (F, "a PDF"),
    Fault.GIF_HTML: (F, "a GIF that is an HTML page too"),
    Fault.PNG_SCRIPT: (F, "a good PNG with a script behind its end"),
    Fault.JPEG_CUT: (F, "a JPEG cut at two thirds, with a matching Content-Length"),
    Fault.JPEG_CMYK: (F, "a JPEG in CMYK"),
    Fault.JPEG_AS_PNG: (F, "a JPEG that says it is image/png"),
    Fault.PNG_16BIT: (F, "a PNG of 16 bits"),
    Fault.EXIF_ROTATED: (F, "a JPEG lying on its side, EXIF orientation 6"),
    Fault.WEBP_ANIMATED: (F, "a WebP of three frames"),
    Fault.PNG_BOMB: (F, "a small PNG of side=N (20000) pixels a side"),
    Fault.GZIP_BOMB: (F, "200 MB of zeros as a small gzip-encoded body"),
    Fault.TEN_GIGABYTES: (F, "Content-Length: 10 GB"),
    Fault.ENDLESS: (F, "a body without length or end"),
}

_CONSUMED_BY = {W: "submit", P: "poll", F: "file"}


@dataclass
class Order:
    """One thing ordered to go wrong."""

    fault: Fault
    gateway: str | None = None
    operation: str = "submit"
    prompt_contains: str = ""
    times: int | None = 1
    skip: int = 0
    args: Mapping[str, Any] = field(default_factory=dict)

    @property
    def stage(self) -> Stage:
        return MENU[self.fault][0]

    def whole(self, name: str, default: int) -> int:
        return int(self.args.get(name, default))

    def seconds(self, name: str, default: float) -> float:
        return float(self.args.get(name, default))

    def text(self, name: str, default: str = "") -> str:
        return str(self.args.get(name, default))

    def hits(self, gateway: str, operation: str, prompt: str) -> bool:
        return (
            self.gateway in (None, gateway)
            and self.operation in ("any", operation)
            and self.prompt_contains in prompt
        )


def order(document: Mapping[str, Any]) -> Order:
    """Read an order as the control endpoint takes it. Raises ValueError with a sentence."""
    match = document.get("match") or {}
    try:
        fault = Fault(document.get("fault", ""))
    except ValueError:
        raise ValueError(
            f"There is no fault {document.get('fault')!r}; GET /faults lists the menu."
        ) from None
    natural = _CONSUMED_BY.get(MENU[fault][0])
    operation = match.get("operation") or natural or "submit"
    if operation not in OPERATIONS:
        raise ValueError(f"There is no operation {operation!r}.")
    if natural and operation != natural:
        raise ValueError(f"{fault} is for operation {natural!r}, not {operation!r}.")
    return Order(
        fault=fault,
        gateway=document.get("gateway"),
        operation=operation,
        prompt_contains=match.get("prompt_contains") or "",
        times=document.get("times", 1),
        skip=document.get("skip", 0),
        args=document.get("args") or {},
    )


class Orders:
    """The orders not yet used up, oldest first."""

    def __init__(self) -> None:
        self.standing: list[Order] = []

    def take(self, stages: tuple[Stage, ...], gateway: str, operation: str, prompt: str) -> Order | None:
        """The first order that strikes here, used up by one; an order still skipping lets this one pass."""
        for standing in self._hitting(stages, gateway, operation, prompt):
            if standing.skip:
                standing.skip -= 1
                continue
            self._use(standing)
            return standing
        return None

    def take_all(self, stage: Stage, gateway: str, operation: str, prompt: str) -> dict[Fault, Order]:
        """At most one order of each kind: several may strike the same work."""
        taken: dict[Fault, Order] = {}
        for standing in self._hitting((stage,), gateway, operation, prompt):
            if standing.fault in taken:
                continue
            if standing.skip:
                standing.skip -= 1
                continue
            self._use(standing)
            taken[standing.fault] = standing
        return taken

    def _hitting(self, stages: tuple[Stage, ...], gateway: str, operation: str, prompt: str) -> list[Order]:
        return [one for one in self.standing if one.stage in stages and one.hits(gateway, operation, prompt)]

    def _use(self, standing: Order) -> None:
        if standing.times is None:
            return
        standing.times -= 1
        if standing.times <= 0:
            self.standing.remove(standing)
