"""One step for one submission: send it, poll it, look it up, or give it up."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Awaitable
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from django.utils.translation import gettext_noop

from generations import imaging
from generations.engine import clock, exchanging, killing, recording, refusing, sending, written
from generations.engine.claiming import Claim
from generations.engine.hearing import Heard
from generations.engine.sending import Step
from generations.models import Submission
from generations.states import OVER, SubmissionState
from generations.storage import StorageError
from providers.errors import Reason
from providers.provider import Provider
from providers.values import Accepted, Done, Exchange, Failed, Reference, Report, Running

if TYPE_CHECKING:
    from generations.engine.net import Net

log = logging.getLogger(__name__)
_S = SubmissionState
References = tuple[Reference, ...] | Exception
"""The pictures that a submission builds on, or why they cannot be read."""


async def advance(net: Net, claim: Claim, claimed: Awaitable[dict[UUID, Submission]]) -> None:
    """Do the next thing that a due submission needs. ``claimed``: the rows of all claimed together."""
    submission = (await claimed).get(claim.id)
    if submission is None or submission.state in OVER:
        return
    references = await _references(net, submission)
    step = await net.db(_next_step, submission, references, claim)
    if step is not None:
        await _carry_out(net, step)


async def _references(net: Net, submission: Submission) -> References:
    """The pictures it builds on, if it may be sent, read beside everything else; or why they cannot be."""
    if submission.state == _S.RUNNING or not submission.generation.reference_uses.all():
        return ()
    try:
        return await net.store(sending.references_of, submission)
    except (StorageError, OSError, imaging.Rejected, imaging.Crashed) as error:
        log.warning("submission %s: a picture that it builds on cannot be read: %s", submission.id, error)
        return error


def _next_step(submission: Submission, references: References, claim: Claim) -> Step | None:
    provider = sending.adapter_of(submission)
    if submission.state == _S.SENDING:
        sending.lose_lease(submission, gettext_noop("its worker died while it was on the wire"))
        submission.state = _S.UNKNOWN
    if provider is None:
        _account_is_shut(submission, claim)
        return None
    if submission.state == _S.PLANNED:
        followed = written.follow_instead(submission, provider)
        return None if followed else _first_post(submission, provider, references, claim)
    if submission.written:
        written.follow_earlier_posts(submission, provider)
    if sending.gone_missing(submission) and (end := written.told_end(submission, provider)):
        recording.record(submission.id, Heard(end, who="webhook"), provider.traits)
        return None
    if submission.state == _S.RUNNING:
        return _poll(submission, provider, claim)
    return _look_up(submission, provider, references, claim)


def _account_is_shut(submission: Submission, claim: Claim) -> None:
    """Nothing can be sent or asked through the account until somebody repairs it."""
    if submission.state == _S.PLANNED:
        if refusing.refuse_unsent(submission, Reason.NOT_OFFERED):
            return
    elif sending.shut_for_good(submission):
        sending.abandon(submission, Reason.LOST, gettext_noop("the account could not be used"))
        return
    sending.rest(submission.id, claim.fence, 60)


def _first_post(
    submission: Submission, provider: Provider, references: References, claim: Claim
) -> Step | None:
    if isinstance(references, Exception):
        gone = isinstance(references, FileNotFoundError | imaging.Rejected)
        if gone or clock.now() > submission.generation.deadline_at:
            refusing.refuse_unsent(submission, Reason.REFERENCE, why=str(references), elsewhere=False)
        else:
            sending.rest(submission.id, claim.fence, 5.0)
        return None
    exchange = _post(submission, provider, references)
    if not sending.begin(submission, claim.fence, _fingerprint(exchange)):
        return None
    return Step(submission, provider, exchange, paid=True)


def _post(submission: Submission, provider: Provider, references: tuple[Reference, ...]) -> Exchange[Report]:
    """The paid request; built before its intent is committed, so that a flaw in it costs nothing."""
    request = sending.request_of(submission, references, provider.traits)
    return exchanging.bounded(provider.submit(request, submission.ours), submission)


def _fingerprint(exchange: Exchange[Report]) -> str:
    """SHA-256 of what is sent: method, address, key and body.

    A repeat is only safe if this is unchanged: after a change of account or adapter version it would be
    a different request.
    """
    secrets = exchanging.secrets_in(exchange)
    words = f"{exchange.method} {exchange.url}\n{secrets}\n".encode() + (exchange.body or b"")
    return hashlib.sha256(words).hexdigest()


def _poll(submission: Submission, provider: Provider, claim: Claim) -> Step | None:
    traits = provider.traits
    if sending.gone_missing(submission):
        sending.abandon(submission, Reason.LOST, gettext_noop("the gateway does not know it any more"))
        return None
    theirs = submission.theirs or str(submission.ours)
    stop = provider.cancel(theirs)
    if submission.polls and sending.overdue(submission, traits):
        if _give_up(submission, provider, Reason.TIMED_OUT, gettext_noop("it did not end in time")):
            return None
        # The last word: the gateway need not go on. If it has ended by now, its pictures come late.
        return Step(submission, provider, stop, last=True) if stop else None
    # Some gateways only know "no" to a cancel that comes too late, so every other question is a plain one.
    wanted = submission.generation.cancel_requested_at is None or submission.polls % 2
    exchange = provider.poll(theirs) if wanted or stop is None else stop
    if exchange is None:
        sending.rest(submission.id, claim.fence, 60)
        return None
    if not sending.may_ask(submission, claim.fence):
        return None
    sending.read_hints(submission, traits)
    return Step(submission, provider, exchange)


def _look_up(submission: Submission, provider: Provider, references: References, claim: Claim) -> Step | None:
    """Unknown: by what they told us, by our id, by sending the same bytes again, or not at all."""
    theirs = submission.theirs or written.told_id(submission, provider)
    asked, hopeless = submission.polls, sending.hopeless(submission, provider.traits)
    if theirs and asked and hopeless:
        _give_up(submission, provider, Reason.LOST, _NOBODY_CAN_TELL)
        return None
    if theirs and (exchange := provider.poll(theirs)) is not None and not sending.gone_missing(submission):
        return Step(_with_theirs(submission, theirs), provider, exchange)
    find = provider.find(submission.ours)
    # A gateway may take a moment to know what it accepted: ask first, then send the same again.
    if find is not None and (asked < 2 or asked % 2):
        return Step(submission, provider, find)
    # Once the generation has ended, nobody wants it.
    keeps = provider.traits.keeps_our_key and not submission.generation.ended
    if keeps and not isinstance(references, Exception):
        post = _post(submission, provider, references)
        same = submission.sent_as in {"", _fingerprint(post)}
        if same and sending.may_send_again(submission, provider, post.timeout):
            if sending.begin_again(submission, claim.fence):
                return Step(submission, provider, post, paid=True)
            # Wait for a last try; but where nobody gets through, each would wait for the others'.
            in_vain = sending.hopeless(submission, provider.traits, grace=sending.LOOKUP_GRACE)
            if not hopeless or (submission.account.enabled and not in_vain):
                return None
    if hopeless:
        _give_up(submission, provider, Reason.LOST, _NOBODY_CAN_TELL)
        return None
    if find is not None:
        return Step(submission, provider, find)
    sending.rest(submission.id, claim.fence, 5.0)
    return None


_NOBODY_CAN_TELL = gettext_noop("nobody can tell what became of it")


def _give_up(submission: Submission, provider: Provider, reason: Reason, why: str) -> bool:
    """Stop asking; True if the provider had written of the end, which then counts as its answer."""
    end = written.told_end(submission, provider)
    if end is None:
        sending.abandon(submission, reason, why)
        return False
    recording.record(submission.id, Heard(end, who="webhook"), provider.traits)
    return True


def _with_theirs(submission: Submission, theirs: str) -> Submission:
    submission.theirs = submission.theirs or theirs
    return submission


async def _carry_out(net: Net, step: Step) -> None:
    """Send, read, and record what was said. Nothing here may lose an answer."""
    submission = step.submission
    answer, report = await exchanging.ask(net, submission, step.exchange, paid=step.paid)
    if step.last and not isinstance(report, Done | Failed):
        return  # it is given up already
    if submission.theirs and isinstance(report, Accepted | Running | Done) and not report.theirs:
        report = replace(report, theirs=submission.theirs)
    kept = await exchanging.keep_inline(net, submission, report)
    post = submission.posts if step.paid else None
    heard = Heard(report, answer, kept, who=net.owner, post=post, asked=submission)
    await net.db_surely(recording.record, submission.id, heard, step.provider.traits)
    await killing.moment_on_loop("after_record")
