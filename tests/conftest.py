"""Real parts for every test: PostgreSQL, the sandbox gateways, the engine, a web server.

``db`` (pytest-django's) is a transaction that is rolled back. ``live`` is a database of its
own, cloned from a template, whose rows other threads and processes see; the triggers that
guard the books stay on.
"""

from __future__ import annotations

import io
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

# Who publishes first would import these in a thread; pytest stumbles over loggers that appear meanwhile.
import celery.app.amqp
import celery.backends.base  # noqa: F401
import kombu.mixins  # noqa: F401
import pytest
from django.conf import settings
from django.core.files.storage import storages
from django.core.management import call_command
from django.db import connection, connections
from django.utils import translation
from PIL import Image
from pytest_django.plugin import DjangoDbBlocker

from accounts import actions
from accounts.models import Project, User
from accounts.principal import Principal
from billing import ledger
from generations.actions import asking, generate
from generations.engine import pace
from generations.engine.media import Media
from generations.engine.net import Net
from generations.management.commands.seed import FIRST_EMAIL
from generations.models import Generation
from generations.states import ENDED
from providers.models import ProviderAccount
from providers.sandbox.client import Control
from providers.sandbox.server import Sandbox, start
from tests.database import RUN, all_at_rest, clone, disconnect, drop, maintenance

_numbers = count(1)
DOLLAR = 1_000_000


def eventually(true: Callable[[], Any], *, within: float = 30.0, what: str = "it") -> Any:
    """Poll a condition until it holds, and give its value; fail with what was waited for."""
    end = time.monotonic() + within
    while True:
        last = time.monotonic() >= end  # if this process stood still meanwhile, it looks once more
        if value := true():
            return value
        if last:
            raise AssertionError(f"{what} did not come true within {within} s")
        time.sleep(0.02)


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Sets have no order, and every worker must give a test the same name."""
    return "+".join(sorted(map(str, val))) if isinstance(val, set | frozenset) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first: then several workers end at about the same time."""
    place = {room: number for number, room in enumerate(("kill", "ground", "browser", "engine"))}
    items.sort(key=lambda item: place.get(item.path.parent.name, len(place)))


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    """What the last page was read in is not the language of the next test."""
    yield
    translation.deactivate()


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
def template(django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> str:
    """A seeded database that nobody is connected to, and as ``…_bare`` what it was before that.

    The first worker of a run makes them for all.
    """
    draft = f"{RUN}_draft"
    with django_db_blocker.unblock(), maintenance() as link:
        link.execute("SELECT pg_advisory_lock(hashtext(%s))", [RUN])
        if not link.execute("SELECT 1 FROM pg_database WHERE datname = %s", [RUN]).fetchone():
            for left_over in (draft, f"{RUN}_bare"):
                drop(left_over)
            link.execute(f'CREATE DATABASE "{draft}"'.encode())
            move_to(NAME=draft)
            call_command("migrate", interactive=False, verbosity=0)
            disconnect()
            clone(draft, f"{RUN}_bare")
            call_command("seed", verbosity=0)
            disconnect()
            link.execute(f'ALTER DATABASE "{draft}" RENAME TO "{RUN}"'.encode())
    return RUN


@pytest.fixture(scope="session")
def django_db_setup(template: str, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The worker's own database, in which every test leaves nothing behind."""
    name = f"{template}_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    with django_db_blocker.unblock():
        clone(template, name)
        move_to(NAME=name)
    yield
    with django_db_blocker.unblock():
        disconnect()


@pytest.fixture
def live(
    template: str, django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path: Path
) -> Iterator[str]:
    """A fresh database that other threads and processes may use too; its name."""
    with django_db_blocker.unblock():
        before = connections.settings["default"]["NAME"]
        name = f"{before}_{next(_numbers)}"
        clone(template, name)
        move_to(NAME=name)
        pace._lately = (float("-inf"), {})  # which was measured in another test's database
        try:
            yield name
            all_at_rest()
        finally:
            move_to(NAME=before)
        drop(name)
        astray = User.objects.exclude(email=FIRST_EMAIL).exists()
        disconnect()
        if astray:
            drop(before)
            clone(template, before)
            pytest.fail("this test has written into the database of the tests after it")


def pytest_unconfigure(config: pytest.Config) -> None:
    """The embedded server goes with its folder; any other is left as it was found."""
    if hasattr(config, "workerinput") or settings.EMBEDDED:
        return
    with maintenance() as link:
        names = link.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [RUN])
        for (name,) in names.fetchall():
            drop(name)


def move_to(**place: str) -> None:
    """Have every thread's next connection go elsewhere: to another NAME, or another HOST too.

    The place changes before the pool goes, and the pool is looked at afterwards: a thread that ends
    late must not make the next test's pool for the last test's database.
    """
    connections.settings["default"].update(place)
    connection.settings_dict.update(place)

    def moved() -> bool:
        disconnect()
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_database()")
            return bool(cursor.fetchone() == (connection.settings_dict["NAME"],))

    eventually(moved, what="the move to another database")
    disconnect()


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
    all_at_rest()
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
    return Person(user, Project.objects.get(memberships__user=user))


@pytest.fixture
def shop(db: None) -> None:
    """What `seed` makes: sandbox accounts at all five gateways, published prices, a first person."""


@pytest.fixture
def ada(shop: None) -> Person:
    """Somebody with 100 dollars."""
    return make_person("ada@example.com")


@pytest.fixture
def stranger(shop: None) -> Person:
    return make_person("stranger@example.com")


@pytest.fixture
def gateways(sandbox: Sandbox, control: Control, live: str) -> Control:
    """The five accounts of the live database lead to this worker's sandbox."""
    return connect_gateways(sandbox, control)


def connect_gateways(sandbox: Sandbox, control: Control) -> Control:
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


def png(width: int = 64, height: int = 48, color: str = "teal") -> bytes:
    """A picture to upload."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), color).save(out, "PNG")
    return out.getvalue()


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
