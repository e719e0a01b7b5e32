"""Bringing promised pictures home before their links die: fetch, keep the original, tell media."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models.functions import Now
from uuid6 import uuid7

from accounts import rows
from generations.engine import clock, exchanging, keeping, killing, pace, planning, reading
from generations.engine.claiming import Claim
from generations.engine.conclude import conclude, finish_submission
from generations.engine.hearing import Heard
from generations.engine.inline import SPOILED
from generations.engine.persistence import in_transaction
from generations.engine.recording import record
from generations.models import Result, Submission, move_result, notify, original_key
from generations.states import ResultState
from generations.storage import Corrupt, KeyTaken, StorageError
from providers.door import DownloadError, Fetched, Trouble
from providers.errors import ProviderError, Reason, Unusable
from providers.values import Done, Promised, Running

if TYPE_CHECKING:
    from generations.engine.net import Net

log = logging.getLogger(__name__)
TRIES = 8
DECODES = 5
"""How often a picture is decoded, fetched anew if need be, before it is called unusable."""
KEEP_TRYING = timedelta(hours=24)
"""At the least, however short a gateway's links are said to live."""
ODD_TRIES = 5
EXPIRED_TRIES = 15
"""Over about 14 min: a file host may know a link later than the API does, or be at odds with itself."""
MOST_RENEWALS = 8
"""How often a fresh link that is dead again is asked for anew, with widening gaps."""
_REASONS = {
    Trouble.TOO_LARGE: Reason.TOO_LARGE,
    Trouble.EXPIRED: Reason.EXPIRED,
    Trouble.UNREACHABLE: Reason.EXPIRED,
    Trouble.SERVER_ERROR: Reason.EXPIRED,
    Trouble.TOO_SLOW: Reason.EXPIRED,
}

_ODD = {Trouble.TOO_LARGE, Trouble.BAD_ENCODING, Trouble.BAD_STATUS}
"""What a file host may say once and never again: it says nothing of the picture, which is paid for."""
_ON_THE_WAY = {Trouble.UNREACHABLE, Trouble.SERVER_ERROR, Trouble.TOO_SLOW}
"""Trouble that says nothing about the picture: it is asked for as long as its link may live."""
_GONE = {Reason.NOT_FOUND, Reason.EXPIRED}


async def fetch(net: Net, claim: Claim, claimed: Awaitable[dict[UUID, Result]]) -> None:
    """Download one promised picture and keep its original; the row says so afterwards.

    ``claimed`` are the rows of all that were claimed together.
    """
    result = (await claimed).get(claim.id)
    if result is None or result.state != ResultState.PENDING:
        return
    if result.decodes == DECODES - 1 and await _refresh(net, claim, result):
        return
    try:
        with keeping.scratch() as folder:
            path = folder / "picture"
            fetched = await _download(net, result, path)
            await killing.moment_on_loop("after_download")
            key = original_key(result.submission.generation.project_id, result.asset_id, fetched.sha256)
            await net.store(keeping.keep_original, path, key, fetched.sha256)
    except DownloadError as error:
        dead = error.reason is Trouble.EXPIRED or await net.db_surely(_hopeless, result, error.reason)
        if not dead or not await _refresh(net, claim, result):
            await net.db_surely(_failed, claim, error.reason, str(error))
        return
    except (StorageError, OSError) as error:
        await net.db_surely(_not_kept, claim, error)
        return
    await killing.moment_on_loop("after_put")
    await net.db_surely(_fetched, result, key, fetched)


async def _download(net: Net, result: Result, path: Path) -> Fetched:
    account = result.submission.account
    return await net.door.download(result.url, path, allow_origin=account.trusted_origin)


def _fetched(result: Result, key: str, fetched: Fetched) -> None:
    """One statement; somebody else may have been first, or have written it off, and then nothing changes."""
    move_result(
        result,
        ResultState.FETCHED,
        wake=planning.MEDIA_CHANNEL,
        storage_key=key,
        sha256=fetched.sha256,
        bytes=fetched.size,
        due_at=Now(),
    )


def _failed(claim: Claim, trouble: Trouble, detail: str) -> None:
    """Try again later, or write the picture off: its link is dead, or what is there is no picture."""

    def work() -> None:
        result = Result.objects.select_related("submission__account").get(id=claim.id)
        if result.state != ResultState.PENDING:
            return
        if _hopeless(result, trouble):
            lose(result, ResultState.LOST, _REASONS.get(trouble, Reason.BAD_RESULT), detail)
        elif trouble in _ON_THE_WAY and _link_may_live(result):
            later(claim, detail)
        else:
            again(claim, result.tries, detail)

    in_transaction(work)


def _hopeless(result: Result, trouble: Trouble) -> bool:
    """Whether this link is given up, now that it has failed once more."""
    if trouble in _ON_THE_WAY and _link_may_live(result):
        return False
    if trouble in _ODD:
        return result.tries + 1 >= ODD_TRIES
    most = EXPIRED_TRIES if trouble is Trouble.EXPIRED else TRIES
    return not (trouble.retryable or trouble is Trouble.EXPIRED) or result.tries + 1 >= most


def _not_kept(claim: Claim, error: StorageError | OSError) -> None:
    """The store is away or the disk full: come back until the link is dead."""
    log.warning("an original could not be kept: %s", error)

    def work() -> None:
        result = Result.objects.select_related("submission").get(id=claim.id)
        if result.state != ResultState.PENDING:
            return
        if isinstance(error, KeyTaken):
            Result.objects.filter(id=result.id, state=ResultState.PENDING).update(asset_id=uuid7())
        if not isinstance(error, Corrupt | KeyTaken):
            later(claim, str(error))
        elif result.tries + 1 >= SPOILED:
            lose(result, ResultState.LOST, Reason.STORAGE, str(error))
        else:
            again(claim, result.tries, str(error))

    in_transaction(work)


def again(claim: Claim, tries: int, detail: str) -> None:
    """Come back to a result later, with widening gaps."""
    wait = min(120.0, 0.5 * 2 ** min(tries, 10)) + pace.backoff(0)
    Result.objects.filter(id=claim.id, fence=claim.fence).update(
        tries=tries + 1,
        detail=detail[:500],
        due_at=clock.now() + timedelta(seconds=wait),
        lease_until=None,
    )


_LATER = """
UPDATE generations_result SET detail = %(detail)s, lease_until = NULL, due_at = statement_timestamp()
  + %(least)s + least(greatest(statement_timestamp() - created_at, interval '0') / 4, interval '2 minutes')
WHERE id = %(id)s AND fence = %(fence)s RETURNING id
"""


def later(claim: Claim, detail: str) -> None:
    """Come back, with gaps that widen with its age, to a result that is not to blame: no try is counted."""
    least = timedelta(seconds=0.5 + pace.backoff(0))
    rows.planned(_LATER, {"detail": detail[:500], "least": least, "id": claim.id, "fence": claim.fence})


def _link_may_live(result: Result) -> bool:
    try:
        life = timedelta(seconds=result.submission.account.traits.link_life)
    except Unusable:
        life = KEEP_TRYING
    return clock.now() - result.created_at < max(KEEP_TRYING, life)


def lose(result: Result, state: ResultState, reason: Reason, detail: str) -> bool:
    """Write a picture off, and close what waited for it. Takes the generation's lock first."""
    generation = reading.lock_generation(result.submission.generation_id)
    submission = Submission.objects.select_for_update().get(id=result.submission_id)
    if not move_result(result, state, url="", reason=reason.value, detail=detail[:2000]):
        return False
    finish_submission(submission)
    conclude(generation)
    return True


async def _refresh(net: Net, claim: Claim, result: Result) -> bool:
    """Ask the provider for a fresh link. True if it gave one, or could not be asked just now."""
    if result.renewals >= MOST_RENEWALS or not result.submission.theirs:
        return False
    async with net.questions.about(result.submission_id):
        # Another picture of the same answer may have brought it: all that are dead need one question.
        return await net.db_surely(_fresh_link, result) or await _renew(net, claim, result)


async def _renew(net: Net, claim: Claim, result: Result) -> bool:
    submission = result.submission
    assert submission.theirs
    try:
        gateway = submission.account.adapter()
        exchange = gateway.poll(submission.theirs)
        if exchange is None:
            return False
        await net.questions.wait(submission.id, gateway.traits.pace[0])
        if await net.db(in_transaction, partial(pace.wait_to_ask, submission.account)):
            await net.db_surely(later, claim, "its gateway is asked for a fresh link in a moment")
            return True
        answer, report = await exchanging.ask(net, submission, exchange)
        if isinstance(report, ProviderError):
            raise report
    except (ProviderError, Unusable) as error:
        gone = isinstance(error, ProviderError) and error.reason in _GONE
        if gone or not await net.db(_link_may_live, result):
            return False
        await net.db_surely(later, claim, f"no fresh link could be asked for: {error}")
        return True
    if not isinstance(report, Done | Running):
        return False
    report = replace(report, results=tuple(_elsewhere(one, result) for one in report.results))
    kept = await exchanging.keep_inline(net, submission, report)
    await net.db_surely(record, submission.id, Heard(report, answer, kept, who=net.owner), gateway.traits)
    fresh = await net.db_surely(_fresh_link, result)
    if not fresh and isinstance(report, Running) and await net.db(_link_may_live, result):
        await net.db_surely(later, claim, "nothing new about it so far")  # or it was asked too soon: 304
        return True
    return fresh


def _elsewhere(told: Promised, result: Result) -> Promised:
    """News of a picture whose link is dead: if it names the same link, then with the other address."""
    return replace(told, url=told.spare) if told.url == result.url and told.spare else told


def _fresh_link(result: Result) -> bool:
    """Fetch it by its fresh link; False if it has none."""
    changed = Result.objects.filter(id=result.id, state=ResultState.PENDING).exclude(url=result.url)
    wait = timedelta(seconds=2**result.renewals - 1)
    fresh = changed.update(renewals=result.renewals + 1, tries=0, due_at=clock.now() + wait, lease_until=None)
    notify(planning.DUE_CHANNEL)
    return bool(fresh)
