"""Work as it comes: live tiles, what changed, what can be done about it."""

from __future__ import annotations

import re
from datetime import timedelta

from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from accounts.models import Role
from billing.pricing import set_price
from generations.actions import generate
from generations.models import Generation, Move, move_generation
from generations.states import GenerationStatus
from generations.web import stream
from tests.conftest import Person, ask
from tests.web.conftest import browser_of, htmx, let_in, made, text_of


def watched(generation: Generation) -> str:
    return f"/live?seen={generation.id}:{stream.with_pictures([generation])[0].version}"


def test_running_work_is_a_tile_of_the_right_shape_in_the_place_of_its_picture(ada: Person) -> None:
    ask(ada, count=2, aspect_ratio="16:9")
    html = browser_of(ada).get("/").content.decode()
    assert html.count('<svg class="frame" width="2848" height="1600"') == 2
    assert "data-live" in html


def test_nothing_is_sent_while_nothing_changes(ada: Person) -> None:
    generation = ask(ada)
    assert htmx(browser_of(ada), "get", watched(generation)).status_code == 204


def test_what_changed_comes_back_and_nothing_else(ada: Person) -> None:
    still, moving = ask(ada, "still"), ask(ada, "moving")
    path = f"{watched(still)}&{watched(moving).partition('?')[2]}"
    move_generation(moving, GenerationStatus.RUNNING, progress=40)
    answer = htmx(browser_of(ada), "get", path)
    html = answer.content.decode()
    assert f'id="generation-{moving.id}" hx-swap-oob="true"' in html
    assert str(still.id) not in html
    assert "40 %" in text_of(answer)


def test_a_stored_picture_takes_the_place_of_its_tile(ada: Person) -> None:
    generation = ask(ada, count=2)
    path = watched(generation)
    asset = made(generation)
    html = htmx(browser_of(ada), "get", path).content.decode()
    assert f"/pictures/{asset.id}" in html
    assert html.count("tile waiting") == 1


def test_many_works_cost_no_more_questions_than_one(ada: Person) -> None:
    client = browser_of(ada)

    def asked() -> int:
        client.get("/")  # the first time it asks for more
        with CaptureQueriesContext(connection) as questions:
            assert client.get("/").status_code == 200
        return len(questions)

    made(ask(ada), "#000000")
    one = asked()
    for number in range(1, 5):
        made(ask(ada), f"#00000{number}")
    assert asked() == one


def test_strangers_watch_in_vain(ada: Person, stranger: Person) -> None:
    generation = ask(ada)
    answer = htmx(browser_of(stranger), "get", f"/live?seen={generation.id}:old")
    assert answer.status_code == 204


def test_a_viewer_who_watches_is_shown_no_buttons(ada: Person, stranger: Person) -> None:
    let_in(ada, stranger, Role.VIEWER)
    generation = ask(ada)
    html = htmx(browser_of(stranger), "get", f"/live?seen={generation.id}:old").content.decode()
    assert str(generation.id) in html
    assert "/cancel" not in html


def test_garbage_in_the_question_is_no_error(ada: Person) -> None:
    assert htmx(browser_of(ada), "get", "/live?seen=&seen=x:y&seen=%00").status_code == 204


def test_canceling_releases_the_credits_at_once(ada: Person) -> None:
    generation = ask(ada)
    answer = htmx(browser_of(ada), "post", f"/generations/{generation.id}/cancel")
    assert "Canceled. Nothing was charged." in text_of(answer)
    assert ada.wallet.held == 0


def test_a_cancel_that_came_too_late_is_explained(ada: Person) -> None:
    generation = ask(ada)
    Generation.objects.filter(id=generation.id).update(
        status="running", cancel_requested_at=Now(), requested=1, delivered=1
    )
    late, going = (
        "Too late to cancel: the gateway had begun.",
        "what the gateway finishes is kept and charged",
    )
    said = text_of(browser_of(ada).get("/"))
    assert going in said
    assert late not in said
    Generation.objects.filter(id=generation.id).update(status="succeeded", finished_at=Now())
    said = text_of(browser_of(ada).get("/"))
    assert late in said
    assert going not in said


def test_failed_work_says_why_and_offers_what_may_help(ada: Person) -> None:
    generation = ask(ada)
    move_generation(generation, GenerationStatus.FAILED, error_code="content_refused")
    said = text_of(browser_of(ada).get("/"))
    assert "content rules refused this prompt or picture. You were not charged" in said
    assert "Nothing was charged" not in said, "once is enough"
    assert "Try again" not in said, "the same prompt is refused again"
    form = browser_of(ada).get("/", {"project": str(ada.project.id), "from": str(generation.id)})
    assert form.context["composer"].typed["prompt"] == generation.prompt
    assert "Change the prompt" in said
    move_generation(ask(ada), GenerationStatus.FAILED, error_code="provider_failed")
    assert "Try again · $0.014" in text_of(browser_of(ada).get("/"))


def test_trying_again_twice_is_one_new_wish_that_names_the_old_one(ada: Person) -> None:
    old = ask(ada)
    generate.cancel(principal=ada.principal, generation_id=old.id)
    for _ in range(2):
        browser_of(ada).post(f"/generations/{old.id}/retry", {"shown": "14000", "token": "once"})
    assert Generation.objects.filter(retry_of=old).count() == 1


def test_trying_again_never_costs_more_than_its_button_says(ada: Person) -> None:
    old = ask(ada)
    generate.cancel(principal=ada.principal, generation_id=old.id)
    for provider in ("prospolabs", "bytespike", "aigateway", "runware", "threedai"):
        set_price(model=old.model, provider=provider, unit=90_000)
    client = browser_of(ada)
    answer = client.post(f"/generations/{old.id}/retry", {"shown": "14000", "token": "x"}, follow=True)
    assert "This would cost $0.090 now" in text_of(answer)
    assert not Generation.objects.filter(retry_of=old).exists()


def test_older_work_is_one_link_further(ada: Person) -> None:
    generations = [ask(ada, f"boat {n}") for n in range(stream.PAGE + 3)]
    client = browser_of(ada)
    page = client.get("/")
    assert page.content.decode().count("<article") == stream.PAGE
    before = page.context["stream"].older
    older = client.get("/older", {"project": str(ada.project.id), "before": str(before)})
    assert [work.generation.id for work in older.context["stream"].works] == [
        generation.id for generation in reversed(generations[:3])
    ]
    assert "boat 0" in text_of(client.get("/", {"before": str(before)}))


def test_a_generations_page_tells_its_course_and_its_money(ada: Person) -> None:
    generation = ask(ada, "a heron", count=7, provider="prospolabs")
    move_generation(generation, GenerationStatus.RUNNING)
    said = text_of(browser_of(ada).get(f"/generations/{generation.id}"))
    assert "a heron" in said
    assert "7 × $0.014" in said
    assert "Running" in said
    assert re.search(r"Running \d\d:\d\d:\d\d\b", said)
    assert "0 of 6" in said
    move_generation(generation, GenerationStatus.STORING)
    began = Move.objects.get(generation=generation, after="running").at
    Move.objects.filter(generation=generation, after="storing").update(at=began + timedelta(seconds=4.2))
    then = text_of(browser_of(ada).get(f"/generations/{generation.id}"))
    assert re.search(r"\d\d:\d\d:\d\d \(\+4\.2 s\)", then)
    assert "0 of 1" in said


def test_providers_ids_are_for_staff_alone(ada: Person, staff: Person) -> None:
    let_in(ada, staff, Role.VIEWER)
    generation = ask(ada)
    submission = generation.submissions.get()
    ours = str(submission.ours)
    asset = made(generation)
    submission.results.create(key="1", position=0, asset_id=asset.id)
    assert ours not in browser_of(ada).get(f"/pictures/{asset.id}").content.decode()
    assert ours in browser_of(staff).get(f"/pictures/{asset.id}").content.decode()
    assert ours not in browser_of(ada).get(f"/generations/{generation.id}").content.decode()
    assert ours in browser_of(staff).get(f"/generations/{generation.id}").content.decode()
