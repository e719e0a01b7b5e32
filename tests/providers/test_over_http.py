"""The adapters and their twins in the sandbox, over real HTTP through the real door."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from uuid import UUID, uuid4

import pytest

from providers.errors import ProviderError, Reason
from providers.sandbox.faults import Fault
from providers.sandbox.server import Sandbox
from providers.sandbox.switches import SWITCHES
from providers.values import Accepted, Done, Failed, Running

from .captured import references, request, sent
from .errands import MAGIC, ask, at, bought, every_provider, every_way, followed, picture


@every_way
def test_pictures_arrive_and_are_billed_as_often_as_asked(
    gateways: Sandbox, slug: str, turned: dict[str, Any]
) -> None:
    done = bought(gateways, at(gateways, slug, **turned), count=3)
    assert isinstance(done, Done), done
    assert len({picture.key for picture in done.results}) == 3
    assert all(picture(result).startswith(MAGIC) for result in done.results)
    totals = gateways.control.totals(slug)
    assert (totals["calls"], totals["pictures"]) == (1, 3)
    if done.cost and done.cost.final and done.cost.micros:
        assert done.cost.micros == totals["net"]


@every_provider
def test_pictures_are_made_from_references_where_they_can_be(gateways: Sandbox, slug: str) -> None:
    provider = at(gateways, slug)
    (offer,) = provider.profile.offers
    for count in {min(1, offer.max_references), offer.max_references} - {0}:
        report = ask(provider.submit(request(references=references(count)), uuid4()))
        done = followed(gateways, provider, report)
        assert isinstance(done, Done), done
        assert len(done.results) == 1
        gateways.control.advance(60)  # three a minute at one of them


@every_provider
def test_every_size_on_offer_is_taken(gateways: Sandbox, slug: str) -> None:
    provider = at(gateways, slug)
    (offer,) = provider.profile.offers
    for aspect, resolution in offer.sizes.names:
        gateways.control.advance(60)
        report = ask(provider.submit(request(aspect_ratio=aspect, resolution=resolution), uuid4()))
        assert not isinstance(report, Failed), (aspect, resolution, report)


def test_a_picture_has_the_size_the_prompt_and_the_options_that_were_asked(gateways: Sandbox) -> None:
    gateways.control.settings("runware", picture="drawn")
    done = bought(
        gateways,
        at(gateways, "runware"),
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
def test_options_are_taken_in_the_words_they_are_said_in(gateways: Sandbox, slug: str) -> None:
    provider = at(gateways, slug)
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
        gateways.control.advance(60)
        done = bought(gateways, provider, **asked)
        assert isinstance(done, Done), (asked, done)
        assert done.results


@every_way
def test_the_same_bytes_again_are_one_order_where_our_key_is_kept(
    gateways: Sandbox, slug: str, turned: dict[str, Any]
) -> None:
    provider = at(gateways, slug, **turned)
    if not provider.traits.keeps_our_key:
        return
    ours = uuid4()
    gateways.control.fault(Fault.STATUS_AFTER, gateway=slug)
    with pytest.raises(ProviderError):
        ask(provider.submit(request(count=2), ours))
    done = followed(gateways, provider, ask(provider.submit(request(count=2), ours)))
    assert isinstance(done, Done)
    assert len(done.results) == 2
    assert gateways.control.totals(slug)["calls"] == 1


@every_way
def test_a_lost_answer_is_found_by_our_id_where_it_can_be(
    gateways: Sandbox, slug: str, turned: dict[str, Any]
) -> None:
    provider, ours = at(gateways, slug, **turned), uuid4()
    if not provider.traits.finds:
        return
    with pytest.raises(ProviderError) as caught:
        ask(sent(provider.find(ours)))
    assert caught.value.reason is Reason.NOT_FOUND
    gateways.control.fault(Fault.STATUS_AFTER, gateway=slug)
    with pytest.raises(ProviderError):
        ask(provider.submit(request(), ours))
    done = followed(gateways, provider, ask(sent(provider.find(ours))))
    assert isinstance(done, Done)
    assert gateways.control.totals(slug)["calls"] == 1


@every_provider
def test_the_balance_is_read_and_a_refused_key_is_told(gateways: Sandbox, slug: str) -> None:
    exchange = sent(at(gateways, slug).balance())
    assert ask(exchange).micros == 1_000_000_000
    gateways.control.fault(Fault.UNAUTHORIZED, gateway=slug, operation="balance")
    with pytest.raises(ProviderError) as caught:
        ask(exchange)
    assert caught.value.reason is Reason.KEY_REFUSED


ALTERNATIVES = [(name, value) for name, (_, *others) in SWITCHES.items() for value in others]
SLUG_OF = {"aig": "aigateway", "bs": "bytespike", "3d": "threedai", "rw": "runware", "pl": "prospolabs"}


@pytest.mark.parametrize(("name", "value"), ALTERNATIVES)
def test_either_reading_of_a_contradictory_page_works(gateways: Sandbox, name: str, value: str) -> None:
    gateways.control.switch(name, value)
    slug = SLUG_OF[name.partition(".")[0]]
    nested = {"nested_params": True} if (name, value) == ("pl.body_shape", "nested") else {}
    provider = at(gateways, slug, **nested)
    done = bought(gateways, provider, count=2)
    assert isinstance(done, Done), done
    # Where only the first of several outputs is named, the others cannot be had.
    assert len(done.results) == (1 if (name, value) in ONE_ONLY else 2)
    assert ask(sent(provider.balance())).micros is not None
    gateways.control.advance(60)
    gateways.control.fault(Fault.REFUSED_CONTENT, gateway=slug)
    failed = bought(gateways, provider)
    assert isinstance(failed, Failed), failed
    assert failed.reason is Reason.CONTENT_REFUSED


ONE_ONLY = {("pl.multi_output", "first")}


def test_a_job_can_be_stopped(gateways: Sandbox) -> None:
    gateways.control.switch("aig.async_images", True)
    gateways.control.settings("aigateway", latency=30)
    provider = at(gateways, "aigateway")
    accepted = ask(provider.submit(request(), uuid4()))
    assert isinstance(accepted, Accepted)
    stopped = ask(sent(provider.cancel(accepted.theirs)))
    assert isinstance(stopped, Failed | Running)
    assert followed(gateways, provider, stopped if stopped.theirs else accepted) == Failed(
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
def test_runware_calls_back_once_for_each_picture(gateways: Sandbox, shape: str) -> None:
    gateways.control.switch("rw.webhook_shape", shape)
    provider, ours = at(gateways, "runware"), UUID("0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f")
    with listening() as (address, heard):
        assert ask(provider.submit(request(count=3, webhook_url=address), ours)) == Accepted(str(ours))
        told = [provider.read_webhook(*heard.get(timeout=20)) for _ in range(3)]
    assert {theirs for theirs, _ in told} == {str(ours)}
    keys = {result.key for _, report in told if isinstance(report, Running) for result in report.results}
    done = followed(gateways, provider, Accepted(str(ours)))
    assert isinstance(done, Done)
    assert keys == {result.key for result in done.results}


@pytest.mark.parametrize(("slug", "turned"), [("prospolabs", {}), ("bytespike", {"tasks_api": True})])
def test_a_callback_says_what_asking_would(gateways: Sandbox, slug: str, turned: dict[str, Any]) -> None:
    provider = at(gateways, slug, **turned)
    with listening() as (address, heard):
        accepted = ask(provider.submit(request(count=2, webhook_url=address), uuid4()))
        theirs, report = provider.read_webhook(*heard.get(timeout=20))
    assert theirs == accepted.theirs
    assert report == followed(gateways, provider, accepted)
