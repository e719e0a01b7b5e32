"""Bringing promised pictures home before their links die: fetch, keep the original, tell media."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import logging
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from django.utils import timezone
from uuid6 import uuid7

from generations.engine import keeping, killing, pace, planning
from generations.engine.claiming import Claim
from generations.engine.conclude import conclude, finish_submission, lock
from generations.engine.hearing import Heard, Kept
from generations.engine.persistence import in_transaction
from generations.engine.recording import record
from generations.models import Result, Submission, move_result, notify, original_key
from generations.states import ResultState
from generations.storage import KeyTaken, StorageError
from providers import sealing
from providers.door import DoorError, DownloadError, Fetched, Trouble
from providers.errors import ProviderError, Reason
from providers.values import Done, Running
from providers.values import Result as Promised

if TYPE_CHECKING:
    from generations.engine.net import Net

log = logging.getLogger(__name__)
TRIES = 8
PATIENT_TRIES = 720
"""An hour: as long as a store may be away while its only copy of a picture waits here."""
EXPIRED_TRIES = 6
"""Over about 15 s: a gateway's file host may know a link a little later than its API does."""
_REASONS = {
    Trouble.TOO_LARGE: Reason.TOO_LARGE,
    Trouble.EXPIRED: Reason.EXPIRED,
    Trouble.UNREACHABLE: Reason.EXPIRED,
    Trouble.SERVER_ERROR: Reason.EXPIRED,
    Trouble.TOO_SLOW: Reason.EXPIRED,
}

read_reference = keeping.read_reference


async def fetch(net: Net, claim: Claim) -> None:
    """Download one promised picture and keep its original; the row says so afterwards."""
    result = await net.db(_load, claim)
    if result is None:
        return
    with keeping.scratch() as folder:
        path = folder / "picture"
        try:
            fetched = await _download(net, result, path)
        except DownloadError as error:
            if error.reason is Trouble.EXPIRED and await _refresh(net, result):
                return
            await net.db_surely(_failed, claim, error.reason, str(error))
            return
        await killing.moment_on_loop("after_download")
        key = original_key(result.submission.generation.project_id, result.asset_id, fetched.sha256)
        try:
            await net.db(keeping.keep_original, path, key, fetched.sha256)
        except StorageError as error:
            await net.db_surely(_not_kept, claim, error)
            return
    await killing.moment_on_loop("after_put")
    await net.db_surely(_fetched, claim, key, fetched)


async def _download(net: Net, result: Result, path: Path) -> Fetched:
    account = result.submission.account
    return await net.door.download(result.url, path, allow_origin=account.trusted_origin)


async def keep_inline(net: Net, submission: Submission, promised: Iterable[Promised]) -> dict[str, Kept]:
    """Pictures that came inside the answer, written to storage before the answer is recorded."""
    kept: dict[str, Kept] = {}
    for one in promised:
        data = one.data if one.data is not None else _data_of(one.url)
        if data is not None:
            kept[one.key] = await _keep_surely(net, submission, data)
    return kept


async def _keep_surely(net: Net, submission: Submission, data: bytes) -> Kept:
    """These bytes exist nowhere else: a store that is away is waited for, the lease is kept meanwhile."""
    for attempt in range(PATIENT_TRIES):
        try:
            return await net.db_surely(_keep_bytes, submission, data)
        except StorageError as error:
            log.warning("waiting for the store with a picture in hand: %s", error)
            await asyncio.sleep(min(5.0, 0.2 * 2 ** min(attempt, 5)))
    return await net.db_surely(_keep_bytes, submission, data)


def _data_of(url: str | None) -> bytes | None:
    if not url or not url.startswith("data:"):
        return None
    head, _, payload = url.partition(",")
    try:
        return base64.b64decode(payload) if head.endswith(";base64") else unquote_to_bytes(payload)
    except binascii.Error:
        return None  # no picture; the fetch that follows says so


def _keep_bytes(submission: Submission, data: bytes) -> Kept:
    asset_id, sha256 = uuid7(), hashlib.sha256(data).hexdigest()
    key = original_key(submission.generation.project_id, asset_id, sha256)
    with keeping.scratch() as folder:
        path = folder / "picture"
        path.write_bytes(data)
        keeping.keep_original(path, key, sha256)
    return Kept(asset_id, key, sha256, len(data))


def _load(claim: Claim) -> Result | None:
    return (
        Result.objects.select_related("submission__generation", "submission__account")
        .filter(id=claim.id, fence=claim.fence, state=ResultState.PENDING)
        .first()
    )


def _fetched(claim: Claim, key: str, fetched: Fetched) -> None:
    def work() -> None:
        result = Result.objects.get(id=claim.id)
        if result.state == ResultState.PENDING:
            move_result(
                result,
                ResultState.FETCHED,
                storage_key=key,
                sha256=fetched.sha256,
                bytes=fetched.size,
                due_at=timezone.now(),
            )
            notify(planning.MEDIA_CHANNEL)

    in_transaction(work)


def _failed(claim: Claim, trouble: Trouble, detail: str) -> None:
    """Try again later, or write the picture off: its link is dead, or what is there is no picture."""

    def work() -> None:
        result = Result.objects.select_related("submission").get(id=claim.id)
        if result.state != ResultState.PENDING:
            return
        most = EXPIRED_TRIES if trouble is Trouble.EXPIRED else TRIES
        if (trouble.retryable or trouble is Trouble.EXPIRED) and result.tries + 1 < most:
            again(claim, result.tries, detail)
            return
        lose(result, ResultState.LOST, _REASONS.get(trouble, Reason.BAD_RESULT), detail)

    in_transaction(work)


def _not_kept(claim: Claim, error: StorageError) -> None:
    log.warning("an original could not be kept: %s", error)

    def work() -> None:
        result = Result.objects.select_related("submission").get(id=claim.id)
        if result.state != ResultState.PENDING:
            return
        if isinstance(error, KeyTaken):
            Result.objects.filter(id=result.id).update(asset_id=uuid7())
        if result.tries + 1 >= TRIES * 4:
            lose(result, ResultState.LOST, Reason.STORAGE, str(error))
        else:
            again(claim, result.tries, str(error))

    in_transaction(work)


def again(claim: Claim, tries: int, detail: str) -> None:
    """Come back to a result later, with widening gaps."""
    wait = min(120.0, 0.5 * 2**tries) + pace.backoff(0)
    Result.objects.filter(id=claim.id, fence=claim.fence).update(
        tries=tries + 1,
        detail=detail[:500],
        due_at=timezone.now() + timedelta(seconds=wait),
        lease_until=None,
    )


def lose(result: Result, state: ResultState, reason: Reason, detail: str) -> bool:
    """Write a picture off, and close what waited for it. Takes the generation's lock first."""
    generation = lock(result.submission.generation_id)
    submission = Submission.objects.select_for_update().get(id=result.submission_id)
    if not move_result(result, state, reason=reason.value, detail=detail[:2000]):
        return False
    finish_submission(submission)
    conclude(generation)
    return True


async def _refresh(net: Net, result: Result) -> bool:
    """Ask the provider once for a fresh link. True if it gave one, or could not be asked just now."""
    if result.refreshed:
        return False
    submission = result.submission
    try:
        provider = submission.account.adapter()
    except sealing.Unreadable:
        return False
    exchange = provider.poll(submission.theirs) if submission.theirs else None
    if exchange is None:
        return False
    try:
        answer = await net.door.send(exchange)
        report = exchange.read(answer)
    except (DoorError, ProviderError):
        return False
    links = {one.key: one.url for one in report.results} if isinstance(report, Done | Running) else {}
    if links.get(result.key, result.url) == result.url:
        return False
    await net.db_surely(record, submission.id, Heard(report, answer, who=net.owner), provider.traits)
    await net.db_surely(_fresh_link, result)
    return True


def _fresh_link(result: Result) -> None:
    Result.objects.filter(id=result.id, state=ResultState.PENDING).update(
        refreshed=True, due_at=timezone.now(), lease_until=None
    )
    notify(planning.DUE_CHANNEL)
