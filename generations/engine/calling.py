"""One step for one submission: send it, poll it, look it up, or give it up."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from django.utils import timezone

from generations.engine import fetching, killing, recording, refusing, sending
from generations.engine.claiming import Claim
from generations.engine.hearing import Heard
from generations.engine.sending import Step
from generations.models import Submission, WebhookEvent
from generations.states import SubmissionState
from providers.door import NoAnswer, NotSent
from providers.errors import ProviderError, Reason
from providers.provider import Provider
from providers.values import Accepted, Answer, Done, Exchange, Report, Running

if TYPE_CHECKING:
    from generations.engine.net import Net

log = logging.getLogger(__name__)
_S = SubmissionState
CALL_MAX = 600.0


async def advance(net: Net, claim: Claim) -> None:
    """Do the next thing that a due submission needs."""
    step = await net.db(_next_step, claim)
    if step is None:
        return
    await _carry_out(net, step)


def _next_step(claim: Claim) -> Step | None:
    submission = sending.load(claim)
    if submission is None:
        return None
    provider = sending.adapter_of(submission)
    if provider is None:
        _key_is_shut(submission, claim)
        return None
    if submission.state == _S.PLANNED:
        return _first_post(submission, provider, claim)
    if submission.state == _S.SENDING:
        sending.lose_lease(submission, "its worker died while it was on the wire")
        submission.state = _S.UNKNOWN
    if submission.state == _S.RUNNING:
        return _poll(submission, provider, claim)
    return _look_up(submission, provider, claim)


def _key_is_shut(submission: Submission, claim: Claim) -> None:
    """The account's key cannot be opened: nothing can be sent or asked through it."""
    log.error("the key of provider account %s cannot be opened; check FIELD_KEYS", submission.account_id)
    if submission.state != _S.PLANNED:
        sending.rest(submission.id, claim.fence, 60)
        return
    failed = refusing.refuse_unsent(submission, Reason.NOT_OFFERED)
    if not failed:
        sending.rest(submission.id, claim.fence, 60)


def _first_post(submission: Submission, provider: Provider, claim: Claim) -> Step | None:
    exchange = _post(submission, provider)
    if not sending.begin(submission, claim.fence):
        return None
    return Step(submission, provider, exchange, paid=True)


def _post(submission: Submission, provider: Provider) -> Exchange[Report]:
    """The paid request; built before its intent is committed, so that a flaw in it costs nothing."""
    references = sending.references_of(submission, fetching.read_reference)
    request = sending.request_of(submission, references, provider.traits)
    return _bounded(provider.submit(request, submission.ours), submission)


def _bounded(exchange: Exchange[Report], submission: Submission) -> Exchange[Report]:
    """The exchange, with no more patience than the engine and the account's operator have."""
    timeout = min(exchange.timeout, CALL_MAX, submission.account.call_timeout)
    return replace(exchange, timeout=timeout)


def _poll(submission: Submission, provider: Provider, claim: Claim) -> Step | None:
    traits = provider.traits
    if sending.gone_missing(submission):
        sending.abandon(submission, Reason.LOST, "the provider does not know it any more")
        return None
    theirs = submission.theirs or str(submission.ours)
    stop = provider.cancel(theirs)
    if submission.polls and sending.overdue(submission, traits):
        sending.abandon(submission, Reason.TIMED_OUT, "it did not end in time")
        # The last word: it need not go on there. If it has ended by now, its pictures come late.
        return Step(submission, provider, stop) if stop else None
    # Some gateways only know "no" to a cancel that comes too late, so every other question is a plain one.
    wanted = submission.generation.cancel_requested_at is None or submission.polls % 2
    exchange = provider.poll(theirs) if wanted or stop is None else stop
    if exchange is None:
        sending.rest(submission.id, claim.fence, 60)
        return None
    if not sending.may_ask(submission, traits, claim.fence):
        return None
    sending.read_hints(submission, traits)
    return Step(submission, provider, exchange)


def _look_up(submission: Submission, provider: Provider, claim: Claim) -> Step | None:
    """Unknown: by what they told us, by our id, by sending the same bytes again, or not at all."""
    theirs = submission.theirs or _told_by_webhook(submission, provider)
    asked = submission.polls
    if theirs and (exchange := provider.poll(theirs)) is not None and not sending.gone_missing(submission):
        return Step(replace_theirs(submission, theirs), provider, exchange)
    find = provider.find(submission.ours)
    # A gateway may take a moment to know what it accepted: ask first, then send the same again.
    if find is not None and (asked < 2 or asked % 2):
        return Step(submission, provider, find)
    post = _post(submission, provider) if provider.traits.keeps_our_key else None
    if post is not None and sending.may_send_again(submission, provider, post.timeout):
        if sending.begin_again(submission, claim.fence):
            return Step(submission, provider, post, paid=True)
        return None
    if sending.hopeless(submission, provider.traits):
        sending.abandon(submission, Reason.LOST, "nobody can tell what became of it")
        return None
    if find is not None:
        return Step(submission, provider, find)
    sending.rest(submission.id, claim.fence, 5.0)
    return None


def replace_theirs(submission: Submission, theirs: str) -> Submission:
    submission.theirs = submission.theirs or theirs
    return submission


def _told_by_webhook(submission: Submission, provider: Provider) -> str | None:
    """The provider's id, if it wrote to this submission's secret path."""
    for event in WebhookEvent.objects.filter(submission=submission).order_by("-id")[:5]:
        try:
            theirs, _ = provider.read_webhook(event.headers, bytes(event.body))
        except ProviderError:
            continue
        if theirs:
            return theirs
    return None


def look_again(submission: Submission) -> None:
    """A provider wrote about a call that was given up: ask it once more, so that a late picture is kept."""
    provider = sending.adapter_of(submission)
    if provider is None or submission.state != _S.ABANDONED:
        return
    if theirs := submission.theirs or _told_by_webhook(submission, provider):
        recording.record(submission.id, Heard(Accepted(theirs), who="webhook"), provider.traits)


def _without_key(exchange: Exchange[Report], answer: Answer) -> Answer:
    """The answer with our own key blotted out, should a gateway repeat it: answers are kept and shown."""
    body = answer.body
    for name in ("authorization", "x-api-key"):
        secret = exchange.headers.get(name, "").rpartition(" ")[2].encode()
        if len(secret) >= 8 and secret in body:
            body = body.replace(secret, b"[key]")
    return answer if body is answer.body else replace(answer, body=body)


async def _carry_out(net: Net, step: Step) -> None:
    """Send, read, and record what was said. Nothing here may lose an answer."""
    asked_at = timezone.now()
    exchange = _bounded(step.exchange, step.submission)
    answer: Answer | None = None
    report: Report | ProviderError
    try:
        answer = _without_key(exchange, await net.door.send(exchange))
        if step.paid:
            await killing.moment_on_loop("after_answer")
        report = exchange.read(answer)
    except NotSent as error:
        report = ProviderError(Reason.UNREACHABLE, error.kind)
    except NoAnswer as error:
        report = ProviderError(Reason.NO_ANSWER, error.kind)
    except ProviderError as error:
        report = error
    if step.submission.theirs and isinstance(report, Accepted | Running | Done) and not report.theirs:
        report = replace(report, theirs=step.submission.theirs)
    kept = {}
    if isinstance(report, Running | Done):
        kept = await fetching.keep_inline(net, step.submission, report.results)
    heard = Heard(report, answer, kept, who=net.owner, asked_at=asked_at)
    await net.db_surely(recording.record, step.submission.id, heard, step.provider.traits)
    await killing.moment_on_loop("after_record")
