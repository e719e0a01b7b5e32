"""Bytespike, by what it was seen or said to answer."""

import hashlib
import hmac
import json
from typing import Any

import pytest

from providers.errors import ProviderError, Reason
from providers.values import Accepted, Answer, Cost, Done, Failed, Report, Running

from .captured import KEY, OURS, answer, fields, request, sent, through

SLUG = "bytespike"
TASK = "task_01JD0Q4QK3V9Z4B1T2M3N4P5Q6"
KINDS = ("image", "image/png", "output_image", None, "video", "text")


def submitted(payload: str, **settings: Any) -> Report:
    return through(SLUG, **settings).submit(request(), OURS).read(answer(SLUG, payload))


def polled(payload: str) -> Report:
    return sent(through(SLUG, tasks_api=True).poll(TASK)).read(answer(SLUG, payload))


def test_a_plain_call_says_everything_asked_and_seed_0_is_a_seed() -> None:
    exchange = through(SLUG).submit(request(count=4, aspect_ratio="3:2", seed=0, negative_prompt="fog"), OURS)
    assert exchange.url == "https://llm.bytespike.ai/v1/images/generations"
    assert fields(exchange) == {
        "model": "seedream-v5lite",
        "prompt": "an ink-wash mountain at dawn",
        "size": "1536x1024",
        "n": 4,
        "seed": 0,
        "negative_prompt": "fog",
    }


def test_the_key_is_sent_one_way_only_because_a_stale_other_one_would_win() -> None:
    headers = through(SLUG).submit(request(), OURS).headers
    assert headers["x-api-key"] == KEY
    assert "authorization" not in headers


def test_what_is_not_asked_is_not_said() -> None:
    assert fields(through(SLUG).submit(request(), OURS)) == {
        "model": "seedream-v5lite",
        "prompt": "an ink-wash mountain at dawn",
        "size": "1024x1024",
        "n": 1,
    }


@pytest.mark.parametrize(
    "asked", [{"width": 1024, "height": 1792}, {"resolution": "2K"}, {"aspect_ratio": "16:9"}]
)
def test_only_three_sizes_can_be_said(asked: dict[str, Any]) -> None:
    (offer,) = through(SLUG).profile.offers
    assert offer.problems(request(**asked))
    assert not offer.problems(request(width=1024, height=1536))


def test_the_prompt_it_really_drew_is_kept_where_it_says_so() -> None:
    report = submitted("two-pictures")
    assert isinstance(report, Done)
    assert [result.revised_prompt for result in report.results] == [
        "An ink-wash mountain at dawn, soft mist rising",
        None,
    ]
    assert report.cost is None  # it never says


def test_good_pictures_beside_failed_ones_are_kept() -> None:
    report = submitted("one-of-two")
    assert isinstance(report, Done)
    assert ([result.key for result in report.results], report.failed) == (["1"], 1)
    assert submitted("success-without-pictures") == Done(())


@pytest.mark.parametrize(
    ("last", "whole"),
    [
        ('"created"', []),
        ('"data":[{"url":"https://', []),
        ('pictures/1"', ["1"]),
        ('},{"url":"https://', ["1"]),
        ('pictures/2"', ["1", "2"]),
        ("pictures/3", ["1", "2"]),
    ],
)
def test_of_a_list_that_breaks_off_the_pictures_are_told_that_are_whole(last: str, whole: list[str]) -> None:
    """Nobody can be asked for them again."""
    place = "https://media.bytespike.ai/pictures/"
    told = {"created": 1, "data": [{"url": place + number, "revised_prompt": None} for number in "123"]}
    words = json.dumps(told, separators=(",", ":"))
    cut = words[: words.index(last) + len(last)].encode()
    with pytest.raises(ProviderError) as caught:
        through(SLUG).submit(request(count=3), OURS).read(Answer(200, {}, cut))
    assert [str(one.url).removeprefix(place) for one in caught.value.results] == whole


def test_braces_in_words_do_not_hide_the_last_link_of_a_list_that_breaks_off() -> None:
    cut = b'{"data": [{"revised_prompt": "a {b} \\"url\\" boat", "url": "https://h.bytespike.ai/b.png", "see'
    with pytest.raises(ProviderError) as caught:
        through(SLUG).submit(request(), OURS).read(Answer(200, {}, cut))
    assert [one.url for one in caught.value.results] == ["https://h.bytespike.ai/b.png"]


def test_a_list_of_nothing_but_errors_says_why() -> None:
    body = b'{"data": [{"error": {"code": "OutputImageSensitiveContentDetected", "message": "Refused."}}]}'
    report = through(SLUG).submit(request(), OURS).read(Answer(200, {}, body))
    assert isinstance(report, Failed)
    assert report.reason is Reason.CONTENT_REFUSED


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("refused-400", Reason.INVALID_REQUEST),
        ("refused-400-model", Reason.NOT_OFFERED),
        ("refused-404-model", Reason.NOT_OFFERED),
        ("refused-401", Reason.KEY_REFUSED),
        ("refused-402", Reason.NO_CREDIT),
        ("refused-402-quota", Reason.NO_CREDIT),
        ("refused-403", Reason.KEY_REFUSED),
        ("refused-403-group", Reason.NOT_OFFERED),
        ("prompt-too-long", Reason.INVALID_REQUEST),
        ("content-refused", Reason.CONTENT_REFUSED),
        ("content-refused-bare", Reason.CONTENT_REFUSED),
        ("busy-spent-window", Reason.RATE_LIMITED),
    ],
)
def test_each_refusal_has_its_reason(payload: str, reason: Reason) -> None:
    report = submitted(payload)
    assert isinstance(report, Failed)
    assert report.reason is reason


@pytest.mark.parametrize(
    ("payload", "seconds"),
    [("busy-spent-window", 42), ("busy-concurrency", 2), ("busy-without-hint", None)],
)
def test_it_says_when_to_come_back_as_a_moment_not_as_a_delay(payload: str, seconds: float | None) -> None:
    report = submitted(payload)
    assert isinstance(report, Failed)
    assert report.retry_after == seconds


def test_the_limit_of_calls_at_once_is_known_by_its_message_where_no_code_is_given() -> None:
    """The reset in the headers is that of the spend window, hours away: it is not for this one."""
    headers = {"x-ratelimit-reset": "99999999999", "date": "Sat, 21 Nov 2026 03:00:00 GMT"}
    body = b'{"error": {"type": "rate_limit_error", "message": "Concurrency limit of 5 reached."}}'
    report = through(SLUG).submit(request(), OURS).read(Answer(429, headers, body))
    assert isinstance(report, Failed)
    assert (report.reason, report.retry_after) == (Reason.RATE_LIMITED, 2)


def test_a_moment_long_gone_or_far_off_is_held_within_reason() -> None:
    body = answer(SLUG, "busy-spent-window").body
    date = "Sat, 21 Nov 2026 03:00:00 GMT"
    for reset, seconds in (("1", 1), ("99999999999", 600)):
        busy = Answer(429, {"x-ratelimit-reset": reset, "date": date}, body)
        report = through(SLUG).submit(request(), OURS).read(busy)
        assert isinstance(report, Failed)
        assert report.retry_after == seconds


def test_an_overloaded_gateway_is_asked_again_and_not_as_late_as_a_spend_window_ends() -> None:
    report = submitted("busy-503")
    assert isinstance(report, Failed)
    assert (report.reason, report.retry_after) == (Reason.BUSY, None)


@pytest.mark.parametrize("status", [500, 502, 504])
def test_its_outages_are_free_and_may_still_not_be_sent_again(status: int) -> None:
    with pytest.raises(ProviderError) as caught:
        submitted(f"silent-{status}")
    assert caught.value.reason is Reason.NO_ANSWER
    assert status in through(SLUG).traits.unbilled


def test_the_tasks_api_is_one_switch_away_and_keeps_our_key() -> None:
    plain, loss_proof = through(SLUG), through(SLUG, tasks_api=True)
    assert (plain.traits.keeps_our_key, plain.traits.finds, plain.find(OURS)) == (0, False, None)
    assert loss_proof.traits.keeps_our_key > 0
    assert loss_proof.traits.finds
    exchange = loss_proof.submit(request(count=2, webhook_url="https://example.org/hooks/x"), OURS)
    assert exchange.url == "https://llm.bytespike.ai/v1/tasks/submit"
    assert fields(exchange) == {
        "model": "seedream-v5lite",
        "params": {"prompt": "an ink-wash mountain at dawn", "size": "1024x1024", "n": 2},
        "out_task_id": str(OURS),
        "callback_url": "https://example.org/hooks/x",
    }
    assert fields(sent(loss_proof.find(OURS))) == {"out_task_id": str(OURS)}
    assert fields(sent(loss_proof.poll(TASK))) == {"task_id": TASK}
    assert fields(sent(loss_proof.cancel(TASK))) == {"task_id": TASK}


def test_a_task_is_accepted_and_found_again_by_our_id() -> None:
    assert submitted("task-accepted", tasks_api=True) == Accepted(TASK)
    found = sent(through(SLUG, tasks_api=True).find(OURS))
    assert found.read(answer(SLUG, "task-running")) == Running(TASK)
    with pytest.raises(ProviderError) as caught:
        found.read(answer(SLUG, "task-unknown"))
    assert caught.value.reason is Reason.NOT_FOUND


@pytest.mark.parametrize("payload", ["task-conflict-409", "task-conflict-400"])
def test_a_conflict_over_our_id_means_it_has_the_task(payload: str) -> None:
    with pytest.raises(ProviderError) as caught:
        submitted(payload, tasks_api=True)
    assert caught.value.reason is Reason.IN_FLIGHT


def test_a_finished_task_brings_its_pictures_and_a_cost_that_is_not_believed() -> None:
    report = polled("task-completed")
    assert isinstance(report, Done)
    assert [result.url for result in report.results] == [
        "https://cdn.bytespike.ai/img/1.jpg",
        "https://cdn.bytespike.ai/img/2.jpg",
    ]
    assert report.cost == Cost("0.024 credits_used", 24_000, final=False)


def test_what_a_task_puts_out_is_a_picture_if_its_type_says_image_or_nothing() -> None:
    entries = [{"type": kind, "url": f"https://cdn.bytespike.ai/{n}"} for n, kind in enumerate(KINDS)]
    body = json.dumps({"status": "completed", "output": entries}).encode()
    report = sent(through(SLUG, tasks_api=True).poll(TASK)).read(Answer(200, {}, body))
    assert isinstance(report, Done)
    assert [result.url for result in report.results] == [f"https://cdn.bytespike.ai/{n}" for n in range(4)]


def test_a_finished_task_without_its_output_is_no_answer() -> None:
    told = Answer(200, {}, b'{"status": "completed", "credits_used": 0.012, "output": null}')
    with pytest.raises(ProviderError) as caught:
        sent(through(SLUG, tasks_api=True).poll(TASK)).read(told)
    assert caught.value.reason is Reason.NO_ANSWER


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("task-failed", Reason.PROVIDER_FAILED),
        ("task-refused", Reason.CONTENT_REFUSED),
        ("task-cancelled", Reason.CANCELED),
    ],
)
def test_a_task_that_failed_says_why(payload: str, reason: Reason) -> None:
    report = polled(payload)
    assert isinstance(report, Failed)
    assert (report.reason, report.theirs) == (reason, TASK)


def test_a_callback_is_believed_only_with_its_signature_once_there_is_a_secret() -> None:
    body = answer(SLUG, "task-completed").body
    signature = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    gateway = through(SLUG, tasks_api=True, webhook_secret="s3cret")
    theirs, report = gateway.read_webhook({"X-ByteSpike-Signature": signature}, body)
    assert (theirs, type(report)) == (TASK, Done)
    for headers in ({}, {"x-bytespike-signature": "0" * 64}):
        with pytest.raises(ProviderError):
            gateway.read_webhook(headers, body)


def test_the_balance_is_what_the_account_page_has_available() -> None:
    balance = sent(through(SLUG).balance()).read(answer(SLUG, "balance"))
    assert (balance.unit, balance.micros) == ("USD", 41_250_000)
