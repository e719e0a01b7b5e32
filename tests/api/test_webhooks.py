"""Providers writing to us: whatever arrives, at most a question is asked."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import generate_latest

from config.metrics import REGISTRY
from generations.models import Submission, WebhookEvent, move_submission
from generations.states import SubmissionState
from generations.webhooks import MOST_BYTES, MOST_EVENTS
from providers.models import ProviderAccount
from tests.conftest import Person, ask

SECRET = "whsec"
FAR = datetime(2099, 1, 1, tzinfo=UTC)


@pytest.fixture
def submission(ada: Person) -> Submission:
    """A paid request under way at Prospolabs, not due for a long time."""
    made = Submission.objects.get(generation=ask(ada, provider="prospolabs"))
    move_submission(made, SubmissionState.SENDING, sent_at=timezone.now())
    move_submission(made, SubmissionState.RUNNING, theirs="gen_1", due_at=FAR)
    return made


def hook(
    submission: Submission,
    body: bytes,
    headers: Mapping[str, str] | None = None,
    *,
    token: str = "",
    provider: str = "",
) -> Any:
    return Client(raise_request_exception=False, enforce_csrf_checks=True).generic(
        "POST",
        f"/hooks/{provider or submission.provider}/{token or submission.webhook_token}",
        body,
        content_type="application/json",
        headers=headers,
    )


def due(submission: Submission) -> bool:
    submission.refresh_from_db()
    return submission.due_at is not None and submission.due_at < FAR


def refused() -> float:
    text = generate_latest(REGISTRY).decode()
    line = next(line for line in text.splitlines() if line.startswith("seedbank_webhooks_refused_total"))
    return float(line.split()[1])


def sign(provider: str, secret: str) -> None:
    """Give a gateway's accounts the secret of its signatures."""
    for account in ProviderAccount.objects.filter(provider=provider):
        account.set_secret("webhook_secret", secret)
        account.save()


def signed() -> None:
    sign("prospolabs", SECRET)


def signature(body: bytes) -> str:
    return hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


def test_a_webhook_is_kept_and_makes_its_submission_due(submission: Submission) -> None:
    body = b'{"generation_id": "gen_1", "status": "completed"}'
    answer = hook(submission, body, {"x-prospolabs-signature": "abc", "authorization": "Bearer secret"})
    assert (answer.status_code, answer.json()) == (200, {})
    event = WebhookEvent.objects.get(submission=submission)
    assert bytes(event.body) == body
    assert event.headers["x-prospolabs-signature"] == "abc"
    assert "authorization" not in event.headers
    assert due(submission)


def test_the_same_words_a_hundred_times_are_one_event(submission: Submission) -> None:
    for _ in range(100):
        assert hook(submission, b"{}").status_code == 200
    assert WebhookEvent.objects.get().times == 100


def test_words_without_end_are_not_all_kept(submission: Submission) -> None:
    WebhookEvent.objects.bulk_create(
        WebhookEvent(submission=submission, sha256=str(n), body=b"") for n in range(MOST_EVENTS)
    )
    assert hook(submission, b"one more").status_code == 200
    assert WebhookEvent.objects.count() == MOST_EVENTS
    assert due(submission)


@pytest.mark.parametrize(
    "wrong", [{"token": "guessed"}, {"provider": "runware"}, {"token": "%00"}, {"provider": "nobody"}]
)
def test_a_path_nobody_gave_out_is_refused_and_counted(submission: Submission, wrong: dict[str, str]) -> None:
    before = refused()
    assert (
        hook(submission, b"{}", token=wrong.get("token", ""), provider=wrong.get("provider", "")).status_code
        == 401
    )
    assert refused() == before + 1
    assert not WebhookEvent.objects.exists()
    assert not due(submission)


def test_where_there_is_a_secret_only_its_signature_counts(submission: Submission) -> None:
    signed()
    body = b'{"generation_id": "gen_1", "status": "processing"}'
    for forged in ("", "00", signature(b"other"), "ü", "v1,x"):
        assert hook(submission, body, {"x-prospolabs-signature": forged}).status_code == 401
    assert not WebhookEvent.objects.exists()
    assert not due(submission)
    assert hook(submission, body, {"x-prospolabs-signature": signature(body)}).status_code == 200
    assert due(submission)


@pytest.mark.parametrize("age", [-330, 301, None])
def test_a_signed_time_that_is_long_past_or_unreadable_is_refused(
    submission: Submission, age: int | None
) -> None:
    signed()
    body = json.dumps({"generation_id": "gen_1", "status": "processing"}).encode()
    stamp = "soon" if age is None else str(int(time.time()) - age)
    said = {"x-prospolabs-signature": signature(body), "webhook-timestamp": stamp}
    assert hook(submission, body, said).status_code == 401
    assert not due(submission)


def test_a_body_above_the_limit_is_turned_away(submission: Submission) -> None:
    assert hook(submission, b"x" * (MOST_BYTES + 1)).status_code == 413
    assert hook(submission, b"x" * MOST_BYTES).status_code == 200


def test_a_body_that_comes_in_chunks_is_heard_as_well(submission: Submission) -> None:
    for body, status in ((b'{"in": "chunks"}', 200), (b"x" * (MOST_BYTES + 1), 413)):
        # As the web server hands one over: decoded, without a length, with an end.
        chunks: Any = {"wsgi.input": io.BytesIO(body), "wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
        path = f"/hooks/prospolabs/{submission.webhook_token}"
        answer = Client().post(path, headers={"transfer-encoding": "chunked"}, **chunks)
        assert answer.status_code == status
    assert bytes(WebhookEvent.objects.get().body) == b'{"in": "chunks"}'


def test_only_post_is_heard(submission: Submission) -> None:
    assert Client().get(f"/hooks/prospolabs/{submission.webhook_token}").status_code == 405


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=300) | st.text(max_size=100).map(str.encode),
    sign=st.booleans(),
    stamp=st.text(st.characters(min_codepoint=1, max_codepoint=255, exclude_characters="\r\n"), max_size=20),
)
def test_no_garbage_ends_in_a_server_error(
    submission: Submission, body: bytes, sign: bool, stamp: str
) -> None:
    signed()
    said = {"x-prospolabs-signature": signature(body) if sign else stamp, "webhook-timestamp": stamp}
    assert hook(submission, body, said).status_code in {200, 401}
