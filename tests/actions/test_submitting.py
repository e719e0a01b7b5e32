"""Submitting: the exact quote is held and the work is queued, or it is refused and nothing is left."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from accounts import actions
from accounts.errors import Conflict, Invalid, NotAllowed, NotFound, Refusal
from accounts.models import ApiKey, Role, Scope
from accounts.principal import Principal
from billing import ledger
from billing.errors import InsufficientCredit, PriceAboveMax, PriceUnavailable
from billing.models import Hold, Transfer
from billing.pricing import set_price
from generations.actions import asking, generate, idempotency
from generations.actions.idempotency import Outcome
from generations.engine.routing import ProviderPaused
from generations.models import Generation, KeptAnswer, Submission
from generations.states import SubmissionState
from providers.models import ProviderAccount
from tests.billing.books import assert_books_add_up, balances
from tests.conftest import DOLLAR, Person, ask, make_person


def submit(principal: Principal, key: str | None = None, **fields: Any) -> Outcome:
    body = {"prompt": "a red boat", **fields}
    return generate.submit(
        principal=principal,
        asked=asking.read(body),
        render=lambda made: {"id": str(made.id)},
        key=(key and idempotency.Key(principal.user, key, "/api/v1/generations", body)) or None,
    )


def made_by(outcome: Outcome) -> Generation:
    assert outcome.subject_id is not None
    return Generation.objects.get(id=outcome.subject_id)


def assert_nothing_was_left(person: Person) -> None:
    assert not Generation.objects.exists()
    assert not Submission.objects.exists()
    assert not Hold.objects.exists()
    assert not KeptAnswer.objects.exists()
    assert not Transfer.objects.exclude(kind="grant").exists()
    assert (person.wallet.held, person.wallet.spent) == (0, 0)


def test_the_exact_quote_is_held_and_the_work_is_due(ada: Person) -> None:
    generation = ask(ada, provider="bytespike", count=10)

    assert (generation.status, generation.quoted, generation.unit_price) == ("queued", 120_000, 12_000)
    assert balances(ada.wallet) == (100 * DOLLAR, 100 * DOLLAR - 120_000, 120_000, 0)
    submissions = Submission.objects.filter(generation=generation).order_by("id")
    assert [(one.pictures, one.state, one.posts) for one in submissions] == [
        (4, SubmissionState.PLANNED, 0),
        (4, SubmissionState.PLANNED, 0),
        (2, SubmissionState.PLANNED, 0),
    ]
    assert all(one.due_at for one in submissions)
    assert_books_add_up()


def test_a_wallet_below_the_price_is_refused_with_what_is_needed_and_available(ada: Person) -> None:
    poor = make_person("ben@example.com", credit=34_999)

    with pytest.raises(InsufficientCredit) as refusal:
        ask(poor, provider="runware")

    assert refusal.value.extra == {"needed": "0.035", "available": "0.034999", "held": "0.000"}
    assert_nothing_was_left(poor)


def test_credit_for_exactly_the_price_is_enough(ada: Person) -> None:
    exact = make_person("ben@example.com", credit=35_000)

    ask(exact, provider="runware")

    assert balances(exact.wallet) == (35_000, 0, 35_000, 0)


def test_what_costs_nothing_needs_no_credit(ada: Person) -> None:
    set_price(model="seedream-5-lite", provider="prospolabs", unit=0)
    poor = make_person("ben@example.com", credit=0)

    generation = ask(poor)

    assert (generation.provider, generation.quoted) == ("prospolabs", 0)
    assert not Hold.objects.exists()


def test_the_same_key_again_gives_the_first_answer_and_one_hold(ada: Person) -> None:
    first = submit(ada.principal, "k")  # whose answer the client may never have seen
    again = submit(ada.principal, "k")

    assert (first.replayed, again.replayed) == (False, True)
    assert (again.status, again.answer, again.subject_id) == (202, first.answer, first.subject_id)
    assert (Generation.objects.count(), Hold.objects.count()) == (1, 1)


def test_the_same_key_with_another_prompt_is_refused(ada: Person) -> None:
    submit(ada.principal, "k")

    with pytest.raises(Conflict) as refusal:
        submit(ada.principal, "k", prompt="a blue boat")

    assert refusal.value.code == "idempotency_key_reused"
    assert Generation.objects.count() == 1


def test_a_key_belongs_to_its_person(ada: Person) -> None:
    ben = make_person("ben@example.com")

    assert submit(ada.principal, "k").subject_id != submit(ben.principal, "k").subject_id


def test_a_refusal_keeps_no_key_so_that_the_caller_may_mend_and_retry(ada: Person) -> None:
    poor = make_person("ben@example.com", credit=0)
    with pytest.raises(InsufficientCredit):
        submit(poor.principal, "k")
    assert_nothing_was_left(poor)

    ledger.grant(user=poor.user, amount=DOLLAR, memo="at last", actor=None)

    assert not submit(poor.principal, "k").replayed


@pytest.mark.parametrize("key", ["", "k" * 256, "k\n", "k\x00"])
def test_a_key_that_cannot_be_kept_is_refused(ada: Person, key: str) -> None:
    body = {"prompt": "a red boat"}
    with pytest.raises(Invalid, match="Idempotency-Key"):
        generate.submit(
            principal=ada.principal,
            asked=asking.read(body),
            render=lambda made: {},
            key=idempotency.Key(ada.user, key, "/api/v1/generations", body),
        )
    assert_nothing_was_left(ada)


def test_a_price_that_is_missing_or_off_sale_holds_nothing(ada: Person) -> None:
    set_price(model="seedream-5-lite", provider="runware", unit=None)

    with pytest.raises(PriceUnavailable) as refusal:
        ask(ada, provider="runware")

    assert refusal.value.code == "price_unavailable"
    for provider in ("aigateway", "bytespike", "threedai", "prospolabs"):
        set_price(model="seedream-5-lite", provider=provider, unit=None)
    with pytest.raises(PriceUnavailable):
        ask(ada)
    assert_nothing_was_left(ada)


def test_a_price_that_rose_above_max_price_is_refused_with_the_new_one(ada: Person) -> None:
    assert ask(ada, provider="runware", count=2, max_price="0.07").quoted == 70_000
    set_price(model="seedream-5-lite", provider="runware", unit=35_001)

    with pytest.raises(PriceAboveMax) as refusal:
        ask(ada, provider="runware", count=2, max_price="0.07")

    assert refusal.value.extra == {"price": "0.070002"}
    assert "max_price" in refusal.value.fields
    assert (Generation.objects.count(), ada.wallet.held) == (1, 70_000)


def test_a_price_that_changes_later_leaves_what_was_quoted(ada: Person) -> None:
    generation = ask(ada, provider="runware")
    set_price(model="seedream-5-lite", provider="runware", unit=99_000)

    generation.refresh_from_db()

    assert (generation.unit_price, generation.quoted, ada.wallet.held) == (35_000, 35_000, 35_000)


def test_no_generation_holds_more_than_a_hundred_dollars(ada: Person) -> None:
    set_price(model="seedream-5-lite", provider="runware", unit=10 * DOLLAR)

    with pytest.raises(Invalid) as refusal:
        ask(ada, provider="runware", count=11)

    assert "count" in refusal.value.fields
    assert_nothing_was_left(ada)


def test_a_named_provider_without_account_is_refused_with_when_to_come_back(ada: Person) -> None:
    ProviderAccount.objects.filter(provider="runware").update(enabled=False)

    with pytest.raises(ProviderPaused) as refusal:
        ask(ada, provider="runware")

    assert refusal.value.retry_after
    assert_nothing_was_left(ada)


# ── where work goes ─────────────────────────────────────────────────────────────


def test_without_a_project_work_goes_to_the_oldest_where_one_may_work(ada: Person) -> None:
    shared = actions.create_project(principal=make_person("ben@example.com").principal, name="Ben's")
    newer = actions.create_project(principal=ada.principal, name="newer")

    assert made_by(submit(ada.principal)).project == ada.project
    actions.archive_project(principal=ada.principal, project_id=ada.project.id)
    assert made_by(submit(ada.principal)).project == newer
    assert shared != newer


def test_a_person_without_a_project_is_told_whom_to_ask(ada: Person) -> None:
    actions.archive_project(principal=ada.principal, project_id=ada.project.id)

    with pytest.raises(NotAllowed, match="ask an owner"):
        submit(ada.principal)

    assert_nothing_was_left(ada)


def test_a_key_bound_to_a_project_works_there_and_nowhere_else(ada: Person) -> None:
    other = actions.create_project(principal=ada.principal, name="other")
    key, _ = actions.create_api_key(user=ada.user, name="bound", project_id=other.id)
    bound = Principal(ada.user, key)

    made = made_by(submit(bound))

    assert (made.project, made.key) == (other, key)
    with pytest.raises(NotFound):
        submit(bound, project=str(ada.project.id))


def _viewer(ada: Person) -> Principal:
    ben = make_person("ben@example.com")
    actions.set_member(
        principal=ada.principal, project_id=ada.project.id, email=ben.user.email, role=Role.VIEWER
    )
    return ben.principal


def _stranger(ada: Person) -> Principal:
    return make_person("ben@example.com").principal


def _owner_of_the_archive(ada: Person) -> Principal:
    actions.archive_project(principal=ada.principal, project_id=ada.project.id)
    return ada.principal


def _key_that_only_reads(ada: Person) -> Principal:
    key, _ = actions.create_api_key(user=ada.user, name="reader", scopes=[Scope.READ])
    return Principal(ada.user, ApiKey.objects.get(id=key.id))


@pytest.mark.parametrize(
    ("who", "refusal"),
    [
        (_viewer, NotAllowed),
        (_stranger, NotFound),
        (_owner_of_the_archive, NotAllowed),
        (_key_that_only_reads, NotAllowed),
    ],
)
def test_who_may_not_make_pictures_in_a_project_leaves_nothing_there(
    ada: Person, who: Any, refusal: type[Refusal]
) -> None:
    principal = who(ada)

    with pytest.raises(refusal):
        submit(principal, project=str(ada.project.id))

    assert_nothing_was_left(ada)


def test_a_project_that_does_not_exist_looks_like_one_of_somebody_else(ada: Person) -> None:
    foreign = make_person("ben@example.com").project

    sentences = set()
    for project in (foreign.id, uuid4()):
        with pytest.raises(NotFound) as refusal:
            submit(ada.principal, project=str(project))
        sentences.add((refusal.value.code, refusal.value.message))

    assert len(sentences) == 1
    assert_nothing_was_left(ada)
