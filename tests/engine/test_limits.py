"""An account's limits are kept exactly, however many workers there are."""

from __future__ import annotations

from generations.engine.media import Media
from generations.engine.net import Net
from providers.models import ProviderAccount
from providers.sandbox.client import Control
from providers.sandbox.faults import Fault
from tests.conftest import Person, ask, eventually
from tests.engine.conftest import Start
from tests.engine.stage import all_ended, change, looked_after, pass_time, posted


def test_no_more_calls_are_in_flight_than_the_account_may_have(
    person: Person, gateways: Control, loops: Start
) -> None:
    change("bytespike", max_in_flight=3)
    gateways.settings("bytespike", latency=3600)
    asked = [ask(person, f"number {number}", provider="bytespike") for number in range(8)]
    loops(Net(), Net(), Media())

    for flying, sent in ((3, 3), (3, 6), (2, 8)):
        posted(gateways, "bytespike", sent)
        looked_after(person, "prospolabs", gateways)
        assert gateways.state()["running"]["bytespike"] == flying
        assert gateways.count("bytespike") == sent
        gateways.advance(3600)
    assert [one.charged for one in all_ended(asked)] == [12_000] * 8


def test_no_more_calls_leave_in_a_minute_than_the_account_may_send(
    person: Person, gateways: Control, loops: Start
) -> None:
    change("prospolabs", rpm=5)
    gateways.settings("prospolabs", rpm=5)
    asked = [ask(person, f"number {number}", provider="prospolabs") for number in range(12)]
    loops(Net(), Net(), Media())

    for sent in (5, 10, 12):
        posted(gateways, "prospolabs", sent)
        looked_after(person, "bytespike", gateways)
        assert gateways.count("prospolabs") == sent
        gateways.advance(61)
        pass_time(61)
    assert all(one.status == "succeeded" for one in all_ended(asked))
    assert {note["status"] for note in gateways.requests("prospolabs", "submit")} == {202}


def test_where_polls_count_they_are_spared_as_well(person: Person, gateways: Control, loops: Start) -> None:
    change("threedai", rpm=3, settings={"rate_counts_polls": True})
    gateways.switch("3d.rate_counts_polls", True)
    gateways.settings("threedai", rpm=3)
    asked = [ask(person, f"number {number}", provider="threedai") for number in range(2)]
    loops(Net(), Net(), Media())

    eventually(lambda: len(gateways.requests("threedai")) >= 3)
    looked_after(person, "bytespike", gateways)
    gateways.advance(61)
    pass_time(61)
    assert [one.status for one in all_ended(asked)] == ["succeeded", "succeeded"]
    assert 429 not in {note["status"] for note in gateways.requests("threedai")}


def test_where_polls_count_asking_for_a_fresh_link_counts_as_well(
    person: Person, gateways: Control, loops: Start
) -> None:
    change("threedai", rpm=3, settings={"rate_counts_polls": True})
    gateways.switch("3d.rate_counts_polls", True)
    gateways.settings("threedai", rpm=3)
    gateways.fault(Fault.EXPIRED, gateway="threedai", times=None)
    generation = ask(person, provider="threedai")
    loops(Net(), Media())

    eventually(lambda: len(gateways.requests("threedai", "file")) >= 4)
    gateways.clear_faults()
    gateways.advance(61)
    pass_time(61)
    (ended,) = all_ended([generation])
    assert ended.status == "succeeded"
    assert 429 not in {note["status"] for note in gateways.requests("threedai")}


def test_an_account_of_a_provider_this_version_does_not_know_is_left_alone(
    person: Person, gateways: Control, loops: Start
) -> None:
    ProviderAccount.objects.filter(provider="threedai").update(provider="another", max_in_flight=None)
    asked = [ask(person, provider="bytespike")]
    loops(Net(), Media())

    assert [one.status for one in all_ended(asked)] == ["succeeded"]
