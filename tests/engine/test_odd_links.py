"""A gateway's link whose host is no name: the picture is written off, and its credits do not stay held."""

from __future__ import annotations

from generations.engine.net import Net
from providers.sandbox.client import Control
from providers.sandbox.faults import Fault
from tests.api.conftest import client_of, send
from tests.conftest import Person, ask, ended
from tests.engine.stage import Story, story

LINK = "https://xn--a.localhost/picture.png"


def test_a_link_to_what_is_no_name_is_written_off_and_costs_the_person_nothing(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.fault(Fault.LINK_TO, gateway="bytespike", url=LINK)
    generation = ended(ask(person, provider="bytespike"))
    assert story(gateways, generation) == Story("failed", "bad_result", 0, 0, 12_000, 1)
    assert person.wallet.held == 0


def test_a_reference_at_what_is_no_name_is_refused_by_field(person: Person, gateways: Control) -> None:
    body = {"prompt": "a red boat", "provider": "runware", "references": [LINK]}
    answer = send(client_of(person), "POST", "/api/v1/generations", body)
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["references"])
    assert person.wallet.held == 0
