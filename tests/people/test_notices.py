"""Notices: told once, to the right person, in words; read when they say so; long batches by mail too."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as post
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from accounts import actions
from accounts.models import Role
from generations.actions import commenting, notices
from generations.engine import noticing
from generations.models import Batch, Generation, Notice
from generations.states import GenerationStatus
from tests.api.conftest import client_of, send
from tests.comparing.conftest import compared
from tests.conftest import Person, ask
from tests.web.conftest import brought, browser_of, let_in, text_of


def finish(generation: Generation, *, after: float, **more: Any) -> Generation:
    """As if it had ended now, that many seconds after it was asked for."""
    changes = {"status": GenerationStatus.SUCCEEDED, "finished_at": timezone.now(), **more}
    Generation.objects.filter(id=generation.id).update(
        created_at=timezone.now() - timedelta(seconds=after), **changes
    )
    return generation


def told(person: Person) -> list[str]:
    return [one.sentence for one in notices.said(person.principal, list(notices.mine(person.principal)))]


def test_who_waited_for_a_minute_is_told_once_that_it_is_ready(ada: Person) -> None:
    finish(ask(ada, "a slow heron"), after=90)
    finish(ask(ada, "a quick heron"), after=20)
    noticing.look_after()
    noticing.look_after()
    assert told(ada) == ["Ready: “a slow heron”"]


def test_work_that_failed_says_so_and_canceled_work_says_nothing(ada: Person) -> None:
    finish(ask(ada, "a heron"), after=90, status=GenerationStatus.FAILED)
    finish(ask(ada, "a stork"), after=90, status=GenerationStatus.CANCELED)
    noticing.look_after()
    assert told(ada) == ["Not made: “a heron”. Nothing was charged for what is missing."]


def test_a_program_that_asked_with_its_key_needs_no_notice(ada: Person) -> None:
    key, _ = actions.create_api_key(user=ada.user, name="farm")
    finish(ask(ada), after=90, key=key)
    noticing.look_after()
    assert told(ada) == []


def test_looking_for_ended_work_reads_an_index_of_long_works_alone(ada: Person) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            f"EXPLAIN {noticing._ENDED}",
            {
                "since": "1 hour",
                "canceled": "canceled",
                "floor": ada.user.id,
                "kind": "work_ended",
                "most": 200,
            },
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "generation_long" in plan


def batch_of(person: Person, *, minutes: float) -> Batch:
    batch = Batch.objects.create(
        project=person.project, user=person.user, name="forty herons", works=1, pictures=1, quoted=1
    )
    Batch.objects.filter(id=batch.id).update(created_at=Now() - timedelta(minutes=minutes))
    finish(ask(person, "a heron"), after=60 * minutes, batch=batch, delivered=1)
    notices.tell(person.user, noticing.BATCH_ENDED, person.project, {"batch": batch.id})
    return batch


def test_the_end_of_a_long_batch_is_mailed_once(ada: Person) -> None:
    batch = batch_of(ada, minutes=6)
    noticing.look_after()
    noticing.look_after()
    [mail] = post.outbox
    assert mail.to == ["ada@example.com"]
    assert mail.subject == "Your batch has ended: forty herons"
    assert f"/batches/{batch.id}" in str(mail.body)
    assert told(ada) == ["The batch “forty herons” has ended."]


def test_a_short_batch_is_told_on_the_page_alone(ada: Person) -> None:
    batch_of(ada, minutes=2)
    noticing.look_after()
    assert post.outbox == []
    assert len(told(ada)) == 1


def test_the_mail_speaks_the_language_its_reader_chose(ada: Person) -> None:
    browser_of(ada).post("/language", {"language": "zh-hans"})
    batch_of(ada, minutes=6)
    noticing.look_after()
    assert "forty herons" in post.outbox[0].subject
    assert "ended" not in post.outbox[0].subject


def test_a_comment_tells_whose_picture_it_is_and_nobody_of_their_own(ada: Person, stranger: Person) -> None:
    let_in(ada, stranger, Role.VIEWER)
    picture = brought(ada)
    commenting.say(principal=ada.principal, asset_id=picture.id, text="mine")
    assert told(ada) == []
    commenting.say(principal=stranger.principal, asset_id=picture.id, text="good")
    assert told(ada) == ["stranger commented on “boat.png”."]
    assert told(stranger) == []


def test_opening_a_notice_reads_it_and_leads_there(ada: Person, stranger: Person) -> None:
    let_in(ada, stranger, Role.VIEWER)
    picture = brought(ada)
    commenting.say(principal=stranger.principal, asset_id=picture.id, text="good")
    client = browser_of(ada)
    assert "Notices, 1 unread" in client.get("/wallet").content.decode()
    answer = client.post("/notices/read", {"id": str(Notice.objects.get().id)})
    assert answer["Location"] == f"/pictures/{picture.id}"
    assert (
        "unread"
        not in client.get("/wallet").content.decode().split("data-some")[1].split("aria-label")[1][:40]
    )


def test_what_one_may_no_longer_see_is_told_without_its_words(ada: Person, stranger: Person) -> None:
    let_in(ada, stranger, Role.EDITOR)
    secret = Person(stranger.user, ada.project)
    finish(ask(secret, "a secret heron"), after=90)
    noticing.look_after()
    actions.remove_member(principal=ada.principal, project_id=ada.project.id, user_id=stranger.user.id)
    page = text_of(browser_of(stranger).get("/notices"))
    assert "secret heron" not in page
    assert "This is about something you can no longer see." in page


def test_foreign_notices_are_neither_shown_nor_read(ada: Person, stranger: Person) -> None:
    finish(ask(ada, "a heron"), after=90)
    noticing.look_after()
    notice = Notice.objects.get()
    client = browser_of(stranger)
    assert "heron" not in text_of(client.get("/notices"))
    client.post("/notices/read", {"id": str(notice.id)})
    client.post("/notices/read")
    send(client_of(stranger), "post", "/api/v1/notices/read", {"ids": [str(notice.id)]})
    notice.refresh_from_db()
    assert notice.read_at is None


def test_an_id_that_is_none_does_not_read_everything(ada: Person) -> None:
    finish(ask(ada, "a heron"), after=90)
    noticing.look_after()
    client = browser_of(ada)
    assert client.post("/notices/read", {"id": "x"}).status_code == 302
    assert Notice.objects.get().read_at is None
    client.post("/notices/read")
    assert Notice.objects.get().read_at is not None


def test_the_bell_learns_what_is_new(ada: Person) -> None:
    finish(ask(ada, "a heron"), after=90)
    noticing.look_after()
    client = browser_of(ada)
    news = client.get("/notices/new").json()
    assert news["unread"] == 1
    assert news["newest"][0]["sentence"] == "Ready: “a heron”"
    client.post("/notices/read")
    nothing = {"unread": 0, "newest": [], "ended": [], "waiting": []}
    assert client.get("/notices/new").json() == nothing


def test_work_left_on_another_page_says_once_asked_that_it_is_over(ada: Person, stranger: Person) -> None:
    quick, slow, gone = (ask(ada, words) for words in ("a heron", "a stork", "a crane"))
    finish(quick, after=5)
    finish(gone, after=5, status=GenerationStatus.CANCELED)
    let_in(ada, stranger, Role.EDITOR)
    foreign = finish(ask(Person(stranger.user, ada.project), "of a colleague"), after=5)
    named = {"work": [str(one.id) for one in (quick, slow, gone, foreign)] + ["nonsense"]}
    news = browser_of(ada).get("/notices/new", named).json()
    ready = {"id": str(quick.id), "sentence": "Ready: “a heron”", "path": f"/generations/{quick.id}"}
    assert (news["ended"], news["waiting"]) == ([ready], [str(slow.id)])


def test_a_comparison_left_behind_is_over_when_all_its_columns_are(ada: Person, stranger: Person) -> None:
    comparison = compared(ada)
    one, other = comparison.generations.all()
    finish(one, after=5)
    client, named = browser_of(ada), {"work": str(comparison.id)}
    news = client.get("/notices/new", named).json()
    assert (news["ended"], news["waiting"]) == ([], [str(comparison.id)])
    finish(other, after=5, status=GenerationStatus.FAILED)
    news = client.get("/notices/new", named).json()
    assert [one["path"] for one in news["ended"]] == [f"/comparisons/{comparison.id}?blind=1"]
    assert browser_of(stranger).get("/notices/new", named).json()["ended"] == []


def test_a_program_lists_and_reads_notices(ada: Person) -> None:
    for _ in range(3):
        finish(ask(ada, "a heron"), after=90)
    noticing.look_after()
    program = client_of(ada)
    first = program.get("/api/v1/notices?limit=2").json()
    assert len(first["results"]) == 2
    assert first["next"]
    one = first["results"][0]
    assert set(one["about"]) == {"generation"}
    body = {"ids": [one["id"]]}
    assert send(program, "post", "/api/v1/notices/read", body).json() == {"changed": 1}
    assert len(program.get("/api/v1/notices?unread=true").json()["results"]) == 2
    assert send(program, "post", "/api/v1/notices/read", {}).json() == {"changed": 2}


@pytest.mark.parametrize("ids", ["all", ["x"], [1], [str(i) for i in range(1001)]])
def test_ids_that_are_none_are_named(ada: Person, ids: Any) -> None:
    answer = send(client_of(ada), "post", "/api/v1/notices/read", {"ids": ids})
    assert set(answer.json()["error"]["fields"]) == {"ids"}
