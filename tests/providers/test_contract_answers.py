"""What every provider must make of what comes back, whoever wrote it: garbage is never a refusal."""

import dataclasses
import json

import pytest

from providers.errors import ProviderError, Reason
from providers.values import (
    Answer,
    Failed,
    Running,
)

from .captured import (
    OURS,
    THEIRS,
    answer,
    every_provider,
    exchanges,
    names,
    questions,
    request,
    switched,
    through,
)


@every_provider
@pytest.mark.parametrize("payload", ["edge-bad-gateway-page", "edge-page-with-success", "empty-body"])
def test_what_cannot_be_read_leaves_the_outcome_open(slug: str, payload: str) -> None:
    for setting in switched(slug):
        provider = through(slug, **setting)
        for exchange in exchanges(provider):
            with pytest.raises(ProviderError) as caught:
                exchange.read(answer(slug, payload))
            assert caught.value.reason is Reason.NO_ANSWER


@every_provider
def test_half_an_answer_is_none(slug: str) -> None:
    provider = through(slug)
    for name in names(slug):
        told = answer(slug, name)
        if told.status == 200 and len(told.body) > 2:
            cut = dataclasses.replace(told, body=told.body[: len(told.body) // 2])
            with pytest.raises(ProviderError):
                provider.submit(request(), OURS).read(cut)


@every_provider
@pytest.mark.parametrize("status", [401, 402, 403, 404, 408, 409, 429, 500, 503, 504])
def test_a_status_never_ends_a_task_that_was_only_asked_about(slug: str, status: int) -> None:
    for exchange in questions(through(slug)):
        with pytest.raises(ProviderError):
            exchange.read(Answer(status, {}, b'{"code": "x", "message": "y"}'))


@every_provider
def test_a_task_that_is_gone_is_told_as_expired(slug: str) -> None:
    exchange = through(slug).poll(THEIRS)
    assert exchange is not None
    try:
        said: object = exchange.read(Answer(410, {}, b"{}"))
    except ProviderError as error:
        said = error
    assert isinstance(said, Failed | ProviderError)
    assert said.reason is Reason.EXPIRED


@every_provider
@pytest.mark.parametrize("status", [408, 425, 500, 502, 504, 520, 524])
def test_a_lost_answer_is_never_taken_for_a_refusal(slug: str, status: int) -> None:
    with pytest.raises(ProviderError) as caught:
        through(slug).submit(request(), OURS).read(Answer(status, {}, b"{}"))
    assert caught.value.reason is Reason.NO_ANSWER


@every_provider
def test_busy_statuses_and_no_others_are_refusals_that_pass(slug: str) -> None:
    provider = through(slug)
    for status in range(400, 600):
        try:
            report = provider.submit(request(), OURS).read(Answer(status, {}, b"moderate your pace"))
        except ProviderError:
            continue
        assert isinstance(report, Failed)
        assert report.reason.refused
        assert report.reason.passing == (status in provider.traits.busy)
    for status in provider.traits.busy:
        busy = Answer(status, {"retry-after": "99999"}, b"slow down")
        report = provider.submit(request(), OURS).read(busy)
        assert isinstance(report, Failed)
        assert report.reason.refused
        assert report.reason.passing
        assert report.retry_after == 600


@every_provider
def test_what_a_gateway_says_can_be_kept_by_a_database(slug: str) -> None:
    said = b'{"code": "a\\u0000\\ud800", "message": "b\\u0000", "errors": [{"message": "c\\u0000\\ud800"}]}'
    report = through(slug).submit(request(), OURS).read(Answer(400, {}, said))
    assert isinstance(report, Failed)
    assert "\0" not in report.detail
    assert report.detail.encode()


@every_provider
def test_an_unknown_status_word_means_it_is_still_running(slug: str) -> None:
    exchange = through(slug).poll(THEIRS)
    assert exchange is not None
    body = {"status": "REVIEWING", "data": [{"taskUUID": THEIRS, "status": "reviewing"}]}
    assert isinstance(exchange.read(Answer(200, {}, json.dumps(body).encode())), Running)
