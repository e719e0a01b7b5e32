"""The adapters and their twins in the sandbox, over real HTTP through the real door."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx
import pytest

from providers import registry
from providers.door import send_once
from providers.errors import ProviderError, Reason
from providers.provider import Provider
from providers.sandbox.faults import Fault
from providers.sandbox.server import Sandbox
from providers.sandbox.switches import SWITCHES
from providers.values import Accepted, Done, Exchange, Failed, Report, Result, Running

from .captured import references, request, sent, through

T = TypeVar("T")
MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF")
WAYS: list[Any] = [
    pytest.param(slug, settings, id=" ".join([slug, *settings]))
    for slug, settings in [
        ("aigateway", {}),
        ("aigateway", {"byok": True}),
        ("bytespike", {}),
        ("bytespike", {"tasks_api": True}),
        ("threedai", {}),
        ("runware", {}),
        ("prospolabs", {}),
        ("prospolabs", {"nested_params": True}),
    ]
]
every_way = pytest.mark.parametrize(("slug", "settings"), WAYS)
every_provider = pytest.mark.parametrize("slug", registry.ADAPTERS)


def at(sandbox: Sandbox, slug: str, **settings: Any) -> Provider:
    return through(slug, base_url=sandbox.origin(slug), **settings)


def ask(exchange: Exchange[T]) -> T:
    return exchange.read(send_once(exchange))


def followed(sandbox: Sandbox, provider: Provider, report: Report) -> Done | Failed:
    """Ask until it ends, moving the sandbox's clock instead of waiting."""
    theirs = report.theirs
    for _ in range(60):
        if isinstance(report, Done | Failed):
            return report
        assert theirs is not None
        sandbox.control.advance(11)
        report = ask(sent(provider.poll(theirs)))
    raise AssertionError(f"no end in sight: {report}")


def bought(sandbox: Sandbox, provider: Provider, **asked: Any) -> Done | Failed:
    return followed(sandbox, provider, ask(provider.submit(request(**asked), uuid4())))


def picture(result: Result) -> bytes:
    if result.data is not None:
        return result.data
    assert result.url is not None
    with httpx.Client(trust_env=False) as client:
        answer = client.get(result.url)
    assert answer.status_code == 200
    return answer.content


def fewest(provider: Provider) -> int:
    return min(2, provider.profile.offers[0].max_references)


@every_way
def test_pictures_arrive_and_are_billed_as_often_as_asked(
    sandbox: Sandbox, slug: str, settings: dict[str, Any]
) -> None:
    done = bought(sandbox, at(sandbox, slug, **settings), count=3)
    assert isinstance(done, Done), done
    assert len({picture.key for picture in done.results}) == 3
    assert all(picture(result).startswith(MAGIC) for result in done.results)
    totals = sandbox.control.totals(slug)
    assert (totals["calls"], totals["pictures"]) == (1, 3)
    if done.cost and done.cost.final and done.cost.micros:
        assert done.cost.micros == totals["net"]


@every_provider
def test_pictures_are_made_from_references_where_they_can_be(sandbox: Sandbox, slug: str) -> None:
    provider = at(sandbox, slug)
    (offer,) = provider.profile.offers
    for count in {min(1, offer.max_references), offer.max_references} - {0}:
        report = ask(provider.submit(request(references=references(count)), uuid4()))
        done = followed(sandbox, provider, report)
        assert isinstance(done, Done), done
        assert len(done.results) == 1
        sandbox.control.advance(60)  # three a minute at one of them


@every_provider
def test_every_size_on_offer_is_taken(sandbox: Sandbox, slug: str) -> None:
    provider = at(sandbox, slug)
    (offer,) = provider.profile.offers
    for aspect, resolution in offer.sizes.names:
        sandbox.control.advance(60)
        report = ask(provider.submit(request(aspect_ratio=aspect, resolution=resolution), uuid4()))
        assert not isinstance(report, Failed), (aspect, resolution, report)


def test_a_picture_has_the_size_the_prompt_and_the_options_that_were_asked(sandbox: Sandbox) -> None:
    sandbox.control.settings("runware", picture="drawn")
    done = bought(
        sandbox,
        at(sandbox, "runware"),
        output_format="png",
        output="base64",
        width=2048,
        height=1800,
        safety_check=True,
        prompt_optimization="standard",
        sequential=1,
    )
    assert isinstance(done, Done), done
    data = picture(done.results[0])
    assert data.startswith(b"\x89PNG")
    assert (int.from_bytes(data[16:20]), int.from_bytes(data[20:24])) == (2048, 1800)


@every_provider
def test_options_are_taken_in_the_words_they_are_said_in(sandbox: Sandbox, slug: str) -> None:
    provider = at(sandbox, slug)
    (offer,) = provider.profile.offers
    options: list[dict[str, Any]] = [
        {"seed": 0},
        {"seed": offer.seed_max},
        {"negative_prompt": "fog"},
        {"safety_check": False},
        {"prompt_optimization": "fast"},
        {"output": "base64"},
        {"output": "data_uri"},
        {"ttl": 60},
        {"sequential": 2},
        {"output_format": "webp", "output_quality": 20},
        {"delivery": "sync"},
        {"include_cost": False},
        {"count": offer.max_count},
        {"prompt": "山" * offer.prompt_max},
    ]
    for asked in options:
        if offer.problems(request(**asked)):
            continue
        sandbox.control.advance(60)
        done = bought(sandbox, provider, **asked)
        assert isinstance(done, Done), (asked, done)
        assert done.results


REFUSED = [
    (Fault.UNAUTHORIZED, Reason.KEY_REFUSED),
    (Fault.NO_CREDIT, Reason.NO_CREDIT),
    (Fault.FORBIDDEN, Reason.KEY_REFUSED),
    (Fault.RATE_LIMITED, Reason.RATE_LIMITED),
    (Fault.REFUSED_CONTENT, Reason.CONTENT_REFUSED),
]


@every_way
@pytest.mark.parametrize(("fault", "reason"), REFUSED)
def test_a_refusal_says_why_and_nothing_is_billed(
    sandbox: Sandbox, slug: str, settings: dict[str, Any], fault: Fault, reason: Reason
) -> None:
    sandbox.control.fault(fault, gateway=slug)
    failed = bought(sandbox, at(sandbox, slug, **settings))
    assert isinstance(failed, Failed), failed
    assert failed.reason is reason, failed
    assert sandbox.control.totals(slug)["net"] == 0


@every_way
@pytest.mark.parametrize("form", [{"retry_after": 7}, {"retry_after": 7, "as_date": True}])
def test_it_is_heard_when_to_come_back(
    punctual_sandbox: Sandbox, slug: str, settings: dict[str, Any], form: dict[str, Any]
) -> None:
    punctual_sandbox.control.fault(Fault.RATE_LIMITED, gateway=slug, **form)
    report = ask(at(punctual_sandbox, slug, **settings).submit(request(), uuid4()))
    assert isinstance(report, Failed)
    assert report.retry_after is not None
    assert 6 <= report.retry_after <= 8


def test_the_moment_in_dollar_headers_is_heard_too(punctual_sandbox: Sandbox) -> None:
    punctual_sandbox.control.fault(Fault.RATE_LIMITED, gateway="bytespike", reset=42)
    report = ask(at(punctual_sandbox, "bytespike").submit(request(), uuid4()))
    assert isinstance(report, Failed)
    assert report.retry_after is not None
    assert 40 <= report.retry_after <= 44


LOST = [
    Fault.SERVER_ERROR,
    Fault.BAD_GATEWAY,
    Fault.STATUS_AFTER,
    Fault.TRUNCATED,
    Fault.EMPTY_BODY,
    Fault.HTML,
]


@every_way
@pytest.mark.parametrize("fault", LOST)
def test_an_answer_that_cannot_be_read_is_never_a_refusal(
    sandbox: Sandbox, slug: str, settings: dict[str, Any], fault: Fault
) -> None:
    sandbox.control.fault(fault, gateway=slug)
    with pytest.raises(ProviderError) as caught:
        ask(at(sandbox, slug, **settings).submit(request(), uuid4()))
    assert caught.value.reason is Reason.NO_ANSWER


@every_way
@pytest.mark.parametrize("fault", [Fault.EXTRA_FIELDS, Fault.NULLS, Fault.WRONG_TYPE])
def test_an_odd_answer_is_still_understood(
    sandbox: Sandbox, slug: str, settings: dict[str, Any], fault: Fault
) -> None:
    sandbox.control.fault(fault, gateway=slug, operation="any", times=None)
    count = 1 if fault is Fault.NULLS else 2  # one gateway names the second picture in an optional field
    done = bought(sandbox, at(sandbox, slug, **settings), count=count)
    assert isinstance(done, Done), done
    assert len(done.results) == count


@every_way
@pytest.mark.parametrize("fault", [Fault.FEWER, Fault.ENTRY_ERROR])
def test_what_is_good_is_kept_when_pictures_are_missing(
    sandbox: Sandbox, slug: str, settings: dict[str, Any], fault: Fault
) -> None:
    sandbox.control.fault(fault, gateway=slug)
    done = bought(sandbox, at(sandbox, slug, **settings), count=3)
    assert isinstance(done, Done), done
    assert len(done.results) == 2
    assert all(picture(result).startswith(MAGIC) for result in done.results)


@every_way
def test_work_that_fails_there_is_a_failure_with_a_reason(
    sandbox: Sandbox, slug: str, settings: dict[str, Any]
) -> None:
    if not isinstance(ask(at(sandbox, slug, **settings).submit(request(), uuid4())), Accepted):
        sandbox.control.switch("aig.async_images", True)
        if slug == "bytespike":
            return  # a call that waits has no failure of its own: any of its errors is a status
    sandbox.control.advance(60)
    sandbox.control.fault(Fault.FAILS, gateway=slug)
    failed = bought(sandbox, at(sandbox, slug, **settings))
    assert isinstance(failed, Failed), failed
    assert not failed.reason.refused
    assert not failed.reason.passing


@pytest.mark.parametrize("slug", ["threedai", "runware", "prospolabs"])
@pytest.mark.parametrize(
    "fault", [Fault.RATE_LIMITED, Fault.SERVER_ERROR, Fault.BAD_GATEWAY, Fault.UNAUTHORIZED]
)
def test_a_question_that_fails_leaves_the_work_alone(sandbox: Sandbox, slug: str, fault: Fault) -> None:
    provider = at(sandbox, slug)
    accepted = ask(provider.submit(request(), uuid4()))
    assert isinstance(accepted, Accepted)
    sandbox.control.fault(fault, gateway=slug, operation="poll")
    with pytest.raises(ProviderError):
        ask(sent(provider.poll(accepted.theirs)))
    assert isinstance(followed(sandbox, provider, accepted), Done)


@pytest.mark.parametrize("slug", ["threedai", "runware", "prospolabs"])
def test_a_word_nobody_knows_means_it_is_still_running(sandbox: Sandbox, slug: str) -> None:
    provider = at(sandbox, slug)
    accepted = ask(provider.submit(request(), uuid4()))
    sandbox.control.advance(60)
    sandbox.control.fault(Fault.UNKNOWN_STATUS, gateway=slug)
    assert isinstance(ask(sent(provider.poll(str(accepted.theirs)))), Running)
    assert isinstance(followed(sandbox, provider, accepted), Done)


@every_way
def test_the_same_bytes_again_are_one_order_where_our_key_is_kept(
    sandbox: Sandbox, slug: str, settings: dict[str, Any]
) -> None:
    provider = at(sandbox, slug, **settings)
    if not provider.traits.keeps_our_key:
        return
    ours = uuid4()
    sandbox.control.fault(Fault.STATUS_AFTER, gateway=slug)
    with pytest.raises(ProviderError):
        ask(provider.submit(request(count=2), ours))
    done = followed(sandbox, provider, ask(provider.submit(request(count=2), ours)))
    assert isinstance(done, Done)
    assert len(done.results) == 2
    assert sandbox.control.totals(slug)["calls"] == 1


@every_way
def test_a_lost_answer_is_found_by_our_id_where_it_can_be(
    sandbox: Sandbox, slug: str, settings: dict[str, Any]
) -> None:
    provider, ours = at(sandbox, slug, **settings), uuid4()
    if not provider.traits.finds:
        return
    with pytest.raises(ProviderError) as caught:
        ask(sent(provider.find(ours)))
    assert caught.value.reason is Reason.NOT_FOUND
    sandbox.control.fault(Fault.STATUS_AFTER, gateway=slug)
    with pytest.raises(ProviderError):
        ask(provider.submit(request(), ours))
    done = followed(sandbox, provider, ask(sent(provider.find(ours))))
    assert isinstance(done, Done)
    assert sandbox.control.totals(slug)["calls"] == 1


@every_provider
def test_the_balance_is_read_and_a_refused_key_is_told(sandbox: Sandbox, slug: str) -> None:
    exchange = sent(at(sandbox, slug).balance())
    assert ask(exchange).micros == 1_000_000_000
    sandbox.control.fault(Fault.UNAUTHORIZED, gateway=slug, operation="balance")
    with pytest.raises(ProviderError) as caught:
        ask(exchange)
    assert caught.value.reason is Reason.KEY_REFUSED


ALTERNATIVES = [(name, value) for name, (_, *others) in SWITCHES.items() for value in others]
SLUG_OF = {"aig": "aigateway", "bs": "bytespike", "3d": "threedai", "rw": "runware", "pl": "prospolabs"}


@pytest.mark.parametrize(("name", "value"), ALTERNATIVES)
def test_either_reading_of_a_contradictory_page_works(sandbox: Sandbox, name: str, value: str) -> None:
    sandbox.control.switch(name, value)
    slug = SLUG_OF[name.partition(".")[0]]
    nested = {"nested_params": True} if (name, value) == ("pl.body_shape", "nested") else {}
    provider = at(sandbox, slug, **nested)
    done = bought(sandbox, provider, count=2)
    assert isinstance(done, Done), done
    # Where only the first of several outputs is named, the others cannot be had.
    assert len(done.results) == (1 if (name, value) in ONE_ONLY else 2)
    assert ask(sent(provider.balance())).micros is not None
    sandbox.control.advance(60)
    sandbox.control.fault(Fault.REFUSED_CONTENT, gateway=slug)
    failed = bought(sandbox, provider)
    assert isinstance(failed, Failed), failed
    assert failed.reason is Reason.CONTENT_REFUSED


ONE_ONLY = {("pl.multi_output", "first")}


def test_a_job_can_be_stopped(sandbox: Sandbox) -> None:
    sandbox.control.switch("aig.async_images", True)
    sandbox.control.settings("aigateway", latency=30)
    provider = at(sandbox, "aigateway")
    accepted = ask(provider.submit(request(), uuid4()))
    assert isinstance(accepted, Accepted)
    stopped = ask(sent(provider.cancel(accepted.theirs)))
    assert isinstance(stopped, Failed | Running)
    assert followed(sandbox, provider, stopped if stopped.theirs else accepted) == Failed(
        Reason.CANCELED, theirs=accepted.theirs
    )


@contextmanager
def listening() -> Iterator[tuple[str, "queue.Queue[tuple[dict[str, str], bytes]]"]]:
    """A place to be called back at."""
    heard: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()

    class Ear(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.put((dict(self.headers), self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Ear) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hooks/x", heard
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("shape", ["flat", "data"])
def test_runware_calls_back_once_for_each_picture(sandbox: Sandbox, shape: str) -> None:
    sandbox.control.switch("rw.webhook_shape", shape)
    provider, ours = at(sandbox, "runware"), UUID("0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f")
    with listening() as (address, heard):
        assert ask(provider.submit(request(count=3, webhook_url=address), ours)) == Accepted(str(ours))
        told = [provider.read_webhook(*heard.get(timeout=20)) for _ in range(3)]
    assert {theirs for theirs, _ in told} == {str(ours)}
    keys = {result.key for _, report in told if isinstance(report, Running) for result in report.results}
    done = followed(sandbox, provider, Accepted(str(ours)))
    assert isinstance(done, Done)
    assert keys == {result.key for result in done.results}


@pytest.mark.parametrize(("slug", "settings"), [("prospolabs", {}), ("bytespike", {"tasks_api": True})])
def test_a_callback_says_what_asking_would(sandbox: Sandbox, slug: str, settings: dict[str, Any]) -> None:
    provider = at(sandbox, slug, **settings)
    with listening() as (address, heard):
        accepted = ask(provider.submit(request(count=2, webhook_url=address), uuid4()))
        theirs, report = provider.read_webhook(*heard.get(timeout=20))
    assert theirs == accepted.theirs
    assert report == followed(sandbox, provider, accepted)
