"""The fault menu, on one gateway or on all; each fault is used up and the next call is good again."""

from collections.abc import Callable
from email.utils import parsedate_to_datetime
from json import JSONDecodeError
from typing import Any

import httpx
import pytest

from providers.sandbox.client import Control
from tests.sandbox.conftest import SUBMITS, Caller, Submit, eventually, get

Make = Callable[..., Caller]
everywhere = pytest.mark.parametrize("gateway", list(SUBMITS))


@everywhere
@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("unauthorized", 401),
        ("no_credit", 402),
        ("forbidden", 403),
        ("rate_limited", 429),
        ("server_error", 500),
        ("unavailable", 503),
    ],
)
def test_a_status_before_the_work_is_in_the_gateways_own_form_and_free(
    submit: Submit, control: Control, gateway: str, fault: str, status: int
) -> None:
    control.fault(fault, gateway=gateway)
    answer = submit(gateway)
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (status, "application/json")
    assert "Retry-After" not in answer.headers
    assert control.bill() == []
    assert submit(gateway).status_code == 200


@everywhere
def test_the_edge_in_front_of_a_gateway_answers_html(submit: Submit, control: Control, gateway: str) -> None:
    control.fault("bad_gateway", gateway=gateway)
    answer = submit(gateway)
    assert (answer.status_code, answer.text[:6]) == (502, "<html>")
    assert control.bill() == []


def test_a_429_tells_its_waiting_time_in_the_form_that_was_ordered(submit: Submit, control: Control) -> None:
    control.fault("rate_limited", retry_after=7)
    assert submit("aigateway").headers["Retry-After"] == "7"
    control.fault("rate_limited", retry_after=7, as_date=True)
    assert parsedate_to_datetime(submit("aigateway").headers["Retry-After"]).tzinfo is not None
    control.fault("rate_limited", reset=30)
    assert int(submit("bytespike").headers["X-RateLimit-Reset"]) < control.state()["now"] + 31


@everywhere
@pytest.mark.parametrize("fault", ["reset_after", "status_after", "short_body"])
def test_an_answer_lost_after_the_work_is_charged(
    submit: Submit, control: Control, gateway: str, fault: str
) -> None:
    control.fault(fault, gateway=gateway)
    if fault == "status_after":
        assert submit(gateway).status_code == 504
    else:
        with pytest.raises(httpx.TransportError):
            submit(gateway)
    assert control.totals(gateway)["calls"] == 1


@everywhere
def test_a_reset_before_acceptance_is_free(submit: Submit, control: Control, gateway: str) -> None:
    control.fault("reset_before", gateway=gateway)
    with pytest.raises(httpx.TransportError):
        submit(gateway)
    assert control.bill() == []


def test_bodies_are_cut_emptied_dressed_up_and_dripped(submit: Submit, control: Control) -> None:
    control.fault("truncated")
    with pytest.raises(JSONDecodeError):
        submit("aigateway").json()
    control.fault("closed_early")
    answer = submit("aigateway")
    assert "content-length" not in answer.headers
    with pytest.raises(JSONDecodeError):
        answer.json()
    control.fault("empty_body")
    assert submit("aigateway").content == b""
    control.fault("wrong_type")
    assert submit("aigateway").headers["content-type"].startswith("text/plain")
    control.fault("html")
    answer = submit("aigateway")
    assert (answer.status_code, answer.text[:9]) == (200, "<!doctype")
    control.fault("drip", bytes=40, pause=0.001)
    assert len(submit("aigateway").json()["data"]) == 1
    assert control.totals("aigateway")["calls"] == 6


def test_unknown_fields_and_nulls_appear(submit: Submit, control: Control) -> None:
    control.fault("extra_fields")
    answer = submit("bytespike").json()
    assert answer["x_added_later"]["version"] == 2
    assert "x_added_later" in answer["data"][0]
    control.fault("nulls")
    assert submit("bytespike").json()["data"][0]["revised_prompt"] is None


def test_a_call_that_hangs_is_let_go_by_the_clock(caller: Make, control: Control) -> None:
    control.fault("hang", gateway="prospolabs", seconds=1000)
    path, body = SUBMITS["prospolabs"]
    with pytest.raises(httpx.ReadTimeout):
        caller("prospolabs").http.post(path, json=body, timeout=0.2)
    eventually(lambda: control.totals("prospolabs")["calls"] == 1)


def test_fewer_pictures_none_an_error_among_them_or_another_price(submit: Submit, control: Control) -> None:
    four = ("/v1/images/generations", {**SUBMITS["bytespike"][1], "n": 4})

    def call(fault: str, **args: Any) -> tuple[list[dict[str, Any]], int]:
        before = control.totals("bytespike")["net"]
        control.fault(fault, gateway="bytespike", **args)
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(SUBMITS, "bytespike", four)
            data = submit("bytespike").json()["data"]
        return data, control.totals("bytespike")["net"] - before

    data, charged = call("fewer", missing=3)
    assert (len(data), charged) == (1, 12_000)
    assert call("no_pictures") == ([], 0)
    assert call("no_pictures", charged=True) == ([], 48_000)
    data, charged = call("entry_error", index=2)
    assert (["error" in entry for entry in data], charged) == ([False, False, True, False], 36_000)
    assert call("cost_percent", percent=150)[1] == 72_000


def test_one_dead_link_among_good_ones_and_one_that_leads_elsewhere(caller: Make, control: Control) -> None:
    pl = caller("prospolabs")
    control.fault("dead_link", index=1, status=403)
    control.fault("link_to", index=2, url="http://169.254.169.254/latest")
    links = pl.post("/v1/generate", {**SUBMITS["prospolabs"][1], "num_images": 3}).json()["output_urls"]
    assert [get(one).status_code for one in links[:2]] == [200, 403]
    assert links[2] == "http://169.254.169.254/latest"


def test_a_cost_may_be_missing(submit: Submit, control: Control) -> None:
    control.fault("cost_missing", times=2)
    assert "X-Cost-Cents" not in submit("aigateway").headers
    assert "estimated_cost_usd" not in submit("prospolabs").json()


def test_an_id_may_be_used_twice(submit: Submit, control: Control) -> None:
    first = submit("threedai").json()["task_id"]
    control.fault("reused_id")
    assert submit("threedai").json()["task_id"] == first


def test_polls_are_unknown_flapping_endless_or_failing(caller: Make, control: Control) -> None:
    three = caller("threedai")

    def started() -> str:
        path, body = SUBMITS["threedai"]
        return f"/v1/generation-request/{three.post(path, body).json()['task_id']}/status/"

    status = started()
    control.fault("unknown_status", word="REVIEWING")
    control.fault("status", operation="poll", status=404)
    control.fault("rate_limited", operation="poll")
    assert [three.get(status).status_code for _ in range(2)] == [404, 429]
    assert [three.get(status).json()["status"] for _ in range(2)] == ["REVIEWING", "FINISHED"]
    control.fault("flapping")
    status = started()
    assert [three.get(status).json()["status"] for _ in range(3)] == ["FINISHED", "FAILED", "FINISHED"]
    control.fault("never_finishes")
    status = started()
    control.advance(10_000)
    assert three.get(status).json()["status"] == "IN_PROGRESS"


def test_an_order_waits_for_its_prompt_lets_some_pass_and_is_used_up(caller: Make, control: Control) -> None:
    control.fault("server_error", gateway="aigateway", prompt_contains="owl", times=2, skip=1)
    aig = caller("aigateway")
    path, body = SUBMITS["aigateway"]
    seen = [
        aig.post(path, {**body, "prompt": word}).status_code
        for word in ("fox", "owl", "owl", "fox", "owl", "owl")
    ]
    assert seen == [200, 200, 500, 200, 500, 200]
