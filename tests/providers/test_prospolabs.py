"""Prospolabs, by what it was seen or said to answer."""

import hashlib
import hmac
import json
from typing import Any

import pytest

from providers.errors import ProviderError, Reason
from providers.values import Accepted, Answer, Cost, Done, Failed, Report, Running

from .captured import OURS, answer, fields, references, request, sent, through

SLUG = "prospolabs"
THEIRS = "gen_abc123"
TEMPLATE = Cost("0.6 USD", 600_000, final=False)


def submitted(payload: str) -> Report:
    return through(SLUG).submit(request(), OURS).read(answer(SLUG, payload))


def polled(payload: str) -> Report:
    return sent(through(SLUG).poll(THEIRS)).read(answer(SLUG, payload))


def test_a_plain_request_is_flat_and_does_not_wait_and_seed_0_is_a_seed() -> None:
    exchange = through(SLUG).submit(
        request(count=6, aspect_ratio="21:9", resolution="3K", seed=0, webhook_url="https://example.org/h"),
        OURS,
    )
    assert exchange.url == "https://api.prospolabs.com/v1/generate"
    assert fields(exchange) == {
        "model": "seedream-5-lite",
        "mode": "generate",
        "prompt": "an ink-wash mountain at dawn",
        "aspect_ratio": "21:9",
        "size": "3K",
        "num_images": 6,
        "seed": 0,
        "async": True,
        "webhook_url": "https://example.org/h",
    }


def test_without_a_size_it_is_its_own_default() -> None:
    said = fields(through(SLUG).submit(request(), OURS))
    assert (said["aspect_ratio"], said["size"]) == ("16:9", "2K")
    assert "seed" not in said
    assert "webhook_url" not in said


def test_parameters_are_nested_where_the_account_says_so() -> None:
    said = fields(through(SLUG, nested_params=True).submit(request(seed=0), OURS))
    assert said["params"] == {
        "prompt": "an ink-wash mountain at dawn",
        "aspect_ratio": "16:9",
        "size": "2K",
        "num_images": 1,
        "seed": 0,
    }
    assert set(said) == {"model", "mode", "params", "async"}


def test_a_call_that_waits_is_not_async_and_is_called_back_should_its_answer_get_lost() -> None:
    said = fields(through(SLUG).submit(request(delivery="sync", webhook_url="https://example.org/h"), OURS))
    assert "async" not in said
    assert said["webhook_url"] == "https://example.org/h"


def test_references_make_it_an_edit() -> None:
    said = fields(through(SLUG).submit(request(references=references(10), aspect_ratio="auto"), OURS))
    assert (said["mode"], said["aspect_ratio"]) == ("edit", "auto")
    links = said["image_urls"]
    assert isinstance(links, list)
    assert len(links) == 10
    assert links[0].startswith("data:image/png;base64,")


def test_it_is_accepted_until_it_is_done() -> None:
    assert submitted("queued") == submitted("processing") == Accepted(THEIRS)
    assert polled("processing") == Running(THEIRS, cost=TEMPLATE)
    done = submitted("completed")
    assert isinstance(done, Done)
    assert done.theirs == THEIRS


@pytest.mark.parametrize("payload", ["completed-output-urls", "completed-outputs"])
def test_every_output_comes_once_whichever_field_names_it(payload: str) -> None:
    report = polled(payload)
    assert isinstance(report, Done)
    assert [(result.key, result.url) for result in report.results] == [
        ("0", "https://cdn.prospolabs.com/1.jpg"),
        ("1", "https://cdn.prospolabs.com/2.jpg"),
    ]


def test_a_picture_keeps_its_place_when_others_arrive_before_it_or_failed() -> None:
    one, two = "https://cdn.prospolabs.com/1.jpg", "https://cdn.prospolabs.com/2.jpg"
    early = {"status": "processing", "output_urls": [None, two], "output_url": two}
    late = {"status": "completed", "output_urls": [one, two], "output_url": one}
    short = {"status": "completed", "outputs": [{"error": "blocked"}, {"url": two}], "output_url": None}
    told = [read(body) for body in (early, late, short)]
    found = [[(result.key, result.url) for result in report.results] for report in told]
    assert found == [[("1", two)], [("0", one), ("1", two)], [("1", two)]]
    assert isinstance(told[2], Done)
    assert told[2].failed == 1


def test_links_that_are_alike_are_still_as_many_pictures_as_the_list_has() -> None:
    same = "https://cdn.prospolabs.com/1.jpg"
    report = read({"status": "completed", "output_urls": [same, same], "output_url": same})
    assert [result.key for result in report.results] == ["0", "1"]


def test_the_single_field_is_the_first_of_the_list_also_where_every_mention_has_a_link_of_its_own() -> None:
    place = "https://cdn.prospolabs.com/"
    listed = [{"url": place + "1.jpg?token=b"}, {"url": place + "2.jpg?token=c"}]
    told = {"status": "completed", "output_url": place + "1.jpg?token=a", "outputs": listed}
    assert [result.url for result in read(told).results] == [one["url"] for one in listed]
    alone = {**told, "outputs": []}
    assert [(result.key, result.url) for result in read(alone).results] == [("0", told["output_url"])]


def read(body: dict[str, Any]) -> Running | Done:
    report = sent(through(SLUG).poll(THEIRS)).read(Answer(200, {}, json.dumps(body).encode()))
    assert isinstance(report, Running | Done)
    return report


def test_its_cost_is_a_template_figure_and_not_believed() -> None:
    report = polled("completed")
    assert isinstance(report, Done)
    assert report.cost == TEMPLATE


def test_completed_without_an_output_is_no_answer_and_an_empty_list_is_one() -> None:
    with pytest.raises(ProviderError) as caught:
        polled("completed-without-output")
    assert caught.value.reason is Reason.NO_ANSWER
    assert polled("completed-empty") == Done((), THEIRS, TEMPLATE)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"generation_id": THEIRS, "status": "completed", "output_url": None}),
        (201, {"generation_id": THEIRS, "status": "completed"}),
        (504, {"generation_id": THEIRS, "status": "queued"}),
    ],
)
def test_of_an_answer_that_cannot_be_used_the_id_is_kept_to_ask_by(status: int, body: dict[str, Any]) -> None:
    exchange = through(SLUG).submit(request(), OURS)
    with pytest.raises(ProviderError) as caught:
        exchange.read(Answer(status, {}, json.dumps(body).encode()))
    assert (caught.value.reason, caught.value.theirs) == (Reason.NO_ANSWER, THEIRS)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("failed", Reason.PROVIDER_FAILED),
        ("failed-by-content", Reason.CONTENT_REFUSED),
        ("output-expired", Reason.EXPIRED),
    ],
)
def test_a_generation_that_ended_badly_says_why(payload: str, reason: Reason) -> None:
    report = polled(payload)
    assert isinstance(report, Failed)
    assert (report.reason, report.theirs) == (reason, THEIRS)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("refused-400", Reason.INVALID_REQUEST),
        ("refused-401", Reason.KEY_REFUSED),
        ("refused-402", Reason.NO_CREDIT),
        ("refused-404", Reason.NOT_OFFERED),
        ("refused-422", Reason.INVALID_REQUEST),
        ("content-refused", Reason.CONTENT_REFUSED),
        ("busy-429", Reason.RATE_LIMITED),
    ],
)
def test_each_refusal_has_its_reason(payload: str, reason: Reason) -> None:
    report = submitted(payload)
    assert isinstance(report, Failed)
    assert report.reason is reason


@pytest.mark.parametrize("payload", ["silent-502", "silent-503"])
def test_its_outages_leave_the_outcome_open(payload: str) -> None:
    with pytest.raises(ProviderError) as caught:
        submitted(payload)
    assert caught.value.reason is Reason.NO_ANSWER
    assert answer(SLUG, payload).status not in through(SLUG).traits.busy


def test_a_callback_is_believed_only_with_its_signature_once_there_is_a_secret() -> None:
    body = answer(SLUG, "completed-output-urls").body
    signature = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    careful, trusting = through(SLUG, webhook_secret="s3cret"), through(SLUG)
    theirs, report = careful.read_webhook({"X-Prospolabs-Signature": signature}, body)
    assert (theirs, type(report)) == (THEIRS, Done)
    assert trusting.read_webhook({}, body) == (theirs, report)
    for headers in ({}, {"x-prospolabs-signature": "0" * 64}, {"x-prospolabs-signature": "é"}):
        with pytest.raises(ProviderError):
            careful.read_webhook(headers, body)


@pytest.mark.parametrize(
    "body",
    [
        {"generation_id": THEIRS, "status": "completed"},
        {"event": "generation.completed", "data": {"generation_id": THEIRS, "status": "completed"}},
        {"data": {"generation_id": THEIRS, "status": "processing"}, "attempt": 1},
    ],
)
def test_a_callback_that_only_says_whose_news_it_has_is_reason_enough_to_ask(body: dict[str, Any]) -> None:
    told = through(SLUG).read_webhook({}, json.dumps(body).encode())
    assert told == (THEIRS, Running(THEIRS))


def test_the_balance_is_in_dollars() -> None:
    balance = sent(through(SLUG).balance()).read(answer(SLUG, "balance"))
    assert (balance.unit, balance.micros) == ("USD", 12_340_000)


def test_a_callback_that_names_no_generation_is_not_its_hand() -> None:
    with pytest.raises(ProviderError):
        through(SLUG).read_webhook({}, b'{"status": "completed", "output_url": "https://evil.example/1.png"}')
