import base64
import hashlib
import hmac
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from providers.sandbox.client import Control
from tests.sandbox.conftest import Caller, data_uri, eventually, get, opened, picture
from tests.sandbox.receiver import Receiver

MODEL = "bytedance/bytedance-seedream-v5-lite-edit"
Make = Callable[..., Caller]


def asked(**fields: object) -> dict[str, object]:
    return {"model": MODEL, "prompt": "a fox in the snow", **fields}


@pytest.fixture
def aig(caller: Make) -> Caller:
    return caller("aigateway")


def generate(aig: Caller, headers: dict[str, str] | None = None, **fields: Any) -> httpx.Response:
    return aig.post("/v1/images/generations", asked(**fields), **(headers or {}))


def test_pictures_come_as_links_with_their_cost_and_a_request_id(aig: Caller, control: Control) -> None:
    answer = generate(aig, n=2, size="1024x1024")
    assert answer.status_code == 200
    assert len(answer.json()["data"]) == 2
    assert answer.headers["x-cost-cents"] == "7"
    assert answer.headers["x-request-id"]
    links = {entry["url"] for entry in answer.json()["data"]}
    assert len(links) == 2
    for link in links:
        file = get(link)
        assert file.headers["content-type"] == "image/png"
        assert opened(file.content).format == "PNG"
    assert control.totals("aigateway") == {
        "calls": 1,
        "pictures": 2,
        "charged": 70_000,
        "refunded": 0,
        "net": 70_000,
    }


def test_a_picture_has_the_size_that_was_asked_for(aig: Caller, control: Control) -> None:
    control.settings("aigateway", picture="drawn")
    data = base64.b64decode(
        generate(aig, size="640x384", response_format="b64_json").json()["data"][0]["b64_json"]
    )
    assert opened(data).size == (640, 384)


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"model": "nobody/knows-it"}, 404, "unknown_model"),
        ({"model": None}, 400, "invalid_request"),
        ({"prompt": ""}, 400, "invalid_request"),
        ({"prompt": None}, 400, "invalid_request"),
        ({"prompt": "x" * 32_001}, 400, "invalid_request"),
        ({"n": 0}, 400, "invalid_request"),
        ({"n": 11}, 400, "invalid_request"),
        ({"n": "2"}, 400, "invalid_request"),
        ({"n": True}, 400, "invalid_request"),
        ({"size": "100x100"}, 400, "invalid_request"),
        ({"size": "wide"}, 400, "invalid_request"),
        ({"response_format": "gif"}, 400, "invalid_request"),
    ],
)
def test_what_is_wrong_is_refused_and_costs_nothing(
    aig: Caller, control: Control, fields: dict[str, Any], status: int, code: str
) -> None:
    answer = generate(aig, **fields)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert control.bill() == []


def test_an_unknown_field_is_ignored_until_the_switch_is_turned(aig: Caller, control: Control) -> None:
    assert generate(aig, seed=1).status_code == 200
    control.switch("aig.strict_unknown_fields", True)
    answer = generate(aig, seed=1)
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, "seed")


def test_a_missing_key_is_401_and_an_empty_wallet_402(caller: Make, aig: Caller, control: Control) -> None:
    answer = generate(caller("aigateway", key=""))
    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "authentication_error")
    control.key("aigateway", "key-of-a-test", balance_micro_usd=69_999)
    assert generate(aig, n=2).status_code == 402
    assert generate(aig, n=1).status_code == 200
    assert aig.get("/v1/balance").json()["balance_cents"] == 3.4999


def test_the_code_may_be_an_integer(aig: Caller, control: Control) -> None:
    control.switch("aig.code_type", "integer")
    assert generate(aig, n=0).json()["error"]["code"] == 400


def test_an_idempotency_key_replays_byte_for_byte_and_refuses_another_body(
    aig: Caller, control: Control
) -> None:
    first = generate(aig, {"idempotency-key": "one"}, n=2)
    again = generate(aig, {"idempotency-key": "one"}, n=2)
    assert again.content == first.content
    assert generate(aig, {"idempotency-key": "one"}, n=1).status_code == 409
    assert generate(aig, {"idempotency-key": "two"}, n=2).content != first.content
    assert control.totals("aigateway")["calls"] == 2
    control.advance(86_401)
    assert generate(aig, {"idempotency-key": "one"}, n=2).content != first.content


def test_twenty_equal_calls_at_once_with_one_key_are_one_purchase(caller: Make, control: Control) -> None:
    control.settings("aigateway", latency=0.2)
    bodies: list[bytes] = []

    def call() -> None:
        bodies.append(generate(caller("aigateway"), {"idempotency-key": "one"}).content)

    threads = [threading.Thread(target=call) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(bodies) == 20
    assert len(set(bodies)) == 1
    assert control.totals("aigateway")["calls"] == 1


def test_an_answer_lost_after_the_work_is_found_again_by_its_idempotency_key(
    aig: Caller, control: Control
) -> None:
    control.fault("status_after", gateway="aigateway", status=504)
    assert generate(aig, {"idempotency-key": "one"}).status_code == 504
    assert control.totals("aigateway")["charged"] == 35_000
    assert generate(aig, {"idempotency-key": "one"}).status_code == 200
    assert control.totals("aigateway")["charged"] == 35_000


def test_an_edit_takes_an_uploaded_file_or_an_address_in_json(aig: Caller, control: Control) -> None:
    reference = picture()
    form = {"model": MODEL, "prompt": "warmer", "n": "2"}
    answer = aig.http.post("/v1/images/edits", data=form, files={"image": ("a.png", reference, "image/png")})
    assert (answer.status_code, len(answer.json()["data"])) == (200, 2)
    several = [("image[]", ("a.png", reference, "image/png")), ("image[]", ("b.png", reference, "image/png"))]
    assert aig.http.post("/v1/images/edits", data=form, files=several).status_code == 200
    assert aig.post("/v1/images/edits", asked(image_url=data_uri(reference))).status_code == 200
    assert aig.post("/v1/images/edits", asked()).status_code == 400
    assert aig.post("/v1/images/edits", asked(image_url=data_uri(b"no picture"))).status_code == 400
    assert control.requests("aigateway")[0]["prompt"] == "warmer"


def test_an_edit_above_25_megabytes_is_413(aig: Caller) -> None:
    form = {"model": MODEL, "prompt": "warmer"}
    files = {"image": ("a.png", bytes(25_000_001), "image/png")}
    assert aig.http.post("/v1/images/edits", data=form, files=files).status_code == 413


def test_a_job_is_polled_with_304_for_the_hasty_and_can_be_cancelled(aig: Caller, control: Control) -> None:
    control.switch("aig.async_images", True)
    control.settings("aigateway", latency=1000)
    answer = generate(aig, n=2)
    assert (answer.status_code, answer.json()["status"], answer.json()["object"]) == (202, "queued", "job")
    job = "/v1/jobs/" + answer.json()["id"]
    assert aig.get(job).json()["status"] == "queued"
    eventually(lambda: aig.get(job).status_code == 304)  # if not three seconds have passed
    control.advance(400)
    assert aig.get(job).json()["status"] == "running"
    control.advance(700)
    done = aig.get(job).json()
    assert done["status"] == "completed"
    assert get(done["result"]["file_url"]).status_code == 200
    control.advance(4)
    assert aig.get(job).json()["result"]["file_url"] != done["result"]["file_url"]

    ways = [("POST", "/cancel"), ("DELETE", "")]
    for method, ending in ways:
        other = "/v1/jobs/" + generate(aig).json()["id"]
        assert aig.http.request(method, other + ending).json()["status"] == "cancelled"
    assert control.totals("aigateway")["net"] == 70_000


def test_a_job_webhook_is_signed_in_both_forms(aig: Caller, control: Control, receiver: Receiver) -> None:
    control.switch("aig.async_images", True)
    secret = aig.get("/v1/webhook-secret").json()["secret"]
    generate(aig, webhook_url=receiver.url)
    got = receiver.wait_for(1)[0]
    stamp = got.headers["aig-timestamp"]
    right = hmac.new(secret.encode(), stamp.encode() + b"." + got.body, hashlib.sha256).hexdigest()
    assert got.headers["aig-signature"] == right
    assert got.headers["x-gateway-signature"] == f"t={stamp},v1={right}"


def test_a_link_is_403_after_a_day(aig: Caller, control: Control) -> None:
    link = generate(aig).json()["data"][0]["url"]
    control.advance(86_399)
    assert get(link).status_code == 200
    control.advance(2)
    assert get(link).status_code == 403


def test_the_cache_gives_the_same_links_for_a_tenth_unless_skipped(aig: Caller, control: Control) -> None:
    control.switch("aig.image_cache", True)
    first = generate(aig)
    assert generate(aig).json()["data"] == first.json()["data"]
    assert control.totals("aigateway")["charged"] == 38_500
    assert generate(aig, {"x-cache": "skip"}).json()["data"] != first.json()["data"]


def test_usage_names_each_call_by_its_request_id_and_tag(aig: Caller) -> None:
    generate(aig, {"X-Request-Id": "mine", "x-aig-tag": "team-a"})
    assert aig.get("/v1/usage/recent").json()["data"][0]["request_id"] == "mine"
    assert aig.get("/v1/usage/by-tag").json()["data"] == [
        {"label": "team-a", "requests": 1, "cost_cents": 3.5}
    ]


def test_a_jobs_files_are_gone_after_seven_days(aig: Caller, control: Control) -> None:
    control.switch("aig.async_images", True)
    job = "/v1/jobs/" + generate(aig).json()["id"]
    aig.get(job)
    control.advance(8 * 86_400)
    assert get(aig.get(job).json()["result"]["file_url"]).status_code == 403


def test_a_failing_upstream_is_502_and_not_billed(aig: Caller, control: Control) -> None:
    control.fault("fails", gateway="aigateway")
    answer = generate(aig)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "provider_unavailable")
    assert control.totals("aigateway")["net"] == 0


def test_a_key_whose_provider_bills_elsewhere_costs_nothing_here(aig: Caller, control: Control) -> None:
    control.key("aigateway", "key-of-a-test", byok=True)
    assert generate(aig).headers["X-Cost-Cents"] == "0"
    assert control.totals("aigateway")["pictures"] == 1
    assert control.totals("aigateway")["charged"] == 0
