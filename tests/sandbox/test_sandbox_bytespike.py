import hashlib
import hmac
import json
from collections.abc import Callable

import httpx
import pytest

from providers.sandbox.client import Control
from tests.sandbox.conftest import Caller, data_uri, eventually, get, picture
from tests.sandbox.receiver import Receiver

Make = Callable[..., Caller]


@pytest.fixture
def bs(caller: Make) -> Caller:
    return caller("bytespike", header="x-api-key")


def generate(bs: Caller, **fields: object) -> httpx.Response:
    return bs.post("/v1/images/generations", {"model": "seedream-v5lite", "prompt": "山の夜明け", **fields})


def submit(bs: Caller, ours: str | None = "ours-1", **fields: object) -> httpx.Response:
    body = {"model": "seedream-v5lite", "params": {"prompt": "a fox", "n": 2, **fields}, "out_task_id": ours}
    return bs.post("/v1/tasks/submit", body)


def test_each_picture_is_billed_and_every_other_prompt_revised(bs: Caller, control: Control) -> None:
    answer = generate(bs, n=4, seed=0, negative_prompt="fog")
    entries = answer.json()["data"]
    assert [bool(entry.get("revised_prompt")) for entry in entries] == [True, False, True, False]
    assert control.totals("bytespike")["charged"] == 48_000
    assert all(get(entry["url"]).status_code == 200 for entry in entries)


def test_headers_speak_of_dollars_on_success_and_failure(bs: Caller) -> None:
    for answer in (generate(bs, n=4), generate(bs, n=5)):
        assert answer.headers["X-RateLimit-Limit"] == "1000.00"
        assert answer.headers["X-RateLimit-Remaining"] == "999.95"
        assert int(answer.headers["X-RateLimit-Reset"]) > 1_700_000_000
        assert answer.headers["X-Quota-Remaining-Credits"] == "999.95"


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"model": "other"}, 400, "model_not_found"),
        ({"size": "2048x2048"}, 400, "invalid_param"),
        ({"n": 5}, 400, "invalid_param"),
        ({"n": 1.0}, 400, "invalid_param"),
        ({"seed": -1}, 400, "invalid_param"),
        ({"negative_prompt": 3}, 400, "invalid_param"),
        ({"prompt": "x" * 4001}, 413, "request_too_large"),
    ],
)
def test_what_is_wrong_is_refused_and_free(
    bs: Caller, control: Control, fields: dict[str, object], status: int, code: str
) -> None:
    answer = generate(bs, **fields)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert control.bill() == []


def test_a_blocked_prompt_is_451(bs: Caller, control: Control) -> None:
    control.fault("refused_content", gateway="bytespike", prompt_contains="夜明け")
    assert generate(bs).status_code == 451
    assert control.bill() == []


def test_x_api_key_wins_over_a_good_bearer(bs: Caller, control: Control) -> None:
    control.key("bytespike", "key-of-a-test", refused=401)
    bs.http.headers["Authorization"] = "Bearer another-key"
    assert generate(bs).status_code == 401
    del bs.http.headers["x-api-key"]
    assert generate(bs).status_code == 200


def test_too_many_at_once_is_a_concurrency_limit_without_retry_after(bs: Caller, control: Control) -> None:
    control.settings("bytespike", in_flight=1, latency=1000)
    assert submit(bs).status_code == 200
    answer = submit(bs, ours="ours-2")
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "concurrency_limit")
    assert "Retry-After" not in answer.headers


def test_repeating_a_task_finds_it_and_other_parameters_conflict(bs: Caller, control: Control) -> None:
    first = submit(bs)
    assert submit(bs).json()["task_id"] == first.json()["task_id"]
    assert first.json()["estimated_credits"] == 0.024
    answer = submit(bs, n=3)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "duplicate_out_task_id")
    control.switch("bs.dup_status", 400)
    assert submit(bs, n=3).status_code == 400
    assert control.totals("bytespike")["calls"] == 1


def test_a_task_is_found_by_either_id_but_not_by_both(bs: Caller, control: Control) -> None:
    control.settings("bytespike", latency=10_000)
    theirs = submit(bs).json()["task_id"]
    assert theirs.startswith("task_")
    assert bs.post("/v1/tasks/query", {"out_task_id": "ours-1"}).json()["status"] == "pending"
    control.advance(5000)
    assert bs.post("/v1/tasks/query", {"task_id": theirs}).json()["status"] == "running"
    control.advance(5100)
    done = bs.post("/v1/tasks/query", {"task_id": theirs}).json()
    assert (done["status"], len(done["output"]), done["credits_used"]) == ("completed", 2, 0.024)
    assert bs.post("/v1/tasks/query", {"task_id": theirs, "out_task_id": "ours-1"}).status_code == 400
    assert bs.post("/v1/tasks/query", {"task_id": "task_none"}).json()["error"]["code"] == "task_not_found"


def test_cancelling_is_free_only_while_pending(bs: Caller, control: Control) -> None:
    control.settings("bytespike", latency=10_000)
    submit(bs)
    assert bs.post("/v1/tasks/cancel", {"out_task_id": "ours-1"}).json()["status"] == "cancelled"
    submit(bs, ours="ours-2")
    control.advance(5000)
    bs.post("/v1/tasks/cancel", {"out_task_id": "ours-2"})
    assert [line["refunded"] for line in control.bill()] == [True, False]


def test_the_stream_ends_with_the_last_state(bs: Caller) -> None:
    theirs = submit(bs).json()["task_id"]
    assert '"status": "completed"' in bs.get(f"/v1/tasks/stream/{theirs}").text


def test_a_callback_comes_signed(bs: Caller, receiver: Receiver) -> None:
    body = {"model": "seedream-v5lite", "params": {"prompt": "a fox"}, "callback_url": receiver.url}
    theirs = bs.post("/v1/tasks/submit", body).json()["task_id"]
    got = receiver.wait_for(1)[0]
    assert theirs.encode() in got.body
    assert len(got.headers["x-bytespike-signature"]) == 64


def test_a_callback_comes_of_a_cancelled_task_too(bs: Caller, control: Control, receiver: Receiver) -> None:
    control.settings("bytespike", latency=10_000)
    body = {"model": "seedream-v5lite", "params": {"prompt": "a fox"}, "callback_url": receiver.url}
    theirs = bs.post("/v1/tasks/submit", body).json()["task_id"]
    bs.post("/v1/tasks/cancel", {"task_id": theirs})
    assert json.loads(receiver.wait_for(1)[0].body) == {"task_id": theirs, "status": "cancelled"}


def test_who_subscribed_is_told_of_every_task_signed_with_a_secret_shown_once(
    bs: Caller, control: Control, receiver: Receiver
) -> None:
    place = "/api/v1/me/webhooks"
    wrong = bs.post(place, {"url": receiver.url, "event_types": ["task.begun"]})
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "event_types")
    made = bs.post(place, {"url": receiver.url, "event_types": ["task.completed"]}).json()
    (listed,) = bs.get(place).json()["data"]
    assert listed == {name: value for name, value in made.items() if name != "secret"}
    receiver.answers = [500]
    theirs = submit(bs).json()["task_id"]
    eventually(lambda: len(bs.get(f"{place}/{made['id']}/deliveries").json()["data"]) == 2)
    for got in receiver.wait_for(2):
        expected = hmac.new(made["secret"].encode(), got.body, hashlib.sha256).hexdigest()
        assert got.headers["x-bytespike-signature"] == expected
        told = json.loads(got.body)
        assert (told["type"], told["data"]["task_id"]) == ("task.completed", theirs)
    last, first = bs.get(f"{place}/{made['id']}/deliveries").json()["data"]
    assert [first["status"], last["status"]] == [500, 200]
    assert bs.get(f"{place}/{made['id']}").json()["fail_count"] == 0


def test_a_subscription_can_be_changed_and_dropped_and_is_its_keys_alone(
    bs: Caller, caller: Make, receiver: Receiver
) -> None:
    place = "/api/v1/me/webhooks"
    made = bs.post(place, {"url": receiver.url, "event_types": ["task.failed"]}).json()
    one = f"{place}/{made['id']}"
    other = caller("bytespike", key="another-key", header="x-api-key")
    assert other.get(one).status_code == 404
    changed = bs.http.patch(one, json={"event_types": ["task.completed", "task.failed"]})
    assert changed.json()["event_types"] == ["task.completed", "task.failed"]
    assert bs.http.delete(one).status_code == 204
    assert bs.get(one).status_code == 404
    generate(bs)
    assert submit(bs).status_code == 200
    assert receiver.got == []


def test_account_and_usage_tell_what_was_spent(bs: Caller) -> None:
    generate(bs, n=2)
    balance = bs.get("/api/v1/me/account").json()["balance"]
    assert (balance["available_usd"], balance["lifetime_spent_usd"]) == (999.976, 0.024)
    assert bs.get("/api/v1/me/usage?limit=1").json()["data"][0]["credits"] == 0.024
    assert bs.get("/v1/balance").status_code == 404


def test_a_task_above_one_mebibyte_is_413(bs: Caller) -> None:
    assert submit(bs, ignored="x" * 1_000_000).status_code == 200
    assert submit(bs, ours="ours-2", ignored="x" * 1_048_576).status_code == 413


def test_a_spend_window_ends_in_429_until_its_reset(bs: Caller, control: Control) -> None:
    control.key("bytespike", "key-of-a-test", balance_micro_usd=9_000_000_000)
    control.fault("cost_percent", gateway="bytespike", percent=10_000_000)
    assert generate(bs).headers["X-RateLimit-Remaining"] == "0.00"
    answer = generate(bs)
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    control.advance(int(answer.headers["X-RateLimit-Reset"]) - control.state()["now"] + 1)
    assert generate(bs).status_code == 200


def test_the_wider_surface_of_the_models_page_is_a_switch(bs: Caller, control: Control) -> None:
    wide: dict[str, object] = {"n": 8, "size": "1024x1792", "response_format": "b64_json"}
    assert generate(bs, **wide).status_code == 400
    control.switch("bs.surface", "union")
    answer = generate(bs, **wide, source_image=data_uri(picture()))
    assert [list(entry) for entry in answer.json()["data"]] == [["b64_json"]] * 8
    assert generate(bs, source_image="not a picture").status_code == 400
