"""The control endpoint: orders, the log, the page, and starting afresh."""

from collections.abc import Callable
from email.utils import parsedate_to_datetime

import httpx
import pytest

from providers.sandbox.client import Control, ControlError
from providers.sandbox.faults import MENU, Fault
from providers.sandbox.server import Sandbox
from tests.sandbox.conftest import SUBMITS, Caller, Submit, get

Make = Callable[..., Caller]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda control: control.fault("nonsense"),
        lambda control: control.fault("server_error", operation="nonsense"),
        lambda control: control.fault("svg", operation="submit"),
        lambda control: control.fault("server_error", gateway="nobody"),
        lambda control: control.fault("server_error", times=0),
        lambda control: control.switch("aig.nonsense", True),
        lambda control: control.switch("aig.code_type", "float"),
        lambda control: control.switch("aig.async_images", 1),
        lambda control: control.settings("aigateway", picture="big"),
        lambda control: control.advance(-1),
    ],
)
def test_what_cannot_be_ordered_is_refused_with_a_sentence(
    control: Control, wrong: Callable[[Control], None]
) -> None:
    with pytest.raises(ControlError, match=r"\w+ .+"):
        wrong(control)


def test_every_fault_is_on_the_menu(control: Control) -> None:
    assert set(MENU) == set(Fault)
    assert set(get(control.url + "/faults").json()["menu"]) == {str(fault) for fault in Fault}


def test_the_log_holds_what_was_asked_and_no_secret(submit: Submit, control: Control, link: str) -> None:
    get(link)
    submit("aigateway")
    text = get(control.url + "/requests").text + get(control.url + "/state").text
    assert "key-of-a-test" not in text
    noted = control.requests("aigateway", "submit")[0]
    assert (noted["prompt"], noted["status"], noted["key"]) == ("a fox", 200, "test")
    assert len(noted["body_sha256"]) == 64
    assert "authorization" not in {name.lower() for name in control.requests(operation="file")[0]["headers"]}
    assert control.count("aigateway", "POST") == control.count("aigateway", "submit") == 1


@pytest.mark.parametrize("gateway", SUBMITS)
def test_an_answer_is_dated_by_the_sandboxs_own_clock(submit: Submit, control: Control, gateway: str) -> None:
    control.advance(7_200)
    dated = parsedate_to_datetime(submit(gateway).headers["Date"]).timestamp()
    assert abs(dated - control.state()["now"]) < 60


def test_a_secret_in_the_body_is_not_logged(caller: Make, control: Control) -> None:
    inside = {"taskType": "authentication", "apiKey": "very-secret-key"}
    caller("runware", key="").post("/v1", [inside, *SUBMITS["runware"][1]])
    assert "very-secret-key" not in get(control.url + "/requests").text


def test_another_origins_page_cannot_change_anything(control: Control) -> None:
    answer = httpx.post(control.url + "/reset", content="{}", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415


def test_the_page_says_that_nothing_here_is_real(sandbox: Sandbox, control: Control) -> None:
    page = get(control.url + "/").text
    assert "Pictures and money here are not real" in page
    assert all(sandbox.origin(gateway) in page for gateway in SUBMITS)


def test_a_reset_forgets_everything(submit: Submit, control: Control, link: str) -> None:
    control.fault("server_error", times=None)
    control.switch("aig.code_type", "integer")
    control.reset()
    assert control.bill() == control.requests() == []
    assert get(link).status_code == 404
    assert submit("prospolabs").status_code == 200
    assert control.state()["switches"]["aig.code_type"] == "string"
