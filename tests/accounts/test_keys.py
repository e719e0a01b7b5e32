"""API keys: their form, what is kept of them, and that every bad one is refused alike."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from accounts import actions, keys
from accounts.authentication import ApiKeyAuthentication, key_named
from accounts.errors import Invalid, NotFound
from accounts.models import ApiKey, AuditEvent, Role, Scope
from accounts.principal import Principal
from tests.conftest import Person, make_person


@pytest.fixture
def ada(db: None) -> Person:
    return make_person(credit=0)


def signed_in(header: str) -> tuple[Any, Any] | None:
    request = Request(APIRequestFactory().get("/", HTTP_AUTHORIZATION=header))
    return ApiKeyAuthentication().authenticate(request)


def test_a_key_says_what_it_is_and_is_found_by_its_prefix() -> None:
    key, prefix = keys.mint()

    assert key.startswith(f"sb_{prefix}_")
    assert (len(key), key.isascii(), keys.prefix_of(key)) == (3 + 8 + 1 + 43 + 1 + 6, True, prefix)
    assert len({keys.mint()[0] for _ in range(100)}) == 100


@given(st.integers(0, 61), st.characters())
def test_a_typo_anywhere_is_noticed_without_asking_the_database(place: int, letter: str) -> None:
    key, prefix = keys.mint()
    altered = key[:place] + letter + key[place + 1 :]

    assert keys.prefix_of(altered) == (prefix if altered == key else None)


@given(st.text() | st.from_regex(r"sb_.{8}_.{43}_.{6}"))
def test_no_text_breaks_the_reading_of_a_key(text: str) -> None:
    assert keys.prefix_of(text.encode("utf-8", "ignore").decode("latin-1")) is None


def test_only_a_keyed_hash_is_kept(ada: Person, settings: Any) -> None:
    key, secret = actions.create_api_key(user=ada.user, name="laptop")

    row = ApiKey.objects.filter(id=key.id).values().get()
    assert secret.split("_")[2] not in str(row)
    assert bytes(row["digest"]) == keys.digest(secret)
    assert secret not in f"{key!r} {key}"
    assert secret.split("_")[2] not in str(list(AuditEvent.objects.values()))
    settings.SECRET_KEY = "another"
    assert bytes(row["digest"]) != keys.digest(secret)


def test_a_good_key_signs_its_person_in_and_is_marked_as_used(ada: Person) -> None:
    key, secret = actions.create_api_key(user=ada.user, name="laptop")

    assert signed_in(f"Bearer {secret}") == (ada.user, key)
    key.refresh_from_db()
    assert key.last_used_at is not None
    assert signed_in("") is None
    assert signed_in("Basic YWRhOmFkYQ==") is None


def _expired(key: ApiKey) -> None:
    ApiKey.objects.filter(id=key.id).update(expires_at=timezone.now() - timedelta(seconds=1))


def _revoked(key: ApiKey) -> None:
    actions.revoke_api_key(principal=Principal(key.user), key_id=key.id)


def _of_somebody_who_left(key: ApiKey) -> None:
    type(key.user).objects.filter(id=key.user_id).update(is_active=False)


def refusal_of(header: str) -> tuple[str, object]:
    with pytest.raises(AuthenticationFailed) as refusal:
        signed_in(header)
    return str(refusal.value.detail), refusal.value.get_codes()


def test_every_bad_key_is_refused_in_the_same_words(db: None) -> None:
    headers = ["Bearer", "Bearer a b", "bearer sb_", "Bearer \xff\xfe", f"Bearer {keys.mint()[0]}"]
    words = {refusal_of(header) for header in headers}
    for number, spoil in enumerate((_expired, _revoked, _of_somebody_who_left)):
        user = make_person(f"person{number}@example.com", credit=0).user
        key, secret = actions.create_api_key(user=user, name="laptop")
        stolen_prefix = f"sb_{key.prefix}_{'x' * 43}"
        forged = f"{stolen_prefix}_{keys._checksum(stolen_prefix)}"
        words |= {refusal_of(f"Bearer {wrong}") for wrong in (secret[:-1], secret.swapcase(), forged)}
        assert key_named(secret) == key
        spoil(key)
        words.add(refusal_of(f"Bearer {secret}"))

    assert len(words) == 1


def test_without_scopes_a_key_may_do_all_its_person_may_and_no_more(ada: Person) -> None:
    staff = make_person("staff@example.com", credit=0, staff=True)

    plain, _ = actions.create_api_key(user=ada.user, name="all")
    powerful, _ = actions.create_api_key(user=staff.user, name="all")

    assert set(plain.scopes) == {Scope.GENERATE, Scope.READ, Scope.WRITE}
    assert set(powerful.scopes) == set(Scope.values)
    reader = Principal(ada.user, actions.create_api_key(user=ada.user, name="r", scopes=["read"])[0])
    assert (reader.may("read"), reader.may("generate"), Principal(ada.user).may("generate")) == (
        True,
        False,
        True,
    )


@pytest.mark.parametrize(
    ("fields", "named"),
    [({"scopes": ["read", "fly"]}, "scopes"), ({"scopes": ["admin"]}, "scopes"), ({"name": "  "}, "name")],
)
def test_a_key_that_asks_too_much_is_refused_by_field(
    ada: Person, fields: dict[str, Any], named: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        actions.create_api_key(**{"user": ada.user, "name": "laptop", **fields})

    assert named in refusal.value.fields
    assert not ApiKey.objects.exists()


def test_a_key_can_be_bound_only_to_a_project_one_sees(ada: Person) -> None:
    foreign = make_person("ben@example.com", credit=0).project

    with pytest.raises(NotFound):
        actions.create_api_key(user=ada.user, name="bound", project_id=foreign.id)
    with pytest.raises(NotFound):
        actions.create_api_key(user=ada.user, name="bound", project_id="not an id")


def test_a_bound_key_sees_and_changes_its_project_alone(ada: Person) -> None:
    other = actions.create_project(principal=ada.principal, name="other")
    key, _ = actions.create_api_key(user=ada.user, name="bound", project_id=other.id)
    bound = Principal(ada.user, key)

    assert actions.project_where(principal=bound, project_id=other.id, role=Role.OWNER) == other
    with pytest.raises(NotFound):
        actions.project_where(principal=bound, project_id=ada.project.id, role=Role.VIEWER)


def test_nobody_revokes_the_key_of_somebody_else(ada: Person) -> None:
    key, secret = actions.create_api_key(user=ada.user, name="laptop")

    with pytest.raises(NotFound):
        actions.revoke_api_key(principal=make_person("ben@example.com", credit=0).principal, key_id=key.id)

    assert key_named(secret) == key


def test_the_command_prints_the_key_and_nothing_else(ada: Person) -> None:
    out = StringIO()
    call_command("create_api_key", "ADA@example.com", "--name", "ci", "--scope", "generate", stdout=out)

    key = key_named(out.getvalue().removesuffix("\n"))
    assert key is not None
    assert (key.user, key.scopes) == (ada.user, ["generate"])
    for wrong in (
        ["nobody@example.com"],
        ["ada@example.com", "--scope", "fly"],
        ["ada@example.com", "--project", "x"],
    ):
        with pytest.raises(CommandError):
            call_command("create_api_key", *wrong, "--name", "ci")
