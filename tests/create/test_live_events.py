"""The stream that tells a page what moved: to members alone, and without a connection of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from django.db import connection
from uuid6 import uuid7

from accounts.actions import remove_member
from accounts.models import Role
from generations import waiting
from generations.models import Generation, move_generation, notify
from generations.states import GenerationStatus
from generations.web import events
from providers.sandbox.client import Control
from tests.conftest import Person, ask, eventually, make_person
from tests.serving import serving
from tests.web.conftest import brought, browser_of, htmx, let_in


@pytest.fixture
def server(live: str, settings: Any) -> Iterator[str]:
    with serving(settings) as address:
        yield address
        eventually(_gone, what="the streams to end")


def _gone() -> bool:
    waiting._wake(None)  # only a write finds out that nobody reads
    return not waiting._watches


@contextmanager
def listening(server: str, person: Person, project: Person | None = None) -> Iterator[Iterator[str]]:
    """The names and data of events, as they come."""
    cookies = {"sessionid": browser_of(person).cookies["sessionid"].value}
    path = f"{server}/live/events?project={(project or person).project.id}"
    with httpx.stream("GET", path, cookies=cookies, timeout=20, trust_env=False) as answer:
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "text/event-stream"
        yield (line for line in answer.iter_lines() if line.startswith(("event:", "data:")))


def test_first_look_then_what_moves_in_the_project_and_nothing_else(
    server: str, gateways: Control, person: Person
) -> None:
    other = make_person("eve@example.com")
    mine, theirs = ask(person), ask(other)
    with listening(server, person) as said:
        # At first, and when the process listens, because anything may have moved before.
        assert [next(said) for _ in range(3)] == ["event: look", "data: []", "event: look"]
        seen = [next(said)]
        move_generation(theirs, GenerationStatus.RUNNING)
        move_generation(mine, GenerationStatus.RUNNING)
        while not seen[-1].startswith("event: moved") and len(seen) < 20:
            seen.append(next(said))
        seen.append(next(said))
    assert str(mine.id) in seen[-1]
    assert not any(str(theirs.id) in line for line in seen)


def test_a_stream_holds_no_database_connection(server: str, gateways: Control, person: Person) -> None:
    with listening(server, person) as one, listening(server, person) as two:
        assert (next(one), next(two)) == ("event: look", "event: look")
        pool = connection.pool  # type: ignore[attr-defined]
        eventually(lambda: pool.get_stats()["pool_size"] - pool.get_stats()["pool_available"] <= 2)


def test_pages_leave_half_of_the_seats_to_others(
    server: str, gateways: Control, person: Person, settings: Any
) -> None:
    settings.WAITERS_MAX = 2
    with listening(server, person) as said:
        assert next(said) == "event: look"
        refused = browser_of(person).get(f"/live/events?project={person.project.id}")
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "2")
        with waiting.watching():
            assert len(waiting._watches) == 2


def test_who_leaves_gives_the_seat_back(server: str, gateways: Control, person: Person) -> None:
    generation = ask(person)
    with listening(server, person) as said:
        next(said)

    def given_back() -> bool:
        notify("seedbank_generation", str(generation.id))  # only a write finds out that nobody reads
        return not waiting._watches

    eventually(given_back, what="the seat of a page that was closed")


@pytest.mark.parametrize(("role", "status"), [(Role.VIEWER, 200), (None, 404)])
def test_members_alone_may_listen(role: Role | None, status: int, ada: Person, stranger: Person) -> None:
    if role:
        let_in(ada, stranger, role)
    answer = browser_of(stranger).get(f"/live/events?project={ada.project.id}")
    assert answer.status_code == status
    answer.close()
    assert not waiting._watches


def test_who_is_removed_hears_of_nothing_more(
    server: str, gateways: Control, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "KEEP_ALIVE", 0.5)
    guest = make_person("vera@example.com")
    let_in(person, guest, Role.VIEWER)
    first, second = ask(person), ask(person)
    with listening(server, guest, person) as heard:
        eventually(lambda: moved_by(first) and str(first.id) in next(heard), what="news of the first")
        remove_member(principal=person.principal, project_id=person.project.id, user_id=guest.user.id)
        move_generation(second, GenerationStatus.RUNNING)
        said = [line for _ in range(2) for line in iter(lambda: next(heard), "event: still")]
    assert not any(str(second.id) in line for line in said)


def moved_by(generation: Generation) -> bool:
    """Say once more that it moved: a stream that has only begun may have missed it."""
    notify("seedbank_generation", str(generation.id))
    return True


def test_more_moves_than_can_be_counted_say_look_again() -> None:
    with waiting.watching(wide=True) as watch:
        for generation in range(waiting.MOST_SEEN + 1):
            waiting._wake(str(Generation(id=f"00000000-0000-7000-8000-{generation:012d}").id))
        assert watch.moved() is None
        assert watch.moved() == set()
        waiting._wake(None)
        assert watch.moved() is None


def test_a_page_asks_no_more_often_than_it_may_however_much_moves_elsewhere(
    live: str, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "KEEP_ALIVE", 1.0)
    over, asked = threading.Event(), 0

    def move_others() -> None:
        while not over.wait(0.002):
            waiting._wake(str(uuid7()))

    def count(execute: Any, *question: Any) -> Any:
        nonlocal asked
        asked += 1
        return execute(*question)

    thread = threading.Thread(target=move_others)
    with waiting.watching(wide=True) as watch, connection.execute_wrapper(count):
        said = events._told(person.principal, person.project.id, watch)
        next(said)
        began = time.monotonic()
        thread.start()
        try:
            while "still" not in next(said):
                pass
        finally:
            over.set()
            thread.join()
        assert asked <= 2 + (time.monotonic() - began) / events.AT_MOST_EVERY


def test_the_picker_finds_pictures_by_words_and_only_mine(ada: Person, stranger: Person) -> None:
    boat, heron = brought(ada, name="boat.png"), brought(ada, "plum", name="heron.png")
    theirs = brought(stranger, name="boat.png")
    html = htmx(browser_of(ada), "get", "/references/pick?q=boa").content.decode()
    assert str(boat.id) in html
    assert str(heron.id) not in html
    assert str(theirs.id) not in html
    path = f"/references/tray?reference=asset:{heron.id}&reference=asset:{theirs.id}&reference=junk"
    tray = htmx(browser_of(ada), "get", path).content.decode()
    assert f'value="asset:{heron.id}" checked' in tray
    assert str(theirs.id) not in tray
