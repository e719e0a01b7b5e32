"""Real parts for every test: PostgreSQL, the sandbox gateways, the engine, a web server.

``db`` (pytest-django's) is a transaction that is rolled back. ``live`` is a database of its
own, cloned from a template, whose rows other threads and processes see; the triggers that
guard the books stay on.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.files.storage import storages
from django.core.management import call_command
from django.db import connection, connections
from django.test.utils import setup_databases, teardown_databases
from pytest_django.plugin import DjangoDbBlocker

from accounts import actions
from accounts.models import Project, User
from accounts.principal import Principal
from billing import ledger
from generations.actions import asking, generate
from generations.engine.listening import connection_parameters
from generations.engine.media import Media
from generations.engine.net import Net
from generations.models import Generation
from generations.states import ENDED
from providers.models import ProviderAccount
from providers.sandbox.client import Control
from providers.sandbox.server import Sandbox, start

_numbers = count(1)
DOLLAR = 1_000_000


def eventually(true: Callable[[], Any], *, within: float = 30.0, what: str = "it") -> Any:
    """Poll a condition until it holds, and give its value; fail with what was waited for."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        if value := true():
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come true within {within} s")


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Sets have no order, and every worker must give a test the same name."""
    return "+".join(sorted(map(str, val))) if isinstance(val, set | frozenset) else None


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with start() as running:
        yield running


@pytest.fixture
def control(sandbox: Sandbox) -> Iterator[Control]:
    """The sandbox's switches, faults and bill, fresh for each test; pictures are tiny."""
    sandbox.control.reset()
    sandbox.control.settings(picture="tiny", latency=0, rpm=1_000_000)
    yield sandbox.control
    sandbox.control.reset()


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_modify_db_settings: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """The migrated test database, also where the only tests are those with a database of their own."""
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False, aliases={"default"})  # type: ignore[arg-type]
    yield
    with django_db_blocker.unblock():
        _disconnect()
        teardown_databases(made, verbosity=0)


@pytest.fixture(scope="session")
def template(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """A migrated database that nobody is connected to."""
    with django_db_blocker.unblock():
        source = connection.settings_dict["NAME"]
        name = f"{source}_template"
        _disconnect()
        _maintain(f'DROP DATABASE IF EXISTS "{name}"', f'CREATE DATABASE "{name}" TEMPLATE "{source}"')
    yield name
    with django_db_blocker.unblock():
        _maintain(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
def live(template: str, django_db_blocker: DjangoDbBlocker, tmp_path: Path) -> Iterator[str]:
    """A fresh database that other threads and processes may use too; its name."""
    name = f"{template}_{next(_numbers)}"
    with django_db_blocker.unblock():
        before = connections.settings["default"]["NAME"]
        _disconnect()
        _maintain(
            f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)',
            f'CREATE DATABASE "{name}" TEMPLATE "{template}"',
        )
        _use(name)
        yield name
        _disconnect()
        _use(before)
        _maintain(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _disconnect() -> None:
    for one in connections.all(initialized_only=True):
        one.close()
    connection.close_pool()  # type: ignore[attr-defined]


def _use(name: str) -> None:
    connections.settings["default"]["NAME"] = name
    connection.settings_dict["NAME"] = name


def _maintain(*statements: str) -> None:
    with psycopg.connect(**{**connection_parameters(), "dbname": "postgres"}, autocommit=True) as link:
        for statement in statements:
            link.execute(statement.encode())


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, settings: Any) -> Iterator[None]:
    """Each test keeps its pictures in a folder of its own, unless a store is configured."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # thousands of sign-ups
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    settings.SCRATCH_DIR = tmp_path / "scratch"
    if settings.STORAGES["originals"]["BACKEND"].endswith("FolderStorage"):
        settings.STORAGES = {
            **settings.STORAGES,
            "originals": {
                "BACKEND": settings.STORAGES["originals"]["BACKEND"],
                "OPTIONS": {"location": str(tmp_path / "pictures")},
            },
        }
    storages._storages.clear()  # type: ignore[attr-defined]
    yield
    storages._storages.clear()  # type: ignore[attr-defined]
    shutil.rmtree(tmp_path / "pictures", ignore_errors=True)


@dataclass(frozen=True)
class Person:
    """Somebody with a project and credits."""

    user: User
    project: Project

    @property
    def principal(self) -> Principal:
        return Principal(self.user)

    @property
    def wallet(self) -> Any:
        wallet = ledger.wallet_of(self.user)
        wallet.refresh_from_db()
        return wallet


def make_person(email: str = "ada@example.com", *, credit: int = 100 * DOLLAR, staff: bool = False) -> Person:
    user = actions.create_user(email=email, password="a long enough password", staff=staff)
    if credit:
        ledger.grant(user=user, amount=credit, memo="to begin with", actor=None)
    return Person(user, Project.objects.get(members=user))


@pytest.fixture
def gateways(sandbox: Sandbox, control: Control, live: str) -> Control:
    """Five accounts on the sandbox, and the published prices, in the live database."""
    return connect_gateways(sandbox, control)


def connect_gateways(sandbox: Sandbox, control: Control) -> Control:
    call_command("seed", verbosity=0)
    for account in ProviderAccount.objects.all():
        account.base_url = sandbox.origin(account.provider)
        account.rpm = 100_000
        account.set_key(f"sandbox-{account.provider}")
        account.save()
    return control


@pytest.fixture
def person(live: str) -> Person:
    return make_person()


@pytest.fixture
def engine(gateways: Control) -> Iterator[Net]:
    """The net and media loops, in this process."""
    net, media = Net(), Media()
    net.start()
    media.start()
    yield net
    media.stop(15)
    net.hurry()
    net.stop(15)


def ask(person: Person, prompt: str = "a red boat", **fields: Any) -> Generation:
    """Submit as the API and the web do, and give the generation."""
    asked = asking.read({"prompt": prompt, "project": str(person.project.id), **fields})
    outcome = generate.submit(
        principal=person.principal, asked=asked, render=lambda made: {"id": str(made.id)}
    )
    return Generation.objects.get(id=str(outcome.subject_id))


def ended(generation: Generation, *, within: float = 30.0) -> Generation:
    """Wait for the generation's end."""

    def over() -> Generation | None:
        fresh = Generation.objects.get(id=generation.id)
        return fresh if fresh.status in ENDED else None

    found: Generation = eventually(over, within=within, what=f"the end of generation {generation.id}")
    return found


__all__ = ["DOLLAR", "Person", "ask", "connect_gateways", "ended", "eventually", "make_person", "settings"]
