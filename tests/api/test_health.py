"""Health and figures: by name, in bounded time, and nothing secret in them."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from django.core.files.storage import storages
from django.test import Client

from tests.api.conftest import client_of
from tests.conftest import Person, ask, make_person
from tests.kill.cutter import Cutter


def test_a_process_that_answers_is_alive_without_a_database() -> None:
    assert Client().get("/health/live").json() == {"status": "ok"}


def test_ready_names_each_thing_it_stands_on(db: None) -> None:
    answer = Client().get("/health/ready")
    assert (answer.status_code, answer.json()) == (200, {"database": "ok", "broker": "ok", "storage": "ok"})
    assert "no-cache" in answer.headers["Cache-Control"]


_AT_ANOTHER_ADDRESS = """
import django
django.setup()
from django.db import connection
from django.test import Client
with connection.cursor() as cursor:
    cursor.execute("SHOW statement_timeout")
    print(cursor.fetchone()[0])
print(Client().get("/health/ready").json()["database"])
"""


def test_what_the_address_of_the_database_says_holds_for_every_connection(live: str) -> None:
    wire = Cutter()
    address = wire.url.replace("@127.0.0.1:", "@database.invalid:") + "&hostaddr=127.0.0.1"
    told = subprocess.run(
        [sys.executable, "-c", _AT_ANOTHER_ADDRESS],
        env=os.environ
        | {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": f"{address}&options=-c%20statement_timeout%3D7s",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    wire.close()
    assert told.stdout.split() == ["7s", "ok"], told.stderr


@pytest.mark.parametrize("url", ["redis://user:hunter2@127.0.0.1:1/0", "amqp://user:hunter2@127.0.0.1:1//"])
def test_a_broker_that_is_away_is_named_and_its_password_is_not(db: None, settings: Any, url: str) -> None:
    settings.CELERY_BROKER_URL = url
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {}
    answer = Client().get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["broker"].startswith("failing")
    assert (answer.json()["database"], answer.json()["storage"]) == ("ok", "ok")
    assert "hunter2" not in answer.content.decode()


def test_a_store_that_cannot_be_written_is_named(db: None, settings: Any, tmp_path: Any) -> None:
    (tmp_path / "file").write_text("not a folder")
    settings.STORAGES = {
        **settings.STORAGES,
        "originals": {
            **settings.STORAGES["originals"],
            "OPTIONS": {"location": str(tmp_path / "file" / "x")},
        },
    }
    storages._storages.clear()  # type: ignore[attr-defined]
    answer = Client().get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["storage"].startswith("failing")


def test_figures_tell_of_work_and_money(ada: Person) -> None:
    ask(ada, provider="runware")
    text = Client().get("/metrics").content.decode()
    assert 'seedbank_generations{status="queued"} 1.0' in text
    assert 'seedbank_submissions{provider="runware",state="planned"} 1.0' in text
    assert "seedbank_holds_open 1.0" in text
    assert "seedbank_held_micros 35000.0" in text
    for name in ("oldest_due_seconds", "absorbed_micros", "webhooks_refused_total", "account_paused"):
        assert f"seedbank_{name}" in text


def test_figures_are_for_this_machine_and_for_administrators(ada: Person) -> None:
    staff = make_person("staff@example.com", staff=True)
    away: Any = {"REMOTE_ADDR": "203.0.113.7"}
    assert Client().get("/metrics", **away).status_code == 403
    assert Client().get("/metrics", headers={"x-forwarded-for": "203.0.113.7"}).status_code == 403
    assert client_of(ada).get("/metrics", **away).status_code == 403
    assert client_of(staff, "read").get("/metrics", **away).status_code == 403
    administrator = client_of(staff, "admin")
    assert administrator.get("/metrics", **away).status_code == 200
    staff.user.is_staff = False
    staff.user.save()
    assert administrator.get("/metrics", **away).status_code == 403
