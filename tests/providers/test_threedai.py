"""3D AI Studio, by what it was seen or said to answer."""

import json
from typing import Any

import pytest

from providers.errors import ProviderError, Reason
from providers.values import Accepted, Answer, Cost, Done, Failed, Report, Running

from .captured import OURS, answer, fields, references, request, sent, through

SLUG = "threedai"
TASK = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"


def submitted(payload: str) -> Report:
    return through(SLUG).submit(request(), OURS).read(answer(SLUG, payload))


def polled(payload: str, **settings: Any) -> Report:
    return sent(through(SLUG, **settings).poll(TASK)).read(answer(SLUG, payload))


def test_every_path_ends_in_a_slash() -> None:
    gateway = through(SLUG)
    exchanges = [
        gateway.submit(request(), OURS),
        gateway.submit(request(references=references(1)), OURS),
        sent(gateway.poll(TASK)),
        sent(gateway.balance()),
    ]
    assert all(exchange.url.endswith("/") for exchange in exchanges)
    assert exchanges[2].url == f"https://api.3daistudio.com/v1/generation-request/{TASK}/status/"


def test_a_plain_request_says_everything_asked_and_no_is_an_answer() -> None:
    exchange = through(SLUG).submit(
        request(count=6, aspect_ratio="16:9", resolution="2K", seed=0, safety_check=False), OURS
    )
    assert exchange.url.endswith("/v1/images/seedream/v5/lite/generate/")
    assert fields(exchange) == {
        "prompt": "an ink-wash mountain at dawn",
        "image_size": "landscape_16_9",
        "num_images": 6,
        "seed": 0,
        "enable_safety_checker": False,
    }


@pytest.mark.parametrize(
    ("asked", "preset"),
    [
        ({}, "auto_2K"),
        ({"resolution": "3K"}, "auto_3K"),
        ({"aspect_ratio": "1:1", "resolution": "2K"}, "square_hd"),
        ({"aspect_ratio": "3:4"}, "portrait_4_3"),
        ({"aspect_ratio": "9:16"}, "portrait_16_9"),
        ({"aspect_ratio": "4:3"}, "landscape_4_3"),
    ],
)
def test_sizes_are_said_as_presets(asked: dict[str, Any], preset: str) -> None:
    assert not through(SLUG).profile.offers[0].problems(request(**asked))
    assert fields(through(SLUG).submit(request(**asked), OURS))["image_size"] == preset


def test_a_seed_is_any_whole_number_from_nothing_up() -> None:
    for seed in (0, 2**31, 2**63 - 1):
        asked = request(seed=seed)
        assert not through(SLUG).profile.offers[0].problems(asked)
        assert fields(through(SLUG).submit(asked, OURS))["seed"] == seed


def test_an_aspect_in_3k_and_the_aspects_it_lacks_are_refused_by_name() -> None:
    (offer,) = through(SLUG).profile.offers
    assert "resolution" in offer.problems(request(aspect_ratio="16:9", resolution="3K"))
    assert "aspect_ratio" in offer.problems(request(aspect_ratio="21:9"))


def test_references_travel_inside_the_request_although_the_field_says_urls() -> None:
    exchange = through(SLUG).submit(request(references=references(10)), OURS)
    assert exchange.url.endswith("/v1/images/seedream/v5/lite/edit/")
    links = fields(exchange)["image_urls"]
    assert isinstance(links, list)
    assert len(links) == 10
    assert all(link.startswith("data:image/png;base64,iVBOR") for link in links)


@pytest.mark.parametrize("payload", ["accepted", "accepted-201"])
def test_any_success_with_a_task_id_is_acceptance(payload: str) -> None:
    assert submitted(payload) == Accepted(TASK)


def test_progress_is_told_until_the_end() -> None:
    assert polled("pending") == Running(TASK, 0)
    assert polled("in-progress") == Running(TASK, 60)


def test_the_shape_of_the_page_and_the_newer_shape_are_understood() -> None:
    page, newer = polled("finished-page-shape"), polled("finished-newer-shape")
    assert isinstance(page, Done)
    assert isinstance(newer, Done)
    assert [result.url for result in page.results] == [
        "https://storage.3daistudio.com/assets/img_001.png",
        "https://cdn.3daistudio.com/images/img_002.png",
    ]
    assert [result.key for result in newer.results] == ["1"]
    assert polled("finished-empty") == Done((), TASK, Cost("0 credits", 0, final=False))


@pytest.mark.parametrize("asset", ["6f0f1c0e", "a1b2c3d4e5f67890", "assets/img_001.png", None])
def test_an_asset_that_is_a_mere_name_leaves_the_link_to_the_other_field(asset: str | None) -> None:
    entry = {"asset": asset, "asset_url": "https://cdn.3daistudio.com/1.png", "asset_type": "image"}
    body = json.dumps({"status": "FINISHED", "results": [entry]}).encode()
    report = sent(through(SLUG).poll(TASK)).read(Answer(200, {}, body))
    assert isinstance(report, Done)
    assert [(one.url, one.data) for one in report.results] == [("https://cdn.3daistudio.com/1.png", None)]


def test_finished_without_a_list_is_no_answer() -> None:
    told = Answer(200, {}, b'{"status": "FINISHED", "progress": 100, "results": null}')
    with pytest.raises(ProviderError) as caught:
        sent(through(SLUG).poll(TASK)).read(told)
    assert caught.value.reason is Reason.NO_ANSWER


def test_credits_become_dollars_at_the_rate_of_the_account() -> None:
    usual, dear = polled("finished-page-shape"), polled("finished-page-shape", usd_per_credit="0.01")
    assert isinstance(usual, Done)
    assert isinstance(dear, Done)
    assert usual.cost == Cost("20 credits", 80_000)
    assert dear.cost == Cost("20 credits", 200_000)
    for nonsense in ("a lot", "-1", "NaN"):
        with pytest.raises(ValueError, match="usd_per_credit"):
            through(SLUG, usd_per_credit=nonsense)


def test_failure_inside_a_success_status_is_a_failure_with_its_reason() -> None:
    crashed, refused = polled("failed"), polled("failed-by-content")
    assert isinstance(crashed, Failed)
    assert isinstance(refused, Failed)
    assert (crashed.reason, crashed.detail) == (Reason.PROVIDER_FAILED, "Upstream worker crashed")
    assert refused.reason is Reason.CONTENT_REFUSED


def test_a_refusal_by_content_rules_is_told_by_its_message_where_its_code_is_vague() -> None:
    told = {"code": "validation_failed", "message": "Prompt was blocked by the content policy."}
    report = through(SLUG).submit(request(), OURS).read(Answer(400, {}, json.dumps({"error": told}).encode()))
    assert isinstance(report, Failed)
    assert report.reason is Reason.CONTENT_REFUSED


def test_a_redirect_is_an_error_and_is_never_followed() -> None:
    with pytest.raises(ProviderError) as caught:
        submitted("redirect-without-slash")
    assert caught.value.reason is Reason.INVALID_REQUEST


@pytest.mark.parametrize(
    ("payload", "reason", "words"),
    [
        ("refused-400-flat", Reason.INVALID_REQUEST, "image_size is not valid"),
        ("refused-400-nested", Reason.INVALID_REQUEST, "validation_failed"),
        ("refused-400-fields", Reason.INVALID_REQUEST, '"huge" is not a valid choice'),
        ("refused-401", Reason.KEY_REFUSED, "api_key_expired"),
        ("refused-402", Reason.NO_CREDIT, "Not enough credits"),
        ("busy-429", Reason.RATE_LIMITED, "rate_limited"),
    ],
)
def test_each_refusal_has_its_reason_in_whichever_envelope(payload: str, reason: Reason, words: str) -> None:
    report = submitted(payload)
    assert isinstance(report, Failed)
    assert report.reason is reason
    assert words in report.detail


def test_a_busy_answer_to_a_question_does_not_end_the_task() -> None:
    with pytest.raises(ProviderError) as caught:
        polled("busy-429")
    assert (caught.value.reason, caught.value.retry_after) == (Reason.RATE_LIMITED, 20)
    with pytest.raises(ProviderError) as caught:
        polled("task-unknown")
    assert caught.value.reason is Reason.NOT_FOUND


def test_three_submits_a_minute_and_whether_questions_count() -> None:
    assert (through(SLUG).traits.rpm, through(SLUG).traits.polls_counted) == (3, False)
    assert through(SLUG, rate_counts_polls=True).traits.polls_counted
    assert through(SLUG).traits.pace[0] >= 10


def test_the_wallet_is_a_string_of_credits_on_a_path_with_two_spellings() -> None:
    exchange = sent(through(SLUG).balance())
    balance = exchange.read(answer(SLUG, "balance"))
    assert (str(balance.amount), balance.unit, balance.micros) == ("150.00", "credits", 600_000)
    assert exchange.url == "https://api.3daistudio.com/account/user/wallet/"
    other = sent(through(SLUG, wallet_path="/user/wallet/").balance())
    assert other.url == "https://api.3daistudio.com/user/wallet/"
