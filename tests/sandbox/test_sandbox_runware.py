import base64
import json
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from providers.sandbox.client import Control
from tests.sandbox.conftest import Caller, data_uri, eventually, get, opened, picture
from tests.sandbox.receiver import Receiver

Make = Callable[..., Caller]


@pytest.fixture
def rw(caller: Make) -> Caller:
    return caller("runware")


def task(**fields: Any) -> dict[str, Any]:
    whole = {
        "taskType": "imageInference",
        "taskUUID": str(uuid.uuid4()),
        "model": "bytedance:seedream@5.0-lite",
        "positivePrompt": "a fox in the snow",
        "width": 2048,
        "height": 2048,
    }
    return {name: value for name, value in {**whole, **fields}.items() if value != "absent"}


def ask(rw: Caller, *tasks: Any, **headers: str) -> dict[str, Any]:
    document: dict[str, Any] = rw.post("/v1", list(tasks), **headers).json()
    return document


def poll(rw: Caller, asked: dict[str, Any]) -> dict[str, Any]:
    return ask(rw, {"taskType": "getResponse", "taskUUID": asked["taskUUID"]})


def test_results_share_a_task_and_each_has_its_own_picture_seed_and_cost(
    rw: Caller, control: Control
) -> None:
    asked = task(numberResults=4, includeCost=True)
    entries = ask(rw, asked)["data"]
    assert {entry["taskUUID"] for entry in entries} == {asked["taskUUID"]}
    assert len({entry["imageUUID"] for entry in entries}) == len({entry["seed"] for entry in entries}) == 4
    assert [entry["cost"] for entry in entries] == [0.035] * 4
    assert all("NSFWContent" not in entry for entry in entries)
    line = control.bill("runware")[0]
    assert (line["our_id"], line["pictures"], line["micro_usd"]) == (asked["taskUUID"], 4, 140_000)


@pytest.mark.parametrize(("name", "kind"), [("JPG", "JPEG"), ("PNG", "PNG"), ("WEBP", "WEBP")])
def test_every_output_format_and_type(rw: Caller, name: str, kind: str) -> None:
    link = ask(rw, task(outputFormat=name))["data"][0]["imageURL"]
    assert opened(get(link).content).format == kind
    text = ask(rw, task(outputFormat=name, outputType="base64Data"))["data"][0]["imageBase64Data"]
    assert opened(base64.b64decode(text)).format == kind
    uri = ask(rw, task(outputFormat=name, outputType="dataURI"))["data"][0]["imageDataURI"]
    assert opened(base64.b64decode(uri.partition(",")[2])).format == kind


def test_the_picture_has_the_width_and_height_that_were_asked_for(rw: Caller, control: Control) -> None:
    control.settings("runware", picture="drawn")
    link = ask(rw, task(width=2848, height=1600))["data"][0]["imageURL"]
    assert opened(get(link).content).size == (2848, 1600)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"taskUUID": "absent"}, "missingTaskUUID"),
        ({"taskUUID": str(uuid.uuid1())}, "invalidTaskUUID"),
        ({"model": "other:model@1"}, "invalidModel"),
        ({"positivePrompt": "x" * 2001}, "invalidPositivePrompt"),
        ({"positivePrompt": "absent"}, "missingPositivePrompt"),
        ({"width": "absent"}, "missingWidth"),
        ({"width": 1024, "height": 1024}, "invalidWidth"),
        ({"width": 2048.0}, "invalidWidth"),
        ({"numberResults": 21}, "invalidNumberResults"),
        ({"seed": 1}, "unsupportedParameter"),
        ({"negativePrompt": "fog"}, "unsupportedParameter"),
        ({"resolution": "2k"}, "unsupportedParameter"),
        ({"outputFormat": "png"}, "invalidOutputFormat"),
        ({"outputQuality": 100}, "invalidOutputQuality"),
        ({"ttl": 59}, "invalidTtl"),
        ({"ttl": None}, "invalidTtl"),
        ({"safety": {"checkContent": 1}}, "invalidCheckContent"),
        ({"providerSettings": {"byteDance": {}}}, "unsupportedParameter"),
        ({"inputs": {"referenceImages": []}}, "invalidReferenceImages"),
        ({"inputs": {"referenceImages": ["not base64!"]}}, "invalidReferenceImages"),
    ],
)
def test_what_is_wrong_is_refused_by_name(
    rw: Caller, control: Control, fields: dict[str, Any], code: str
) -> None:
    answer = rw.post("/v1", [task(**fields)])
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, code)
    assert answer.json()["data"] == []
    assert control.bill() == []


def test_a_fault_of_two_fields_names_both(rw: Caller) -> None:
    assert ask(rw, task(width=4704, height=100))["errors"][0]["parameter"] == ["width", "height"]
    group = {"bytedance": {"maxSequentialImages": 2}}
    many = {"referenceImages": [data_uri(picture())] * 14}
    refused = ask(rw, task(inputs=many, providerSettings=group))["errors"][0]
    assert len(refused["parameter"]) == 2


def test_a_used_task_uuid_conflicts_and_is_not_charged_again(rw: Caller, control: Control) -> None:
    asked = task()
    ask(rw, asked)
    answer = rw.post("/v1", [asked])
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "conflictTaskUUID")
    assert answer.json()["errors"][0]["taskUUID"] == asked["taskUUID"]
    control.switch("rw.conflict_status", 200)
    assert rw.post("/v1", [asked]).status_code == 200
    assert control.totals("runware")["calls"] == 1


def test_an_answer_lost_in_a_reset_is_found_by_polling(rw: Caller, control: Control) -> None:
    asked = task(numberResults=2)
    control.fault("reset_after", gateway="runware")
    with pytest.raises(httpx.ReadError):
        ask(rw, asked)
    assert len(poll(rw, asked)["data"]) == 2
    other = task()
    control.fault("reset_before", gateway="runware")
    with pytest.raises(httpx.ReadError):
        ask(rw, other)
    assert poll(rw, other)["data"] == []
    assert control.totals("runware")["calls"] == 1


def test_an_asynchronous_task_is_acknowledged_once_and_comes_in_parts(rw: Caller, control: Control) -> None:
    control.settings("runware", latency=4000)
    asked = task(numberResults=4, deliveryMethod="async")
    head = {"taskType": "imageInference", "taskUUID": asked["taskUUID"]}
    assert ask(rw, asked)["data"] == [head]
    control.advance(2100)
    half = poll(rw, asked)["data"]
    assert [entry["status"] for entry in half] == ["success"] * 2 + ["processing"] * 2
    control.advance(2000)
    whole = poll(rw, asked)["data"]
    assert [entry["status"] for entry in whole] == ["success"] * 4
    assert whole[:2] == half[:2]


def test_a_held_call_ends_at_the_limit_and_its_task_goes_on(rw: Caller, control: Control) -> None:
    control.settings("runware", latency=0.4)
    control.switch("rw.sync_limit", 0)
    asked = task()
    answer = rw.post("/v1", [asked])
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (504, "gatewayTimeout")
    eventually(lambda: poll(rw, asked)["data"][0]["status"] == "success")
    assert control.totals("runware")["charged"] == 35_000


def test_tasks_of_one_array_stand_or_fall_alone(rw: Caller) -> None:
    good, bad = task(), task(seed=1)
    answer = rw.post("/v1", [good, bad])
    assert answer.status_code == 200
    assert [entry["taskUUID"] for entry in answer.json()["data"]] == [good["taskUUID"]]
    assert [error["taskUUID"] for error in answer.json()["errors"]] == [bad["taskUUID"]]


def test_authentication_is_in_the_header_or_in_the_array_but_not_in_both(caller: Make, rw: Caller) -> None:
    inside = {"taskType": "authentication", "apiKey": "key-inside"}
    nameless = caller("runware", key="")
    assert nameless.post("/v1", [inside, task()]).status_code == 200
    assert rw.post("/v1", [inside, task()]).status_code == 400
    answer = nameless.post("/v1", [task()])
    assert (answer.status_code, answer.json()["errors"][0]["taskType"]) == (401, "authentication")
    assert "taskUUID" not in answer.json()["errors"][0]


def test_a_dry_run_prices_and_buys_nothing(rw: Caller, control: Control) -> None:
    asked = task(numberResults=3)
    assert ask(rw, asked, X_Runware_Dry_Run="1")["data"][0]["cost"] == 0.105
    assert "errors" in ask(rw, task(seed=1), X_Runware_Dry_Run="1")
    assert control.bill() == []
    assert control.count("runware", "submit") == 0
    assert "errors" not in ask(rw, asked)


def test_a_group_brings_one_to_as_many_as_allowed(rw: Caller) -> None:
    group = {"bytedance": {"maxSequentialImages": 5}}
    numbers = [len(ask(rw, task(providerSettings=group))["data"]) for _ in range(12)]
    assert min(numbers) >= 1
    assert max(numbers) <= 5
    assert len(set(numbers)) > 1


def test_references_come_in_every_form(rw: Caller, sandbox: Any) -> None:
    data = picture()
    uploaded = ask(rw, {"taskType": "imageUpload", "taskUUID": str(uuid.uuid4()), "image": data_uri(data)})[
        "data"
    ]
    link = ask(rw, task())["data"][0]["imageURL"]
    forms = [uploaded["imageUUID"], link, data_uri(data), base64.b64encode(data).decode()]
    assert len(ask(rw, task(inputs={"referenceImages": forms}))["data"]) == 1


def test_a_webhook_comes_for_each_result_flat_or_wrapped(
    rw: Caller, control: Control, receiver: Receiver
) -> None:
    asked = task(numberResults=3, webhookURL=receiver.url)
    assert len(ask(rw, asked)["data"]) == 1
    flat = [json.loads(one.body) for one in receiver.wait_for(3)]
    assert {one["taskUUID"] for one in flat} == {asked["taskUUID"]}
    assert len({one["imageUUID"] for one in flat}) == 3
    control.switch("rw.webhook_shape", "data")
    ask(rw, task(webhookURL=receiver.url))
    assert list(json.loads(receiver.wait_for(4)[3].body)) == ["data"]


def test_a_webhook_is_repeated_until_it_is_taken(rw: Caller, receiver: Receiver) -> None:
    receiver.answers = [500, 503]
    ask(rw, task(webhookURL=receiver.url))
    assert len({one.body for one in receiver.wait_for(3)}) == 1


def test_webhooks_double_disordered_early_or_never(rw: Caller, control: Control, receiver: Receiver) -> None:
    control.fault("webhook_early")
    control.fault("webhook_disorder")
    control.fault("webhook_duplicate")
    asked = task(numberResults=2, webhookURL=receiver.url)
    ask(rw, asked)
    assert len(receiver.got) == 4  # before the answer to the submit
    told = [json.loads(one.body)["imageUUID"] for one in receiver.got]
    first, second = (entry["imageUUID"] for entry in poll(rw, asked)["data"])
    assert told == [second, second, first, first]
    control.fault("webhook_missing")
    ask(rw, task(webhookURL=receiver.url))
    ask(rw, task(webhookURL=receiver.url))
    assert len(receiver.wait_for(5)) == 5


def test_results_are_put_where_the_caller_wants_them(rw: Caller, receiver: Receiver) -> None:
    link = ask(rw, task(uploadEndpoint=receiver.url))["data"][0]["imageURL"]
    put = receiver.wait_for(1)[0]
    assert (put.method, put.body) == ("PUT", get(link).content)


def test_a_failure_stands_among_the_errors_or_the_data(rw: Caller, control: Control) -> None:
    control.fault("entry_error", gateway="runware", index=1)
    asked = task(numberResults=3)
    answer = ask(rw, asked)
    assert (len(answer["data"]), len(answer["errors"])) == (2, 1)
    assert control.totals("runware")["charged"] == 70_000
    control.switch("rw.failed_item_place", "data")
    assert [entry["status"] for entry in poll(rw, asked)["data"]] == ["success", "error", "success"]


def test_content_is_refused_at_once_or_late(rw: Caller, control: Control) -> None:
    control.fault("refused_content", gateway="runware")
    answer = rw.post("/v1", [task()])
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "invalidProviderContent")
    control.fault("refused_content", gateway="runware", late=True)
    asked = task(deliveryMethod="async")
    ask(rw, asked)
    eventually(lambda: poll(rw, asked).get("errors", [{}])[0].get("code") == "invalidProviderContent")
    assert control.totals("runware")["net"] == 0


def test_safety_is_told_only_where_it_was_asked_for(rw: Caller, control: Control) -> None:
    assert ask(rw, task(safety={"checkContent": True}))["data"][0]["NSFWContent"] is False
    control.fault("flagged")
    assert ask(rw, task(safety={"mode": "fast"}))["data"][0]["NSFWContent"] is True


def test_a_link_lives_as_long_as_its_ttl(rw: Caller, control: Control) -> None:
    short, usual = (ask(rw, task(**more))["data"][0]["imageURL"] for more in ({"ttl": 60}, {}))
    control.advance(61)
    assert (get(short).status_code, get(usual).status_code) == (404, 200)
    control.advance(7 * 86_400)
    assert get(usual).status_code == 404


def test_the_balance_is_a_number_or_an_object(rw: Caller, control: Control) -> None:
    ask(rw, task())
    question = {"taskType": "accountManagement", "taskUUID": str(uuid.uuid4()), "operation": "getDetails"}
    assert ask(rw, question)["data"][0]["balance"] == 999.965
    control.switch("rw.balance_shape", "object")
    assert ask(rw, question)["data"][0]["balance"]["amount"] == 999.965


def test_the_archive_holds_request_and_response(rw: Caller) -> None:
    asked = task()
    entries = ask(rw, asked)["data"]
    found = ask(rw, {"taskType": "getTaskDetails", "taskUUID": asked["taskUUID"]})["data"][0]
    assert found["request"] == [asked]
    assert found["response"]["data"] == entries
