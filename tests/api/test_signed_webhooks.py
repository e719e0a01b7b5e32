"""Webhooks that are signed, over HTTP: only what is genuine and fresh makes anybody ask."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from generations.engine import clock
from generations.models import Generation, Submission, WebhookEvent, move_submission
from generations.states import SubmissionState
from tests.api.test_webhooks import FAR, due, refused, sign
from tests.conftest import Person, ask

SECRET = "whsec"
BODIES: dict[str, dict[str, Any]] = {
    "aigateway": {"id": "job_1", "status": "running"},
    "bytespike": {"task_id": "job_1", "status": "running"},
    "prospolabs": {"generation_id": "job_1", "status": "processing"},
}


def under_way(person: Person, provider: str) -> Submission:
    """A paid request that is not due for a long time, at a gateway whose secret we know."""
    sign(provider, SECRET)
    made = Submission.objects.get(generation=ask(person, provider=provider))
    move_submission(made, SubmissionState.SENDING, sent_at=timezone.now())
    move_submission(made, SubmissionState.RUNNING, theirs="job_1", due_at=FAR)
    return made


def hook(submission: Submission, body: bytes, headers: Mapping[str, str]) -> int:
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    path = f"/hooks/{submission.provider}/{submission.webhook_token}"
    return client.generic("POST", path, body, content_type="application/json", headers=headers).status_code


def _signature(message: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def _apart(body: bytes, secret: str, age: float) -> dict[str, str]:
    stamp = str(int(time.time() - age))
    return {"aig-timestamp": stamp, "aig-signature": _signature(f"{stamp}.".encode() + body, secret)}


def _together(body: bytes, secret: str, age: float) -> dict[str, str]:
    stamp = str(int(time.time() - age))
    return {"x-gateway-signature": f"t={stamp},v1={_signature(f'{stamp}.'.encode() + body, secret)}"}


def _bytespike(body: bytes, secret: str, age: float) -> dict[str, str]:
    return {"x-bytespike-signature": _signature(body, secret)}


def _prospolabs(body: bytes, secret: str, age: float) -> dict[str, str]:
    return {"x-prospolabs-signature": _signature(body, secret)}


Sign = Callable[[bytes, str, float], dict[str, str]]
SIGNED = pytest.mark.parametrize(
    ("provider", "sign"),
    [
        ("aigateway", _apart),
        ("aigateway", _together),
        ("bytespike", _bytespike),
        ("prospolabs", _prospolabs),
    ],
)


@SIGNED
def test_what_another_hand_signed_is_counted_and_changes_nothing(
    ada: Person, provider: str, sign: Sign
) -> None:
    submission = under_way(ada, provider)
    body = json.dumps(BODIES[provider]).encode()
    before = refused()
    changed = body.replace(b"running", b"completed").replace(b"processing", b"completed")
    for headers in ({}, sign(body, "another", 0), sign(changed, SECRET, 0)):
        assert hook(submission, body, headers) == 401
    assert refused() == before + 3
    assert not WebhookEvent.objects.exists()
    assert not due(submission)
    assert submission.state == SubmissionState.RUNNING
    assert ada.wallet.held == Generation.objects.get().quoted
    assert hook(submission, body, sign(body, SECRET, 0)) == 200
    assert due(submission)


@pytest.mark.parametrize("sign", [_apart, _together])
@pytest.mark.parametrize("age", [310, -330])
def test_what_was_signed_long_ago_is_refused_in_either_form(ada: Person, sign: Sign, age: float) -> None:
    submission = under_way(ada, "aigateway")
    body = json.dumps(BODIES["aigateway"]).encode()
    old = sign(body, SECRET, age)
    fresh = {"webhook-timestamp": str(int(time.time()))}  # which nothing was signed with
    assert hook(submission, body, old) == hook(submission, body, {**old, **fresh}) == 401
    disguised = {name: f"x{value}" for name, value in old.items() if name == "x-gateway-signature"}
    assert hook(submission, body, disguised) == 401
    assert not WebhookEvent.objects.exists()
    assert not due(submission)


def test_how_old_it_is_goes_by_the_databases_clock(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    submission = under_way(ada, "aigateway")
    body = json.dumps(BODIES["aigateway"]).encode()
    signed = _apart(body, SECRET, 0)
    right = clock.now()
    monkeypatch.setattr(time, "time", lambda: (right + timedelta(hours=1)).timestamp())
    assert hook(submission, body, signed) == 200
    assert due(submission)


def test_a_genuine_word_about_another_persons_task_is_taken_and_believed_of_nobody(
    ada: Person, stranger: Person
) -> None:
    mine, theirs = under_way(ada, "prospolabs"), under_way(stranger, "bytespike")
    other = Submission.objects.get(generation=ask(stranger, "theirs", provider="prospolabs"))
    move_submission(other, SubmissionState.SENDING, sent_at=timezone.now())
    move_submission(other, SubmissionState.RUNNING, theirs="job_2", due_at=FAR)
    ended = {"generation_id": "job_2", "status": "completed", "output_url": "https://x.example/p.png"}
    body = json.dumps(ended).encode()

    assert hook(mine, body, _prospolabs(body, SECRET, 0)) == 200
    assert due(mine)
    assert not due(other)
    assert not due(theirs)
    mine.refresh_from_db()
    assert (mine.state, mine.theirs, mine.results.count()) == (SubmissionState.RUNNING, "job_1", 0)
    other.refresh_from_db()
    assert (other.state, other.theirs, other.results.count()) == (SubmissionState.RUNNING, "job_2", 0)
