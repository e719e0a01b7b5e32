"""AIgateway, by what it was seen or said to answer."""

import hashlib
import hmac
import json
from email import message_from_bytes
from email.policy import HTTP
from typing import Any

import pytest

from providers.errors import ProviderError, Reason
from providers.values import Accepted, Answer, Balance, Cost, Done, Failed, Report, Running

from .captured import OURS, answer, fields, png, references, request, sent, through

SLUG = "aigateway"


def submitted(payload: str, **settings: Any) -> Report:
    return through(SLUG, **settings).submit(request(), OURS).read(answer(SLUG, payload))


def polled(payload: str) -> Report:
    return sent(through(SLUG).poll("job_8s2m")).read(answer(SLUG, payload))


def test_words_alone_go_to_the_generations_path_with_our_key_and_without_the_cache() -> None:
    exchange = through(SLUG).submit(request(count=4, aspect_ratio="16:9", resolution="2K"), OURS)
    assert exchange.url == "https://api.aigateway.sh/v1/images/generations"
    assert fields(exchange) == {
        "model": "bytedance/bytedance-seedream-v5-lite-edit",
        "prompt": "an ink-wash mountain at dawn",
        "n": 4,
        "size": "2848x1600",
        "response_format": "url",
    }
    assert exchange.headers["idempotency-key"] == exchange.headers["x-request-id"] == str(OURS)
    assert exchange.headers["x-cache"] == "skip"


def test_a_size_is_always_named_and_bytes_are_asked_for_when_wanted() -> None:
    sent_fields = fields(through(SLUG).submit(request(output="base64"), OURS))
    assert (sent_fields["size"], sent_fields["response_format"]) == ("2048x2048", "b64_json")
    assert fields(through(SLUG).submit(request(width=1024, height=1024), OURS))["size"] == "1024x1024"
    assert fields(through(SLUG).submit(request(aspect_ratio="auto"), OURS))["size"] == "auto"


@pytest.mark.parametrize(("count", "name"), [(1, "image"), (3, "image[]")])
def test_references_go_to_the_edits_path_as_files_of_a_form(count: int, name: str) -> None:
    exchange = through(SLUG).submit(request("tea 茶", references=references(count)), OURS)
    assert exchange.url == "https://api.aigateway.sh/v1/images/edits"
    form = message_from_bytes(
        f"content-type: {exchange.headers['content-type']}\r\n\r\n".encode() + (exchange.body or b""),
        policy=HTTP,
    )
    parts: dict[str, list[Any]] = {}
    for part in form.iter_parts():
        parts.setdefault(str(part.get_param("name", header="content-disposition")), []).append(part)
    assert [part.get_payload(decode=True) for part in parts[name]] == [png(n) for n in range(count)]
    assert {part.get_content_type() for part in parts[name]} == {"image/png"}
    assert parts["prompt"][0].get_payload(decode=True).decode() == "tea 茶"
    assert parts["n"][0].get_payload(decode=True) == b"1"


def test_a_link_comes_with_its_request_id_and_its_cost_in_cents() -> None:
    report = submitted("picture-by-link")
    assert isinstance(report, Done)
    assert [result.url for result in report.results] == ["https://media.aigateway.sh/img/abc123.png"]
    assert report.request_id == "req_7f3k"
    assert report.cost == Cost("3.5 cents", 35_000)


def test_bytes_come_although_a_link_was_asked_for() -> None:
    report = submitted("picture-as-base64")
    assert isinstance(report, Done)
    (result,) = report.results
    assert (result.url, result.data and result.data[:6]) == (None, b"GIF89a")
    assert result.revised_prompt == "a cyberpunk cat, at sunset"


def test_good_pictures_beside_failed_ones_are_kept_under_keys_of_their_own() -> None:
    report = submitted("three-of-four")
    assert isinstance(report, Done)
    assert [result.key for result in report.results] == ["0", "3"]
    assert report.failed == 2


def test_a_list_of_nothing_but_errors_says_why_and_costs_nothing() -> None:
    refused = {"error": {"code": "OutputImageSensitiveContentDetected", "message": "Refused."}}
    crashed = {"error": {"code": "InternalServiceError", "message": "Try again."}}
    for entries, reason in (
        ([refused], Reason.CONTENT_REFUSED),
        ([crashed, crashed], Reason.PROVIDER_FAILED),
    ):
        body = json.dumps({"created": 1, "data": entries}).encode()
        report = through(SLUG).submit(request(), OURS).read(Answer(200, {"x-request-id": "req_1"}, body))
        assert isinstance(report, Failed)
        assert (report.reason, report.request_id) == (reason, "req_1")


def test_success_without_pictures_is_done_and_success_without_a_list_is_no_answer() -> None:
    assert submitted("success-without-pictures") == Done(())
    with pytest.raises(ProviderError) as caught:
        submitted("success-with-null-data")
    assert caught.value.reason is Reason.NO_ANSWER


def test_a_key_attached_there_is_paid_elsewhere() -> None:
    assert through(SLUG, byok=True).traits.paid_elsewhere
    assert not through(SLUG).traits.paid_elsewhere
    with_cost = submitted("picture-by-link", byok=True)
    nothing_told = submitted("success-without-pictures", byok=True)
    assert isinstance(with_cost, Done)
    assert isinstance(nothing_told, Done)
    assert (with_cost.cost, nothing_told.cost) == (Cost("3.5 cents", 35_000), None)


def test_a_cost_of_nothing_is_recorded_and_not_believed() -> None:
    free = Answer(200, {"x-cost-cents": "0"}, answer(SLUG, "picture-by-link").body)
    report = through(SLUG).submit(request(), OURS).read(free)
    assert isinstance(report, Done)
    assert report.cost == Cost("0 cents", 0, final=False)


def test_a_negative_cost_is_recorded_and_is_no_amount() -> None:
    odd = Answer(200, {"x-cost-cents": "-3.5"}, answer(SLUG, "picture-by-link").body)
    report = through(SLUG).submit(request(), OURS).read(odd)
    assert isinstance(report, Done)
    assert report.cost == Cost("-3.5 cents", None, final=False)


def test_of_a_link_and_bytes_the_link_is_kept_because_a_row_can_hold_it() -> None:
    both = b'{"data": [{"url": "https://media.aigateway.sh/1.png", "b64_json": "R0lGODlh"}]}'
    report = through(SLUG).submit(request(), OURS).read(Answer(200, {}, both))
    assert isinstance(report, Done)
    assert [(one.url, one.data) for one in report.results] == [("https://media.aigateway.sh/1.png", None)]


def test_a_slow_model_is_answered_with_a_job() -> None:
    assert submitted("job-accepted") == Accepted("job_8s2m", "req_8s2m")
    assert sent(through(SLUG).poll("job_8s2m")).url.endswith("/v1/jobs/job_8s2m")


@pytest.mark.parametrize(
    "told",
    [
        {"id": "job_8s2m", "object": "job", "status": "queued", "data": None},
        {"id": "job_8s2m", "object": "job", "status": "queued", "data": []},
        {"job_id": "job_8s2m", "status": "queued"},
    ],
)
def test_a_job_is_known_by_its_id_whatever_stands_beside_it(told: dict[str, Any]) -> None:
    answered = Answer(202, {}, json.dumps(told).encode())
    assert through(SLUG).submit(request(), OURS).read(answered) == Accepted("job_8s2m")


def test_a_job_that_is_said_to_be_done_and_shows_nothing_can_be_asked_for() -> None:
    done = Answer(202, {}, b'{"id": "job_8s2m", "object": "job", "status": "completed", "data": []}')
    with pytest.raises(ProviderError) as caught:
        through(SLUG).submit(request(), OURS).read(done)
    assert (caught.value.reason, caught.value.theirs) == (Reason.NO_ANSWER, "job_8s2m")


def test_an_empty_list_of_pictures_is_no_job_whatever_stands_beside_it() -> None:
    told = b'{"created": 1, "object": "list", "id": "img_77", "status": "completed", "data": []}'
    report = through(SLUG).submit(request(), OURS).read(Answer(200, {}, told))
    assert report == Done(())


def test_a_finished_job_with_an_empty_list_is_done_and_one_without_any_result_is_no_answer() -> None:
    exchange = sent(through(SLUG).poll("job_8s2m"))
    empty = b'{"status": "completed", "result": {"file_url": null, "data": []}}'
    assert exchange.read(Answer(200, {}, empty)) == Done((), "job_8s2m")
    with pytest.raises(ProviderError) as caught:
        exchange.read(Answer(200, {}, b'{"status": "completed", "result": null}'))
    assert caught.value.reason is Reason.NO_ANSWER


def test_a_job_of_several_pictures_names_them_in_either_list() -> None:
    exchange = sent(through(SLUG).poll("job_8s2m"))
    links = [f"https://media.aigateway.sh/jobs/{number}.png" for number in range(3)]
    for listed in ({"data": [{"url": link} for link in links]}, {"file_urls": links}):
        told = {"status": "completed", "result": {"file_url": links[0], **listed}}
        report = exchange.read(Answer(200, {}, json.dumps(told).encode()))
        assert isinstance(report, Done)
        assert [result.url for result in report.results] == links


def test_a_job_asked_too_soon_keeps_its_state() -> None:
    assert polled("job-asked-too-soon") == polled("job-running") == Running("job_8s2m")


@pytest.mark.parametrize("payload", ["job-completed-docs", "job-completed-client"])
def test_both_shapes_of_a_finished_job_are_understood(payload: str) -> None:
    report = polled(payload)
    assert isinstance(report, Done)
    assert [result.url for result in report.results] == [
        f"https://media.aigateway.sh/jobs/8s2m.png?sig={1 if 'docs' in payload else 2}"
    ]
    assert [result.key for result in report.results] == ["0"]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("job-failed-docs", Reason.TIMED_OUT),
        ("job-failed-client", Reason.CONTENT_REFUSED),
        ("job-cancelled", Reason.CANCELED),
    ],
)
def test_both_shapes_of_a_failed_job_are_understood(payload: str, reason: Reason) -> None:
    report = polled(payload)
    assert isinstance(report, Failed)
    assert report.reason is reason


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("refused-400", Reason.INVALID_REQUEST),
        ("content-refused", Reason.CONTENT_REFUSED),
        ("refused-401-numeric-code", Reason.KEY_REFUSED),
        ("refused-402", Reason.NO_CREDIT),
        ("refused-402-budget", Reason.NO_CREDIT),
        ("refused-403", Reason.KEY_REFUSED),
        ("refused-404", Reason.NOT_OFFERED),
        ("refused-413", Reason.INVALID_REQUEST),
        ("refused-422", Reason.INVALID_REQUEST),
        ("busy-429", Reason.RATE_LIMITED),
        ("busy-503", Reason.BUSY),
    ],
)
def test_each_refusal_has_its_reason(payload: str, reason: Reason) -> None:
    report = submitted(payload)
    assert isinstance(report, Failed)
    assert report.reason is reason
    assert report.reason.refused


@pytest.mark.parametrize(("payload", "seconds"), [("busy-429", 7), ("busy-429-date", 9), ("busy-503", 3)])
def test_it_says_when_to_come_back_in_seconds_or_as_a_date(payload: str, seconds: float) -> None:
    report = submitted(payload)
    assert isinstance(report, Failed)
    assert report.retry_after == seconds


@pytest.mark.parametrize("payload", ["silent-500", "silent-502", "silent-504", "silent-499"])
def test_what_leaves_the_outcome_open_is_no_refusal(payload: str) -> None:
    with pytest.raises(ProviderError) as caught:
        submitted(payload)
    assert caught.value.reason is Reason.NO_ANSWER


def test_a_conflict_over_our_own_key_means_it_has_the_request() -> None:
    with pytest.raises(ProviderError) as caught:
        submitted("conflict-409")
    assert caught.value.reason is Reason.IN_FLIGHT


def test_the_balance_is_in_cents() -> None:
    exchange = sent(through(SLUG).balance())
    balance = exchange.read(answer(SLUG, "balance"))
    assert isinstance(balance, Balance)
    assert balance.micros == 12_345_000


@pytest.mark.parametrize("form", ["two headers", "one header"])
def test_either_form_of_its_signature_is_accepted_and_another_secret_is_not(form: str) -> None:
    body = answer(SLUG, "webhook-event").body
    digest = hmac.new(b"whsec", b"1776947082." + body, hashlib.sha256).hexdigest()
    headers = {
        "two headers": {"Aig-Signature": digest, "Aig-Timestamp": "1776947082"},
        "one header": {"X-Gateway-Signature": f"t=1776947082,v1={digest}"},
    }[form]
    theirs, report = through(SLUG, webhook_secret="whsec").read_webhook(headers, body)
    assert theirs == "job_8s2m"
    assert isinstance(report, Done)
    assert report.cost == Cost("3.5 cents", 35_000)
    with pytest.raises(ProviderError):
        through(SLUG, webhook_secret="rotated").read_webhook(headers, body)
    with pytest.raises(ProviderError):
        through(SLUG, webhook_secret="whsec").read_webhook(headers, body + b" ")
    with pytest.raises(ProviderError):
        through(SLUG, webhook_secret="whsec").read_webhook({}, body)


def test_an_event_of_failure_and_a_bare_job_record_are_understood() -> None:
    _, failed = through(SLUG).read_webhook({}, answer(SLUG, "webhook-event-failed").body)
    assert isinstance(failed, Failed)
    theirs, bare = through(SLUG).read_webhook({}, answer(SLUG, "job-completed-docs").body)
    assert theirs == "job_8s2m"
    assert isinstance(bare, Done)
    with pytest.raises(ProviderError):
        through(SLUG).read_webhook({}, json.dumps({"type": "balance.low", "data": {}}).encode())
