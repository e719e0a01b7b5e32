"""A gateway whose links lead where none may: the person is told plainly, and staff what to mend."""

from __future__ import annotations

from generations.engine.net import Net
from providers.sandbox.client import Control
from tests.conftest import Person, ask, ended, make_person
from tests.web.conftest import browser_of, text_of


def test_staff_read_why_a_link_was_not_followed_and_the_person_pays_nothing(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.fault("link_to", gateway="bytespike", url="http://files.example/1.png")
    lost = ended(ask(person, provider="bytespike"))
    assert (lost.status, lost.charged, person.wallet.held) == ("failed", 0, 0)
    office = browser_of(make_person("staff@example.com", staff=True))
    assert "bad_result: forbidden_address: not https" in text_of(office.get("/oversight"))
    assert "not https" not in text_of(browser_of(person).get(f"/generations/{lost.id}"))
