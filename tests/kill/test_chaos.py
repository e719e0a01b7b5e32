"""Everything at once, at random: whatever the weather, the three ledgers tell one story afterwards.

``STORM_STRIKES`` and ``STORM_SEED`` make it longer or another one; ``bench/chaos.py`` does both.
"""

from __future__ import annotations

import os

from generations.models import Generation
from generations.states import ENDED
from providers.sandbox.client import Control
from tests.conftest import Person
from tests.kill.fleet import Fleet
from tests.kill.stage import all_ended, all_quiet, assert_ledgers_agree
from tests.kill.storm import Storm

STRIKES = int(os.environ.get("STORM_STRIKES") or 12)
ORDERS = 5
SEED = int(os.environ.get("STORM_SEED") or 1)


def test_no_weather_parts_the_three_ledgers(fleet: Fleet, person: Person, gateways: Control) -> None:
    gateways.settings(latency=0.3)
    storm = Storm(fleet, person, SEED)
    storm.blow(STRIKES, orders=ORDERS)
    storm.calm()

    all_ended(storm.generations, within=60 + STRIKES)
    all_quiet()
    assert Generation.objects.filter(status__in=ENDED).count() == STRIKES * ORDERS
    assert person.wallet.held == 0
    assert_ledgers_agree(gateways)
