"""Accounts that nobody enters by hand are there, whole, after one `manage.py seed`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.urls import reverse

from providers import registry
from providers.models import ProviderAccount, Source
from providers.setup import accounts_from_environment
from tests.conftest import eventually, make_person
from tests.library.conftest import patient, waiting

KEYED = {"runware": {"api_key": "of-the-environment", "base_url": "http://127.0.0.1:9", "rpm": 7}}


def told() -> dict[tuple[str, str], tuple[str, str]]:
    """Address and key of each account that is switched on."""
    return {
        (one.provider, one.source): (one.base_url, one.open_key())
        for one in ProviderAccount.objects.filter(enabled=True)
    }


def test_the_first_seed_leads_to_the_sandbox_and_nowhere_else(db: None, settings: Any) -> None:
    ProviderAccount.objects.all().delete()
    settings.PROVIDER_ENV = {}
    call_command("seed", verbosity=0)
    first = settings.SANDBOX_PORT + 1
    assert told() == {
        (slug, Source.SANDBOX): (f"http://127.0.0.1:{first + place}", f"sandbox-{slug}")
        for place, slug in enumerate(one.slug for one in registry.profiles())
    }
    assert all(one.name for one in ProviderAccount.objects.all())


def test_a_key_in_the_environment_takes_the_sandboxs_place_while_it_is_there(db: None, settings: Any) -> None:
    settings.PROVIDER_ENV = KEYED
    call_command("seed", verbosity=0)
    assert told()["runware", Source.ENVIRONMENT] == ("http://127.0.0.1:9", "of-the-environment")
    assert ("runware", Source.SANDBOX) not in told()
    assert ProviderAccount.objects.get(provider="runware", enabled=True).rpm == 7
    settings.PROVIDER_ENV = {}
    call_command("seed", verbosity=0)
    assert ("runware", Source.ENVIRONMENT) not in told()
    assert ("runware", Source.SANDBOX) in told()


def test_what_staff_have_switched_off_stays_off_when_a_worker_starts_anew(db: None, settings: Any) -> None:
    settings.PROVIDER_ENV = KEYED
    call_command("seed", verbosity=0)
    bought = ProviderAccount.objects.get(source=Source.ENVIRONMENT)
    browser = Client()
    browser.force_login(make_person("staff@example.com", staff=True).user)
    browser.post(reverse("switch_account", args=[bought.id]), {"enabled": "off"})
    call_command("seed", verbosity=0)
    assert ("runware", Source.ENVIRONMENT) not in told()
    browser.post(reverse("switch_account", args=[bought.id]), {"enabled": "on"})
    call_command("seed", verbosity=0)
    assert ("runware", Source.ENVIRONMENT) in told()


def test_what_staff_switch_off_while_a_worker_starts_is_off(live: str, settings: Any) -> None:
    settings.PROVIDER_ENV = KEYED
    call_command("seed", verbosity=0)
    bought = ProviderAccount.objects.filter(source=Source.ENVIRONMENT)
    with ThreadPoolExecutor(1) as worker:
        with transaction.atomic():
            bought.update(enabled=False)
            starting = worker.submit(patient, accounts_from_environment)
            eventually(waiting, what="the worker waiting for the account")
        starting.result()
    assert not bought.get().enabled
