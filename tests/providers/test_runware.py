"""Runware, by what it was seen or said to answer."""

import dataclasses
import json
from typing import Any

import pytest

from providers.adapters.runware import Runware
from providers.errors import ProviderError, Reason
from providers.values import Accepted, Answer, Cost, Done, Failed, Report, Running

from .captured import OURS, answer, references, request, sent, through

SLUG = "runware"
THEIRS = str(OURS)


def task(**asked: Any) -> dict[str, Any]:
    (only,) = json.loads(through(SLUG).submit(request(**asked), OURS).body or b"")
    assert isinstance(only, dict)
    return only


def submitted(payload: str) -> Report:
    return through(SLUG).submit(request(), OURS).read(answer(SLUG, payload))


@pytest.mark.parametrize("code", ["timeoutProvider", "serverError", "taskNotFound"])
def test_a_call_that_ran_out_of_time_with_some_pictures_goes_on_and_is_asked_for_the_others(
    code: str,
) -> None:
    made = {"taskType": "imageInference", "taskUUID": THEIRS, "imageUUID": "a", "imageURL": "https://im/a"}
    error = {"code": code, "status": "error", "message": "The task goes on.", "taskUUID": THEIRS}
    body = json.dumps({"data": [made], "errors": [error]}).encode()
    report = through(SLUG).submit(request(count=2), OURS).read(Answer(200, {}, body))
    assert isinstance(report, Running)
    assert [one.key for one in report.results] == ["a"]


def test_our_id_is_the_tasks_id_and_the_answer_is_not_waited_for() -> None:
    exchange = through(SLUG).submit(request(), OURS)
    assert exchange.url == "https://api.runware.ai/v1"
    assert task() == {
        "taskType": "imageInference",
        "taskUUID": THEIRS,
        "model": "bytedance:seedream@5.0-lite",
        "positivePrompt": "an ink-wash mountain at dawn",
        "width": 2048,
        "height": 2048,
        "numberResults": 1,
        "outputType": "URL",
        "deliveryMethod": "async",
        "includeCost": True,
    }


def test_everything_asked_is_said_in_its_words() -> None:
    said = task(
        count=20,
        aspect_ratio="16:9",
        resolution="3K",
        output_format="jpeg",
        output_quality=20,
        safety_check=False,
        ttl=60,
        include_cost=False,
        upload_url="https://bucket.example/put?sig=1",
        sequential=4,
        prompt_optimization="fast",
        webhook_url="https://example.org/hooks/x",
        references=references(11),
    )
    assert (said["width"], said["height"], said["numberResults"]) == (4096, 2304, 20)
    assert (said["outputFormat"], said["outputQuality"], said["ttl"]) == ("JPG", 20, 60)
    assert said["safety"] == {"checkContent": False}
    assert said["includeCost"] is False
    assert said["uploadEndpoint"] == "https://bucket.example/put?sig=1"
    assert said["webhookURL"] == "https://example.org/hooks/x"
    assert said["providerSettings"] == {"bytedance": {"maxSequentialImages": 4, "optimizePromptMode": "fast"}}
    pictures = said["inputs"]["referenceImages"]
    assert len(pictures) == 11
    assert pictures[0].startswith("data:image/png;base64,")


@pytest.mark.parametrize(
    ("asked", "field", "word"),
    [
        ({"output": "base64"}, "outputType", "base64Data"),
        ({"output": "data_uri"}, "outputType", "dataURI"),
        ({"output_format": "png"}, "outputFormat", "PNG"),
        ({"output_format": "webp"}, "outputFormat", "WEBP"),
        ({"output_format": "avif"}, "outputFormat", "PNG"),
        ({"delivery": "sync"}, "deliveryMethod", "sync"),
        ({"delivery": "webhook"}, "deliveryMethod", "async"),
        ({"width": 2500, "height": 1500}, "width", 2500),
        ({"aspect_ratio": "auto", "resolution": "3K"}, "height", 3072),
    ],
)
def test_each_choice_has_its_word(asked: dict[str, Any], field: str, word: object) -> None:
    assert not through(SLUG).profile.offers[0].problems(request(**asked))
    assert task(**asked)[field] == word


@pytest.mark.parametrize(
    ("shape", "resolution", "pixels"),
    [
        ((4000, 3000), "2K", (2368, 1776)),
        ((600, 1000), "3K", (2384, 3968)),
        ((7, 7000), "2K", (512, 8192)),
        ((7000, 7), "3K", (12288, 768)),
        (None, None, (2048, 2048)),
    ],
)
def test_an_automatic_aspect_is_the_first_references(
    shape: tuple[int, int] | None, resolution: str | None, pixels: tuple[int, int]
) -> None:
    first, second = references(2)
    asked = {"aspect_ratio": "auto", "resolution": resolution}
    said = task(references=(dataclasses.replace(first, size=shape), second), **asked)
    assert (said["width"], said["height"]) == pixels
    assert through(SLUG).profile.offers[0].sizes.allows_exact(*pixels)
    named = task(references=(dataclasses.replace(first, size=shape),), aspect_ratio="16:9")
    assert (named["width"], named["height"]) == (2848, 1600)


def test_a_related_set_too_large_for_one_answer_comes_by_links() -> None:
    assert task(output="base64", count=1, sequential=2)["outputType"] == "base64Data"
    assert task(output="base64", count=1, sequential=3)["outputType"] == "URL"
    assert task(output="data_uri", count=2, sequential=2)["outputType"] == "URL"


def test_a_call_that_waits_is_not_called_back() -> None:
    assert "webhookURL" not in task(delivery="sync", webhook_url="https://example.org/hooks/x")


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"seed": 0}, "seed"),
        ({"negative_prompt": "fog"}, "negative_prompt"),
        ({"resolution": "1K"}, "resolution"),
        ({"width": 1024, "height": 1024}, "width"),
        ({"width": 2048}, "height"),
        ({"prompt": "x" * 2001}, "prompt"),
        ({"ttl": 59}, "ttl"),
        ({"ttl": 60, "output": "base64"}, "ttl"),
        ({"sequential": 15, "references": references(1)}, "sequential"),
        ({"references": references(15)}, "references"),
    ],
)
def test_what_it_cannot_honour_is_named(asked: dict[str, Any], field: str) -> None:
    assert field in through(SLUG).profile.offers[0].problems(request(**asked))


def test_one_acknowledgement_stands_for_any_number_of_pictures() -> None:
    assert submitted("acknowledged") == Accepted(THEIRS)


def test_pictures_are_told_apart_by_their_own_ids_and_a_flagged_one_is_kept() -> None:
    report = submitted("two-pictures")
    assert isinstance(report, Done)
    assert len({result.key for result in report.results}) == 2
    assert THEIRS not in {result.key for result in report.results}
    assert [result.seed for result in report.results] == [7317321928541842, 0]
    assert [result.flagged for result in report.results] == [False, True]
    assert report.cost == Cost("0.035 + 0.035 USD", 70_000)


@pytest.mark.parametrize(
    ("told", "seed"), [("7.0", 7), ("1.5", None), ("1e300", None), ('"7"', None), ("0", 0)]
)
def test_a_seed_is_a_whole_number_however_it_is_written(told: str, seed: int | None) -> None:
    body = f'{{"data": [{{"imageURL": "https://im.runware.ai/1.jpg", "seed": {told}}}]}}'
    report = through(SLUG).submit(request(), OURS).read(Answer(200, {}, body.encode()))
    assert isinstance(report, Done)
    assert report.results[0].seed == seed


@pytest.mark.parametrize("payload", ["picture-as-base64", "picture-as-data-uri"])
def test_bytes_come_in_either_wrapping(payload: str) -> None:
    report = submitted(payload)
    assert isinstance(report, Done)
    assert report.results[0].data is not None
    assert report.results[0].data.startswith(b"GIF89a")


@pytest.mark.parametrize("payload", ["conflict-400", "conflict-200"])
def test_a_conflict_over_our_id_is_good_news(payload: str) -> None:
    assert submitted(payload) == Accepted(THEIRS)


@pytest.mark.parametrize(
    "payload", ["neither-data-nor-errors", "sync-timed-out", "silent-500", "silent-503", "not-there-yet"]
)
def test_what_leaves_the_outcome_open_is_no_refusal(payload: str) -> None:
    with pytest.raises(ProviderError) as caught:
        submitted(payload)
    assert caught.value.reason is Reason.NO_ANSWER


def test_a_waiting_call_that_timed_out_there_goes_on_and_is_no_failure() -> None:
    with pytest.raises(ProviderError) as caught:
        submitted("failed-by-timeout")
    assert caught.value.reason is Reason.NO_ANSWER


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("refused-401", Reason.KEY_REFUSED),
        ("refused-402", Reason.NO_CREDIT),
        ("refused-403", Reason.KEY_REFUSED),
        ("refused-model", Reason.NOT_OFFERED),
        ("refused-400-cross-field", Reason.INVALID_REQUEST),
        ("refused-unknown-parameter", Reason.INVALID_REQUEST),
        ("refused-prestream", Reason.INVALID_REQUEST),
        ("content-refused", Reason.CONTENT_REFUSED),
        ("content-refused-with-success", Reason.CONTENT_REFUSED),
        ("failed-by-content", Reason.CONTENT_REFUSED),
        ("busy-429", Reason.RATE_LIMITED),
        ("busy-with-success", Reason.RATE_LIMITED),
    ],
)
def test_each_refusal_has_its_reason_whatever_the_status(payload: str, reason: Reason) -> None:
    report = submitted(payload)
    assert isinstance(report, Failed)
    assert report.reason is reason


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (400, "somethingNew", Reason.INVALID_REQUEST),
        (404, "endpointNotFound", Reason.NOT_OFFERED),
        (429, "providerBusy", Reason.RATE_LIMITED),
    ],
)
def test_a_code_nobody_knows_leaves_the_status_to_say_it(status: int, code: str, reason: Reason) -> None:
    told = Answer(status, {}, json.dumps({"errors": [{"code": code}]}).encode())
    report = through(SLUG).submit(request(), OURS).read(told)
    assert isinstance(report, Failed)
    assert report.reason is reason


def test_an_outage_is_no_refusal_whatever_code_it_carries() -> None:
    with pytest.raises(ProviderError):
        through(SLUG).submit(request(), OURS).read(Answer(500, {}, b'{"errors": [{"code": "invalidModel"}]}'))


def test_it_says_when_to_come_back() -> None:
    report = submitted("busy-429")
    assert isinstance(report, Failed)
    assert report.retry_after == 2


@pytest.mark.parametrize("payload", ["webhook-flat", "webhook-wrapped"])
def test_a_webhook_brings_one_picture_and_never_the_end(payload: str) -> None:
    theirs, report = through(SLUG).read_webhook({}, answer(SLUG, payload).body)
    assert theirs == THEIRS
    assert isinstance(report, Running)
    assert len(report.results) == 1


def test_a_webhook_may_wrap_its_one_picture_without_a_list() -> None:
    (entry,) = json.loads(answer(SLUG, "webhook-wrapped").body)["data"]
    theirs, report = through(SLUG).read_webhook({}, json.dumps({"data": entry}).encode())
    assert theirs == THEIRS
    assert isinstance(report, Running)
    assert len(report.results) == 1


def test_a_webhook_of_one_failure_does_not_fail_the_others() -> None:
    theirs, report = through(SLUG).read_webhook({}, answer(SLUG, "webhook-failure").body)
    assert (theirs, report) == (THEIRS, Running(THEIRS))


def test_a_webhook_that_names_no_task_is_not_its_hand() -> None:
    with pytest.raises(ProviderError):
        through(SLUG).read_webhook({}, b'{"data": []}')


@pytest.mark.parametrize("payload", ["balance-number", "balance-object"])
def test_the_balance_is_a_number_or_an_object(payload: str) -> None:
    balance = sent(through(SLUG).balance()).read(answer(SLUG, payload))
    assert (balance.unit, balance.micros) == ("USD", 12_345_000)


def test_a_dry_run_prices_a_request_without_making_it() -> None:
    gateway = through(SLUG)
    assert isinstance(gateway, Runware)
    exchange = gateway.quote(request(count=2), OURS)
    assert exchange.headers["x-runware-dry-run"] == "1"
    assert "x-runware-dry-run" not in gateway.submit(request(), OURS).headers
    assert exchange.read(answer(SLUG, "dry-run")) == Cost("0.07 USD", 70_000, final=False)
    with pytest.raises(ProviderError):
        exchange.read(answer(SLUG, "refused-400-cross-field"))
