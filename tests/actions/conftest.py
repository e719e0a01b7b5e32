from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command

from tests.conftest import Person, make_person


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    """A million rounds of hashing for each person would be most of the time these tests take."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def ada(db: None) -> Person:
    """Somebody with 100 dollars, where all five gateways are on sale at their published prices."""
    call_command("seed", verbosity=0)
    return make_person()
