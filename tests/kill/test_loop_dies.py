"""A worker whose loop has died would only look alive: it ends, so that another is started."""

from __future__ import annotations

from providers.models import ProviderAccount
from providers.sandbox.client import Control
from tests.kill.fleet import Fleet


def test_a_net_worker_without_its_loop_ends(fleet: Fleet, gateways: Control) -> None:
    account = ProviderAccount.objects.filter(provider="threedai")
    account.update(settings=[], max_in_flight=None)  # no version writes this: no look for work gets over it

    assert fleet.net().ends(within=60) == 0


def test_a_media_worker_without_its_loop_ends(fleet: Fleet, gateways: Control) -> None:
    assert fleet.media(SEEDBANK_LOOK="inf").ends(within=60) == 0  # no thread can wait for so long
