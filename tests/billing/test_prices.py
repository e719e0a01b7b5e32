"""Prices are versions: a new one counts from its moment on, the old ones stay to be read."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from billing import pricing
from billing.models import Price

MODEL = "without a price so far"
pytestmark = pytest.mark.django_db


def test_the_newest_version_that_has_begun_is_in_force() -> None:
    now = timezone.now()
    Price.objects.create(model=MODEL, provider="runware", unit=30_000, effective_from=now - timedelta(days=2))
    Price.objects.create(model=MODEL, provider="runware", unit=35_000, effective_from=now - timedelta(days=1))
    Price.objects.create(model=MODEL, provider="runware", unit=99_000, effective_from=now + timedelta(days=1))

    assert pricing.units(MODEL) == {"runware": 35_000}
    assert Price.objects.filter(model=MODEL).count() == 3


def test_of_two_versions_from_the_same_moment_the_later_one_counts() -> None:
    pricing.set_price(model=MODEL, provider="runware", unit=35_000)
    pricing.set_price(model=MODEL, provider="runware", unit=36_000)

    assert pricing.units(MODEL) == {"runware": 36_000}


def test_a_version_without_a_price_takes_the_offer_off_sale_and_a_free_one_does_not() -> None:
    pricing.set_price(model=MODEL, provider="runware", unit=35_000)
    pricing.set_price(model=MODEL, provider="bytespike", unit=0)
    pricing.set_price(model="another", provider="threedai", unit=1)
    pricing.set_price(model=MODEL, provider="runware", unit=None)

    assert pricing.units(MODEL) == {"bytespike": 0}
