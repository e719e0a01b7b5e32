"""Whoever tries what is not theirs to do leaves a line in the audit trail, and nothing else."""

from __future__ import annotations

from datetime import timedelta

from django.db.models.functions import Now
from prometheus_client import generate_latest

from accounts.models import AuditEvent, Role
from config.metrics import REGISTRY
from generations.models import Generation
from providers.models import ProviderAccount
from tests.api.conftest import client_of, send
from tests.conftest import Person
from tests.web.conftest import browser_of, let_in


def test_a_refused_try_is_written_down_once_a_minute(ada: Person, stranger: Person) -> None:
    let_in(ada, stranger, Role.VIEWER)
    project = ada.project.id
    wish = {"prompt": "a red boat", "project": str(project), "provider": "runware"}
    switch = f"/oversight/accounts/{ProviderAccount.objects.get(provider='runware').id}/switch"
    program, browser = client_of(stranger), browser_of(stranger)
    for _ in range(2):
        assert send(program, "POST", "/api/v1/generations", wish).status_code == 403
        assert send(program, "PATCH", f"/api/v1/projects/{project}", {"name": "mine"}).status_code == 403
        assert browser.post(switch, {"enabled": "off"}).status_code == 403
        assert browser.get("/oversight").status_code == 403
    tried = AuditEvent.objects.filter(verb="refused").order_by("id")
    assert [(one.actor, one.subject) for one in tried] == [
        (stranger.user, "POST /api/v1/generations"),
        (stranger.user, f"PATCH /api/v1/projects/{project}"),
        (stranger.user, f"POST {switch}"),
    ]
    tried.update(at=Now() - timedelta(minutes=2))
    send(program, "POST", "/api/v1/generations", wish)
    assert tried.count() == 4
    assert not Generation.objects.exists()


def test_keys_that_are_turned_away_are_counted(ada: Person) -> None:
    before = turned_away()
    for secret in ("", "sb_", "sb_00000000_nothing", "half a key", "x" * 5000):
        answer = client_of(ada).get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"})
        assert answer.status_code == 401
    assert turned_away() == before + 5


def turned_away() -> float:
    lines = generate_latest(REGISTRY).decode().splitlines()
    return float(next(one for one in lines if one.startswith("seedbank_api_keys_refused_total")).split()[1])
