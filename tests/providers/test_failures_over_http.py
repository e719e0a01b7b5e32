"""What goes wrong at the gateways, ordered from the sandbox's menu, over real HTTP through the real door."""

from typing import Any
from uuid import uuid4

import pytest

from providers.errors import ProviderError, Reason
from providers.sandbox.faults import Fault
from providers.sandbox.server import Sandbox
from providers.values import Accepted, Done, Failed, Running

from .captured import request, sent
from .errands import MAGIC, ask, at, bought, every_way, followed, picture

REFUSED = [
    (Fault.UNAUTHORIZED, Reason.KEY_REFUSED),
    (Fault.NO_CREDIT, Reason.NO_CREDIT),
    (Fault.FORBIDDEN, Reason.KEY_REFUSED),
    (Fault.RATE_LIMITED, Reason.RATE_LIMITED),
    (Fault.REFUSED_CONTENT, Reason.CONTENT_REFUSED),
]


@every_way
@pytest.mark.parametrize(("fault", "reason"), REFUSED)
def test_a_refusal_says_why_and_nothing_is_billed(
    gateways: Sandbox, slug: str, turned: dict[str, Any], fault: Fault, reason: Reason
) -> None:
    gateways.control.fault(fault, gateway=slug)
    failed = bought(gateways, at(gateways, slug, **turned))
    assert isinstance(failed, Failed), failed
    assert failed.reason is reason, failed
    assert gateways.control.totals(slug)["net"] == 0


@every_way
@pytest.mark.parametrize("form", [{"retry_after": 7}, {"retry_after": 7, "as_date": True}])
def test_it_is_heard_when_to_come_back(
    gateways: Sandbox, slug: str, turned: dict[str, Any], form: dict[str, Any]
) -> None:
    gateways.control.advance(3600)  # its moments are told by its own clock, and so is its Date
    gateways.control.fault(Fault.RATE_LIMITED, gateway=slug, **form)
    report = ask(at(gateways, slug, **turned).submit(request(), uuid4()))
    assert isinstance(report, Failed)
    assert report.retry_after is not None
    assert 6 <= report.retry_after <= 8


def test_the_moment_in_dollar_headers_is_heard_too(gateways: Sandbox) -> None:
    gateways.control.advance(3600)
    gateways.control.fault(Fault.RATE_LIMITED, gateway="bytespike", reset=42)
    report = ask(at(gateways, "bytespike").submit(request(), uuid4()))
    assert isinstance(report, Failed)
    assert report.retry_after is not None
    assert 40 <= report.retry_after <= 44


LOST = [
    Fault.SERVER_ERROR,
    Fault.BAD_GATEWAY,
    Fault.STATUS_AFTER,
    Fault.TRUNCATED,
    Fault.EMPTY_BODY,
    Fault.HTML,
]


@every_way
@pytest.mark.parametrize("fault", LOST)
def test_an_answer_that_cannot_be_read_is_never_a_refusal(
    gateways: Sandbox, slug: str, turned: dict[str, Any], fault: Fault
) -> None:
    gateways.control.fault(fault, gateway=slug)
    with pytest.raises(ProviderError) as caught:
        ask(at(gateways, slug, **turned).submit(request(), uuid4()))
    assert caught.value.reason is Reason.NO_ANSWER


@every_way
@pytest.mark.parametrize("fault", [Fault.EXTRA_FIELDS, Fault.NULLS, Fault.WRONG_TYPE])
def test_an_odd_answer_is_still_understood(
    gateways: Sandbox, slug: str, turned: dict[str, Any], fault: Fault
) -> None:
    gateways.control.fault(fault, gateway=slug, operation="any", times=None)
    count = 1 if fault is Fault.NULLS else 2  # one gateway names the second picture in an optional field
    done = bought(gateways, at(gateways, slug, **turned), count=count)
    assert isinstance(done, Done), done
    assert len(done.results) == count


@every_way
@pytest.mark.parametrize("fault", [Fault.FEWER, Fault.ENTRY_ERROR])
def test_what_is_good_is_kept_when_pictures_are_missing(
    gateways: Sandbox, slug: str, turned: dict[str, Any], fault: Fault
) -> None:
    gateways.control.fault(fault, gateway=slug)
    done = bought(gateways, at(gateways, slug, **turned), count=3)
    assert isinstance(done, Done), done
    assert len(done.results) == 2
    assert all(picture(result).startswith(MAGIC) for result in done.results)


@every_way
def test_work_that_fails_there_is_a_failure_with_a_reason(
    gateways: Sandbox, slug: str, turned: dict[str, Any]
) -> None:
    if not isinstance(ask(at(gateways, slug, **turned).submit(request(), uuid4())), Accepted):
        gateways.control.switch("aig.async_images", True)
        if slug == "bytespike":
            return  # a call that waits has no failure of its own: any of its errors is a status
    gateways.control.advance(60)
    gateways.control.fault(Fault.FAILS, gateway=slug)
    failed = bought(gateways, at(gateways, slug, **turned))
    assert isinstance(failed, Failed), failed
    assert not failed.reason.refused
    assert not failed.reason.passing


@pytest.mark.parametrize("slug", ["threedai", "runware", "prospolabs"])
@pytest.mark.parametrize(
    "fault", [Fault.RATE_LIMITED, Fault.SERVER_ERROR, Fault.BAD_GATEWAY, Fault.UNAUTHORIZED]
)
def test_a_question_that_fails_leaves_the_work_alone(gateways: Sandbox, slug: str, fault: Fault) -> None:
    provider = at(gateways, slug)
    accepted = ask(provider.submit(request(), uuid4()))
    assert isinstance(accepted, Accepted)
    gateways.control.fault(fault, gateway=slug, operation="poll")
    with pytest.raises(ProviderError):
        ask(sent(provider.poll(accepted.theirs)))
    assert isinstance(followed(gateways, provider, accepted), Done)


@pytest.mark.parametrize("slug", ["threedai", "runware", "prospolabs"])
def test_a_word_nobody_knows_means_it_is_still_running(gateways: Sandbox, slug: str) -> None:
    provider = at(gateways, slug)
    accepted = ask(provider.submit(request(), uuid4()))
    gateways.control.advance(60)
    gateways.control.fault(Fault.UNKNOWN_STATUS, gateway=slug)
    assert isinstance(ask(sent(provider.poll(str(accepted.theirs)))), Running)
    assert isinstance(followed(gateways, provider, accepted), Done)


@pytest.mark.parametrize("slug", ["aigateway", "bytespike"])
def test_the_only_picture_may_fail_inside_a_success_and_the_reason_is_heard(
    gateways: Sandbox, slug: str
) -> None:
    gateways.control.fault(Fault.ENTRY_ERROR, gateway=slug)
    failed = bought(gateways, at(gateways, slug))
    assert isinstance(failed, Failed), failed
    assert failed.reason is Reason.CONTENT_REFUSED
    assert gateways.control.totals(slug)["net"] == 0


@every_way
def test_success_without_any_picture_is_an_end(gateways: Sandbox, slug: str, turned: dict[str, Any]) -> None:
    if slug == "runware":
        return  # an empty list there is what a task looks like that has not begun
    for slow in (False, True) if slug == "aigateway" else (False,):
        gateways.control.switch("aig.async_images", slow)
        gateways.control.fault(Fault.NO_PICTURES, gateway=slug)
        done = bought(gateways, at(gateways, slug, **turned))
        assert isinstance(done, Done), done
        assert done.results == ()
