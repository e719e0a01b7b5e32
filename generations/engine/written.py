"""What providers wrote to a submission's secret path: hints about this call, or an earlier one of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from generations.engine import recording, refusing, sending
from generations.engine.hearing import Heard
from generations.models import Submission, WebhookEvent
from generations.states import SubmissionState
from providers.errors import ProviderError, Reason
from providers.provider import Provider
from providers.values import Accepted, Done, Failed, Report, Running

_S = SubmissionState


def _written(submission: Submission, provider: Provider) -> Iterator[tuple[str | None, Report]]:
    """What the provider wrote to this submission's secret path, the newest first.

    Not what it says of a task that is known to be another submission's.
    """
    others = Submission.objects.filter(account=submission.account_id, provider=submission.provider)
    others = others.exclude(id=submission.id)
    for event in WebhookEvent.objects.filter(submission=submission).order_by("-id"):
        with suppress(ProviderError):
            theirs, report = provider.read_webhook(event.headers, bytes(event.body))
            if theirs is None or not others.filter(theirs=theirs).exists():
                yield theirs, report


def told_id(submission: Submission, provider: Provider) -> str | None:
    """The provider's id, if it wrote; rather of what it took on than of what failed, maybe earlier."""
    told = [(theirs, said) for theirs, said in _written(submission, provider) if theirs]
    taken_on = (theirs for theirs, said in told if not isinstance(said, Failed))
    failed = (theirs for theirs, _ in told if submission.posts < 2)
    return next(taken_on, None) or next(failed, None)


def told_end(submission: Submission, provider: Provider) -> Report | None:
    """The end as the provider wrote it, where asking it brings nothing: in one message, or part by part."""
    written = _written(submission, provider)
    told = [said for theirs, said in written if submission.theirs in {None, theirs}]
    for report in told:
        if isinstance(report, Done) or (isinstance(report, Failed) and _is_an_end(report.reason)):
            return report
    parts = {one.key: one for said in told if isinstance(said, Running) for one in said.results}
    return Done(tuple(parts.values())) if parts else None


def _is_an_end(reason: Reason) -> bool:
    return not reason.passing and not reason.pauses_account


def look_again(submission: Submission) -> None:
    """Ask about what was thought to be over, or never begun, so that what is paid for is kept.

    What was given up is asked about by any id; what was refused or failed, once its pictures are written of;
    what was put back, once anything but a failure is.
    """
    going_on = submission.state not in {_S.PLANNED, *recording.LATE} and submission.posts < 2
    if going_on or (provider := sending.adapter_of(submission)) is None:
        return
    follow_earlier_posts(submission, provider)
    if submission.state == _S.PLANNED:
        follow_instead(submission, provider)
    if submission.state not in recording.LATE:
        return
    given_up = submission.state == _S.ABANDONED
    written = _written(submission, provider)
    told = (theirs for theirs, said in written if given_up or _pictures(said))
    if theirs := (given_up and submission.theirs) or next(told, None):
        recording.record(submission.id, Heard(Accepted(theirs), who="webhook"), provider.traits)
    elif given_up and provider.traits.finds:
        sending.look_up_again(submission)


def follow_instead(submission: Submission, provider: Provider) -> bool:
    """Follow what was put back, if the provider writes that it has it: sent again, it would be paid twice.

    Where it keeps our key, sending again is harmless, and only pictures are news.
    """
    if not submission.posts:
        return False
    keeps = provider.traits.keeps_our_key
    told = (
        theirs
        for theirs, said in _written(submission, provider)
        if theirs and (_pictures(said) or not (keeps or isinstance(said, Failed)))
    )
    theirs = next(told, None)
    if theirs is not None:
        recording.record(submission.id, Heard(Accepted(theirs), who="webhook"), provider.traits)
    return theirs is not None


def follow_earlier_posts(submission: Submission, provider: Provider) -> None:
    """Look after an earlier request, too, that was said to be refused, and is written of under another id."""
    if submission.posts < 2 or provider.traits.keeps_our_key:
        return
    mine = told_id(submission, provider)
    for theirs, said in list(_written(submission, provider)):
        if theirs and not isinstance(said, Failed):
            # Which of them is its own is seen once it is locked: an answer may be telling it now.
            refusing.follow_apart(submission.id, theirs, mine=mine)


def _pictures(said: Report) -> bool:
    return bool(getattr(said, "results", None))
