"""Provider keys: sealed to their row, under a ring that turns, readable by nobody who looks."""

from __future__ import annotations

from importlib import import_module
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from generations.engine.net import Net
from generations.models import Submission
from providers import sealing
from providers.management.commands.rotate_field_keys import reseal
from providers.models import ProviderAccount
from providers.sandbox.client import Control
from tests.conftest import DOLLAR, Person, ask, ended, make_person

OLD, NEW = {"k1": b"1" * 32}, {"k2": b"2" * 32}
SECRET = "rw-very-secret-key-1234"


@pytest.fixture
def account(db: None, settings: Any) -> ProviderAccount:
    ProviderAccount.objects.all().delete()
    settings.FIELD_KEYS = OLD
    account = ProviderAccount(provider="runware", name="ours")
    account.set_key(SECRET)
    account.save()
    return ProviderAccount.objects.get(id=account.id)


def rotate() -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("rotate_field_keys", stdout=out)
    except CommandError as error:
        return error.returncode, f"{out.getvalue()}{error}"
    return 0, out.getvalue()


@given(st.text(), st.text())
def test_a_secret_opens_in_its_place_and_nowhere_else(secret: str, place: str) -> None:
    sealed = sealing.seal(OLD, secret, place)

    assert sealing.unseal(OLD, sealed, place) == secret
    with pytest.raises(sealing.Unreadable):
        sealing.unseal(OLD, sealed, place + "x")
    assert sealing.seal(OLD, secret, place) != sealed


@given(st.text() | st.text().map(lambda text: f"k1:{text}"))
def test_whatever_stands_in_a_sealed_field_opens_or_is_unreadable(sealed: str) -> None:
    with pytest.raises(sealing.Unreadable):
        sealing.unseal(OLD, sealed, "place")


def test_a_changed_byte_makes_a_secret_unreadable() -> None:
    sealed = sealing.seal(OLD, SECRET, "place")
    for place in range(3, len(sealed) - 2):
        altered = sealed[:place] + ("A" if sealed[place] != "A" else "B") + sealed[place + 1 :]
        with pytest.raises(sealing.Unreadable):
            sealing.unseal(OLD, altered, "place")


def test_a_key_is_nowhere_to_be_read(account: ProviderAccount) -> None:
    adapter = account.adapter()

    shown = f"{account!r} {account} {vars(account)} {account.opened()!r} {adapter!r}"
    shown += str(ProviderAccount.objects.filter(id=account.id).values().get())
    assert SECRET not in shown
    assert account.key_hint == "1234"
    assert account.open_key() == SECRET


def test_a_short_key_has_no_hint(account: ProviderAccount) -> None:
    account.set_key("12345678")

    assert account.key_hint == ""


def test_another_secret_key_ends_sessions_and_leaves_provider_keys_open(
    account: ProviderAccount, settings: Any
) -> None:
    user = make_person(credit=0).user
    session = user.get_session_auth_hash()

    settings.SECRET_KEY = "another"

    assert account.open_key() == SECRET
    assert user.get_session_auth_hash() != session


def test_field_keys_turn_without_losing_a_secret(account: ProviderAccount, settings: Any) -> None:
    settings.FIELD_KEYS = NEW | OLD
    assert account.open_key() == SECRET

    assert rotate() == (0, "1 of 1 accounts re-encrypted under k2; 0 were already.\n")

    settings.FIELD_KEYS = NEW
    account.refresh_from_db()
    assert (account.open_key(), account.key_hint) == (SECRET, "1234")
    assert rotate() == (0, "0 of 1 accounts re-encrypted under k2; 1 were already.\n")


def test_a_secret_setting_is_kept_and_turned_like_a_key(account: ProviderAccount, settings: Any) -> None:
    signed = ProviderAccount(provider="prospolabs", name="signed")
    signed.set_secret("webhook_secret", "whsec-4711")
    signed.save()
    assert "4711" not in str(ProviderAccount.objects.filter(id=signed.id).values().get())
    assert "4711" not in f"{signed.account()!r} {signed.opened()!r}"
    settings.FIELD_KEYS = NEW | OLD

    assert rotate() == (0, "2 of 2 accounts re-encrypted under k2; 0 were already.\n")

    settings.FIELD_KEYS = NEW
    signed.refresh_from_db()
    assert signed.opened().settings["webhook_secret"] == "whsec-4711"
    other = ProviderAccount(provider="prospolabs", settings=signed.settings)
    with pytest.raises(sealing.Unreadable):
        other.opened()


def test_a_secret_kept_in_clear_by_an_older_version_is_sealed_by_its_migration(
    account: ProviderAccount,
) -> None:
    old = ProviderAccount.objects.create(
        provider="bytespike", name="old", settings={"webhook_secret": "whsec-4711", "tasks_api": True}
    )
    import_module("providers.migrations.0003_sealed_secrets").seal(apps, None)
    old.refresh_from_db()
    assert "4711" not in str(old.settings)
    assert old.opened().settings == {"webhook_secret": "whsec-4711", "tasks_api": True}
    account.refresh_from_db()
    assert account.settings == {}


def test_secrets_that_cannot_be_read_are_named_and_left_alone(
    account: ProviderAccount, settings: Any
) -> None:
    other = ProviderAccount.objects.create(provider="bytespike", name="theirs", sealed_key=account.sealed_key)
    ProviderAccount.objects.create(provider="threedai", name="without a key")
    settings.FIELD_KEYS = NEW | OLD

    code, said = rotate()

    assert code == 1
    assert "1 of 2 accounts re-encrypted under k2; 0 were already." in said
    assert "theirs (bytespike) is unreadable" in said
    assert (SECRET in said, "ours" in said, "without" in said) == (False, False, False)
    assert ProviderAccount.objects.get(id=other.id).sealed_key == account.sealed_key
    settings.FIELD_KEYS = NEW
    assert rotate()[0] == 1
    assert ProviderAccount.objects.get(id=account.id).open_key() == SECRET


def test_a_key_entered_during_the_rotation_stays(account: ProviderAccount, settings: Any) -> None:
    settings.FIELD_KEYS = NEW | OLD
    stale = ProviderAccount.objects.get(id=account.id)
    account.set_key("entered meanwhile")
    account.save()

    assert not reseal(stale)

    account.refresh_from_db()
    assert account.open_key() == "entered meanwhile"


def test_a_ciphertext_moved_to_another_row_makes_that_provider_unavailable(
    person: Person, gateways: Control, engine: Net
) -> None:
    foreign = ProviderAccount.objects.get(provider="prospolabs").sealed_key
    ProviderAccount.objects.filter(provider="runware").update(sealed_key=foreign)

    generation = ended(ask(person, provider="runware"))

    assert (generation.status, generation.error_code, generation.charged) == (
        "failed",
        "provider_unavailable",
        0,
    )
    assert (person.wallet.available, person.wallet.held) == (100 * DOLLAR, 0)
    assert Submission.objects.get(generation=generation).posts == 0
    assert gateways.totals("runware")["calls"] == 0
    assert ended(ask(person)).status == "succeeded"
