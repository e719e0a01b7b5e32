"""A list of pictures that is shorter than what was asked for: the others may still be on their way."""

from __future__ import annotations

from datetime import timedelta

from generations.engine import clock
from generations.engine.hearing import distinct
from generations.models import Submission, moves
from generations.states import SubmissionState
from providers.provider import Traits
from providers.values import Done

ASK_ONCE_MORE = timedelta(seconds=2)
NOTHING = timedelta(minutes=1)
"""How long a task that is said to be done is asked for pictures if it shows none: they are paid for, and some
write the word before the list."""


def shows(submission: Submission, report: Done) -> bool:
    """Whether fewer pictures came than were asked for."""
    told = len(distinct(report.results)) + report.failed
    return told < submission.pictures and not submission.asked.get("sequential")


def may_be_made_up(submission: Submission, report: Done, traits: Traits, *, grew: bool) -> bool:
    """Note to ask once more, and again while the list grows or may grow; False if this is all there is.

    The submission must be locked. ``grew``: something new was in the list.
    """
    if submission.state != SubmissionState.RUNNING or not shows(submission, report):
        return False
    now = clock.now()
    if grew or not submission.misses:
        moves.note(submission, misses=1, missing_since=now)
    elif submission.missing_since is None or now - submission.missing_since >= _patience(report, traits):
        return False
    quiet = now - (submission.missing_since or now)
    # Not sooner than the provider likes to be asked: a question too soon is no answer (304, 429).
    wait = max(ASK_ONCE_MORE, timedelta(seconds=traits.pace[0] + 0.5), quiet / 4)
    moves.note(submission, due_at=now + wait)
    return True


def _patience(report: Done, traits: Traits) -> timedelta:
    grows = timedelta(seconds=traits.grows)
    return grows if report.results else max(grows, NOTHING)
