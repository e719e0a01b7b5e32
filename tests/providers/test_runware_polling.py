"""Runware's tasks, as they look to whoever asks for them: partial, failed, lost, someone else's."""

import json

import pytest

from providers.errors import ProviderError, Reason
from providers.values import Answer, Cost, Done, Failed, Report, Running

from .captured import OURS, answer, sent, through

SLUG = "runware"
THEIRS = str(OURS)


def polled(payload: str) -> Report:
    return sent(through(SLUG).poll(THEIRS)).read(answer(SLUG, payload))


def test_an_empty_list_is_running_for_a_known_task_and_proves_nothing_for_a_lost_one() -> None:
    assert polled("not-there-yet") == Running(THEIRS)
    with pytest.raises(ProviderError) as caught:
        sent(through(SLUG).find(OURS)).read(answer(SLUG, "not-there-yet"))
    assert caught.value.reason is Reason.NOT_FOUND


def test_a_lost_task_is_found_by_our_id() -> None:
    exchange = sent(through(SLUG).find(OURS))
    assert json.loads(exchange.body or b"") == [{"taskType": "getResponse", "taskUUID": THEIRS}]
    report = exchange.read(answer(SLUG, "two-of-four-done"))
    assert isinstance(report, Done)


def test_partial_results_are_handed_over_while_others_run() -> None:
    report = polled("partial")
    assert isinstance(report, Running)
    assert (len(report.results), report.progress) == (2, 40)
    assert report.cost == Cost("0.035 + 0.035 USD", 70_000)
    older = polled("partial-older-word")
    assert isinstance(older, Running)
    assert len(older.results) == 1


def test_states_are_read_whatever_their_case() -> None:
    known = {"taskUUID": THEIRS, "imageUUID": "1", "imageURL": "https://im.runware.ai/1.jpg"}
    told = {"data": [{**known, "status": "SUCCESS"}, {"taskUUID": THEIRS, "status": "Error"}]}
    report = sent(through(SLUG).poll(THEIRS)).read(Answer(200, {}, json.dumps(told).encode()))
    assert isinstance(report, Done)
    assert (len(report.results), report.failed) == (1, 1)


def test_good_pictures_are_kept_when_others_failed() -> None:
    report = polled("two-of-four-done")
    assert isinstance(report, Done)
    assert (len(report.results), report.failed) == (2, 2)


def test_a_cost_of_nothing_is_recorded_and_not_believed() -> None:
    report = polled("all-done-free")
    assert isinstance(report, Done)
    assert report.cost == Cost("0 USD", 0, final=False)


def test_errors_of_other_tasks_are_not_ours() -> None:
    report = polled("someone-elses-error")
    assert isinstance(report, Done)
    assert report.failed == 0
    assert polled("only-someone-elses-error") == Running(THEIRS)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("failed-by-content", Reason.CONTENT_REFUSED),
        ("failed-in-data", Reason.PROVIDER_FAILED),
        ("failed-by-timeout", Reason.TIMED_OUT),
    ],
)
def test_a_task_that_failed_says_why_wherever_it_says_so(payload: str, reason: Reason) -> None:
    report = polled(payload)
    assert isinstance(report, Failed)
    assert report.reason is reason


@pytest.mark.parametrize(
    ("payload", "reason", "seconds"),
    [
        ("poll-refused", Reason.KEY_REFUSED, None),
        ("poll-busy", Reason.RATE_LIMITED, 5),
        ("task-not-found", Reason.NOT_FOUND, None),
        ("busy-429", Reason.RATE_LIMITED, 2),
        ("silent-503", Reason.NO_ANSWER, None),
    ],
)
def test_a_question_that_fails_does_not_end_the_task(
    payload: str, reason: Reason, seconds: float | None
) -> None:
    with pytest.raises(ProviderError) as caught:
        polled(payload)
    assert (caught.value.reason, caught.value.retry_after) == (reason, seconds)


def test_a_tasks_own_outage_is_its_end_and_not_a_reason_to_ask_again() -> None:
    told = {"errors": [{"code": "internalServerError", "status": "error", "taskUUID": THEIRS}]}
    report = sent(through(SLUG).poll(THEIRS)).read(Answer(200, {}, json.dumps(told).encode()))
    assert isinstance(report, Failed)
    assert report.reason is Reason.PROVIDER_FAILED


def test_an_error_about_the_question_is_not_about_the_task() -> None:
    told = {"errors": [{"code": "invalidParameter", "taskType": "getResponse", "taskUUID": THEIRS}]}
    with pytest.raises(ProviderError) as caught:
        sent(through(SLUG).poll(THEIRS)).read(Answer(200, {}, json.dumps(told).encode()))
    assert caught.value.reason is Reason.NO_ANSWER
