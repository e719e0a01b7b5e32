import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from providers.sandbox.client import Control
from tests.sandbox.conftest import Caller, data_uri, eventually, get, opened, picture
from tests.sandbox.receiver import Receiver

Make = Callable[..., Caller]


@pytest.fixture
def pl(caller: Make) -> Caller:
    return caller("prospolabs")


def body(**fields: Any) -> dict[str, Any]:
    return {"model": "seedream-5-lite", "mode": "generate", "prompt": "a ceramic mug", **fields}


def generate(pl: Caller, **fields: Any) -> httpx.Response:
    return pl.post("/v1/generate", body(**fields))


def test_a_waiting_call_brings_every_output(pl: Caller, control: Control) -> None:
    told = generate(pl, num_images=3.0, seed=0).json()
    assert (told["status"], told["mode"], told["estimated_cost_usd"]) == ("completed", "generate", 0.042)
    assert told["output_url"] == told["output_urls"][0]
    assert len(set(told["output_urls"])) == 3
    control.switch("pl.multi_output", "outputs")
    assert len(generate(pl, num_images=3).json()["outputs"]) == 3
    control.switch("pl.multi_output", "first")
    assert "outputs" not in generate(pl, num_images=3).json()
    assert control.totals("prospolabs")["charged"] == 3 * 42_000


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        ({}, (2848, 1600)),
        ({"aspect_ratio": "9:16", "size": "3K"}, (2304, 4096)),
        ({"aspect_ratio": "2:3"}, (1664, 2496)),
        ({"aspect_ratio": "21:9"}, (3136, 1344)),
        ({"aspect_ratio": "auto"}, (2048, 2048)),
    ],
)
def test_aspect_and_size_become_the_models_own_pixels(
    pl: Caller, control: Control, fields: dict[str, str], size: tuple[int, int]
) -> None:
    control.settings("prospolabs", picture="drawn")
    assert opened(get(generate(pl, **fields).json()["output_url"]).content).size == size


def test_parameters_are_flat_or_nested_as_the_switch_says(pl: Caller, control: Control) -> None:
    nested = {"model": "seedream-5-lite", "mode": "generate", "params": {"prompt": "nested", "num_images": 2}}
    assert len(pl.post("/v1/generate", nested).json()["output_urls"]) == 2
    both = {**body(num_images=1), "params": {"prompt": "nested", "num_images": 2}}
    assert len(pl.post("/v1/generate", both).json()["output_urls"]) == 2
    control.switch("pl.body_shape", "flat")
    assert pl.post("/v1/generate", nested).status_code == 400
    assert generate(pl).status_code == 200
    control.switch("pl.body_shape", "nested")
    assert pl.post("/v1/generate", nested).status_code == 200
    assert generate(pl).status_code == 400


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"model": "other"}, 404),
        ({"mode": "video"}, 400),
        ({"mode": None}, 400),
        ({"prompt": ""}, 400),
        ({"aspect_ratio": "9:21"}, 400),
        ({"size": "1K"}, 400),
        ({"num_images": 7}, 400),
        ({"num_images": 1.5}, 400),
        ({"seed": -1}, 400),
        ({"async": "yes"}, 400),
        ({"mode": "edit"}, 400),
    ],
)
def test_what_is_wrong_is_refused_in_the_flat_form(
    pl: Caller, control: Control, fields: dict[str, Any], status: int
) -> None:
    answer = generate(pl, **fields)
    assert (answer.status_code, set(answer.json())) == (status, {"code", "message"})
    assert control.bill() == []


def test_an_edit_takes_data_uris_and_addresses(pl: Caller) -> None:
    link = generate(pl).json()["output_url"]
    assert generate(pl, mode="edit", image_urls=[data_uri(picture()), link]).json()["status"] == "completed"
    assert generate(pl, mode="edit", image_urls=[data_uri(picture())] * 11).status_code == 400


def test_asynchronous_work_is_asked_for_by_its_id(pl: Caller, control: Control) -> None:
    control.settings("prospolabs", latency=1000)
    told = pl.post("/v1/generate?async=true", body()).json()
    assert (told["status"], "output_url" in told) == ("queued", False)
    status = "/v1/generations/" + generate(pl, **{"async": True}).json()["generation_id"]
    control.advance(500)
    assert pl.get(status).json()["status"] == "processing"
    control.advance(600)
    assert pl.get(status).json()["status"] == "completed"
    assert pl.get("/v1/generations/gen_none").status_code == 404
    assert pl.http.get(status, headers={"Authorization": "Bearer other"}).status_code == 404


def test_a_waiting_call_is_let_go_at_the_limit(pl: Caller, control: Control) -> None:
    control.settings("prospolabs", latency=0.3)
    control.switch("pl.sync_wait_limit", 0)
    answer = generate(pl)
    assert (answer.status_code, answer.json()["status"]) == (202, "processing")
    status = "/v1/generations/" + answer.json()["generation_id"]
    eventually(lambda: bool(pl.get(status).json()["status"] == "completed"))


def test_the_webhook_is_the_signed_status(pl: Caller, control: Control, receiver: Receiver) -> None:
    told = generate(pl, webhook_url=receiver.url, **{"async": True}).json()
    got = receiver.wait_for(1)[0]
    assert json.loads(got.body)["generation_id"] == told["generation_id"]
    right = hmac.new(b"key-of-a-test", got.body, hashlib.sha256).hexdigest()
    assert got.headers["x-prospolabs-signature"] == right
    control.fault("webhook_bad_signature")
    generate(pl, webhook_url=receiver.url)
    got = receiver.wait_for(2)[1]
    assert (
        got.headers["x-prospolabs-signature"]
        != hmac.new(b"key-of-a-test", got.body, hashlib.sha256).hexdigest()
    )


def test_a_failed_run_is_refunded(pl: Caller, control: Control) -> None:
    control.fault("fails", gateway="prospolabs")
    told = generate(pl).json()
    assert (told["status"], told["refunded"], told["error"]["code"]) == ("failed", True, "upstream_error")
    assert pl.get("/v1/balance").json() == {"balance_usd": 1000.0}


def test_an_output_is_410_after_seven_days(pl: Caller, control: Control) -> None:
    link = generate(pl).json()["output_url"]
    control.advance(7 * 86_400 + 1)
    answer = get(link)
    assert (answer.status_code, answer.json()) == (410, {"code": "output_expired"})
