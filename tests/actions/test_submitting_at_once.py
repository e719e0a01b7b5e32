"""Many requests at the same moment: no wallet is overdrawn, and a key is for one thing."""

from __future__ import annotations

from accounts.errors import Conflict
from billing.errors import InsufficientCredit
from billing.models import Hold
from generations.models import Generation, Submission
from generations.states import SubmissionState
from tests.actions.test_submitting import submit
from tests.billing.books import assert_books_add_up, balances
from tests.billing.crowd import crowd
from tests.conftest import make_person

PRICE = 14_000


def test_of_fifty_submits_with_credit_for_ten_exactly_ten_are_taken_on(live: str) -> None:
    person = make_person(credit=10 * PRICE)

    answers = crowd(50, lambda _: submit(person.principal), refusals=(InsufficientCredit,))

    assert (len(answers.made), len(answers.refused)) == (10, 40)
    assert balances(person.wallet) == (10 * PRICE, 0, 10 * PRICE, 0)
    assert Generation.objects.count() == 10
    assert Submission.objects.filter(state=SubmissionState.PLANNED, due_at__isnull=False).count() == 10
    assert_books_add_up()


def test_one_key_sent_by_twenty_at_once_makes_one_generation(live: str) -> None:
    person = make_person()

    answers = crowd(20, lambda _: submit(person.principal, "k"), refusals=(Conflict,))

    assert len({outcome.subject_id for outcome in answers.made}) == 1
    assert [outcome.replayed for outcome in answers.made].count(False) == 1
    assert all(getattr(refusal, "retry_after", 0) for refusal in answers.refused)
    assert (Generation.objects.count(), Hold.objects.count()) == (1, 1)
    assert person.wallet.held == PRICE
    assert_books_add_up()


def test_one_key_with_twenty_bodies_at_once_makes_one_generation(live: str) -> None:
    person = make_person()

    answers = crowd(
        20, lambda number: submit(person.principal, "k", prompt=f"boat {number}"), refusals=(Conflict,)
    )

    assert len(answers.made) == 1
    assert (Generation.objects.count(), Hold.objects.count()) == (1, 1)
    assert person.wallet.held == PRICE
