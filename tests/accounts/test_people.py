"""Making people: with a sign-in, a project, a wallet, and only once."""

from __future__ import annotations

import sys
from io import StringIO

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import RequestFactory

from accounts import actions
from accounts.errors import Conflict, Invalid
from accounts.models import AuditEvent, Membership, Project, User
from billing.models import Wallet

PASSWORD = "a long enough password"
pytestmark = pytest.mark.django_db


def test_a_person_can_sign_in_and_owns_a_project() -> None:
    user = actions.create_user(email="  Ada@Example.com ", password=PASSWORD, name="Ada")

    assert user.email == "ada@example.com"
    request = RequestFactory().post("/sign-in")
    assert authenticate(request, email="ADA@example.com", password=PASSWORD) == user
    assert authenticate(request, email="ada@example.com", password="another password") is None
    assert user.emailaddress_set.get().verified  # type: ignore[attr-defined]
    assert [(one.project.name, one.role) for one in Membership.objects.filter(user=user)] == [
        ("Ada's pictures", "owner")
    ]
    assert not user.is_staff
    assert not user.is_superuser
    written = AuditEvent.objects.filter(actor=user).values_list("verb", flat=True)
    assert set(written) == {"create_user", "create_project"}


@pytest.mark.parametrize(
    ("email", "password", "field"),
    [
        ("not an address", PASSWORD, "email"),
        ("", PASSWORD, "email"),
        ("a" * 250 + "@example.com", PASSWORD, "email"),
        ("ada@example.com", "short", "password"),
        ("ada@example.com", "password123", "password"),
        ("ada@example.com", "ada@example.com", "password"),
    ],
)
def test_a_bad_address_or_password_is_named_and_makes_nobody(email: str, password: str, field: str) -> None:
    before = (User.objects.count(), Project.objects.count())
    with pytest.raises(Invalid) as refusal:
        actions.create_user(email=email, password=password)

    assert set(refusal.value.fields) == {field}
    assert (User.objects.count(), Project.objects.count()) == before


def test_an_address_signs_in_one_person_however_it_is_written() -> None:
    actions.create_user(email="ada@example.com", password=PASSWORD)

    with pytest.raises(Conflict) as refusal:
        actions.create_user(email="ADA@EXAMPLE.COM", password=PASSWORD)

    assert refusal.value.code == "user_exists"
    with pytest.raises(IntegrityError, match="user_email_once"), transaction.atomic():
        User.objects.create(email="Ada@Example.com")


def test_the_command_makes_a_person_with_an_empty_wallet(monkeypatch: pytest.MonkeyPatch) -> None:
    out = StringIO()
    monkeypatch.setattr(sys, "stdin", StringIO(f"{PASSWORD}\n"))
    call_command("create_user", "ada@example.com", "--staff", "--password-stdin", stdout=out)

    user = User.objects.get(email="ada@example.com")
    assert user.is_staff
    assert user.check_password(PASSWORD)
    assert (Wallet.objects.get(user=user).granted, "can sign in" in out.getvalue()) == (0, True)

    monkeypatch.setattr(sys, "stdin", StringIO("short\n"))
    with pytest.raises(CommandError):
        call_command("create_user", "ben@example.com", "--password-stdin")
    assert not User.objects.filter(email="ben@example.com").exists()


def test_the_command_grants_once_for_one_key() -> None:
    actions.create_user(email="ada@example.com", password=PASSWORD)
    out = StringIO()
    for _ in range(2):
        call_command("grant", "ada@example.com", "25.00", "--memo", "gift", "--key", "k", stdout=out)

    assert Wallet.objects.get(user__email="ada@example.com").available == 25_000_000
    assert "granted; " in out.getvalue()
    assert "had been granted before" in out.getvalue()


@pytest.mark.parametrize(
    ("email", "amount", "said"),
    [
        ("nobody@example.com", "1", "Nobody signs in"),
        ("ada@example.com", "1e999999", "at most"),
        ("ada@example.com", "NaN", "amount"),
        ("ada@example.com", "0", "above zero"),
        ("ada@example.com", "-5", "above zero"),
    ],
)
def test_the_command_says_what_is_wrong_with_a_grant(email: str, amount: str, said: str) -> None:
    actions.create_user(email="ada@example.com", password=PASSWORD)

    with pytest.raises(CommandError, match=said):
        call_command("grant", "--memo", "gift", "--", email, amount)
