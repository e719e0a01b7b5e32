"""Ten drafts for little, and the chosen one again in full; varying; where a picture set out from."""

from __future__ import annotations

import pytest

from accounts.models import Role
from billing.pricing import set_price
from generations.actions import drafting
from generations.models import Generation
from tests.conftest import Person, ask
from tests.create.conftest import api
from tests.web.conftest import browser_of, form_of, htmx, let_in, made, text_of

MODEL = "seedream-5-lite"


def test_ten_drafts_take_the_cheapest_size_and_gateway(ada: Person) -> None:
    form = form_of(ada, "a heron", resolution="3K", provider="runware", aspect="1:1")
    page = text_of(htmx(browser_of(ada), "post", "/quotes", form))
    assert "10 drafts · $0.120" in page
    htmx(browser_of(ada), "post", "/generations", {**form, "drafts": "1", "shown_drafts": "120000"})
    drafts = Generation.objects.get()
    assert (drafts.requested, drafts.quoted, drafts.provider) == (10, 120_000, "bytespike")
    assert drafts.parameters["resolution"] == "1K"


def test_drafts_asked_for_from_the_page_of_a_wish_are_another_wish(ada: Person) -> None:
    form = form_of(ada, "a heron", resolution="3K", provider="runware", aspect="1:1")
    htmx(browser_of(ada), "post", "/generations", form)
    for _ in range(2):
        htmx(browser_of(ada), "post", "/generations", {**form, "drafts": "1", "shown_drafts": "120000"})
    assert sorted(Generation.objects.values_list("requested", flat=True)) == [1, 10]


def test_drafts_that_became_dearer_are_not_made(ada: Person) -> None:
    form = form_of(ada, drafts="1", shown_drafts="120000")
    for provider in ("prospolabs", "bytespike"):
        set_price(model=MODEL, provider=provider, unit=30_000)
    answer = htmx(browser_of(ada), "post", "/generations", form)
    assert answer.status_code == 422
    assert "This costs $0.300" in text_of(answer)
    assert not Generation.objects.exists()


def test_no_drafts_are_offered_of_a_batch_or_of_what_cannot_be_read(ada: Person) -> None:
    for fields in ({"many": "1"}, {"count": "99"}, {"sequential": "3"}):
        assert "10 drafts" not in text_of(htmx(browser_of(ada), "post", "/quotes", form_of(ada, **fields)))


def test_a_draft_becomes_a_final_in_3k_at_the_price_on_its_tile(ada: Person) -> None:
    draft = made(ask(ada, "a heron", count=10, provider="bytespike"), width=1600, height=900)
    page = browser_of(ada).get("/")
    assert "Final in 3K · $0.014" in text_of(page)
    token = page.context["stream"].works[0].token
    for _ in range(2):
        answer = browser_of(ada).post(f"/pictures/{draft.id}/final", {"shown": "14000", "token": token})
        assert answer.status_code == 302
    final = Generation.objects.get(relation="final")
    assert (final.source, final.prompt, final.requested, final.quoted) == (draft, "a heron", 1, 14_000)
    assert (final.parameters["resolution"], final.parameters["aspect_ratio"]) == ("3K", "16:9")
    assert [use.asset_id for use in final.reference_uses.all()] == [draft.id]
    said = api(ada, "get", f"/generations/{final.id}").json()
    assert (said["source"], said["relation"]) == (str(draft.id), "final")
    assert "Final of" in text_of(browser_of(ada).get(f"/generations/{final.id}"))


def test_a_known_seed_is_used_again_at_its_own_gateway(ada: Person) -> None:
    draft = made(ask(ada, "a heron", provider="prospolabs", seed=5), seed=5)
    asked = drafting.final(draft).asked
    assert (asked.provider, asked.request.seed, asked.references) == ("prospolabs", 5, ())


def test_where_its_own_gateway_is_not_on_sale_another_makes_the_final(ada: Person) -> None:
    draft = made(ask(ada, "a heron", provider="prospolabs", seed=5), seed=5)
    set_price(model=draft.model, provider="prospolabs", unit=None)
    assert drafting.final(draft).asked.provider == "auto"


def test_a_final_dearer_than_its_button_is_not_made(ada: Person) -> None:
    draft = made(ask(ada, "a heron"))
    answer = browser_of(ada).post(f"/pictures/{draft.id}/final", {"shown": "100", "token": "x"}, follow=True)
    assert "more than the $0.0001 shown; nothing was spent" in text_of(answer)
    assert not Generation.objects.filter(relation="final").exists()


def test_a_picture_in_full_and_an_upload_have_no_final(ada: Person) -> None:
    made(ask(ada, "a heron", resolution="3K", aspect_ratio="1:1"))
    assert "Final in 3K" not in text_of(browser_of(ada).get("/"))


@pytest.mark.parametrize(("role", "status"), [(Role.VIEWER, 403), (None, 404), (Role.EDITOR, 302)])
def test_finals_are_for_those_who_may_make(
    role: Role | None, status: int, ada: Person, stranger: Person
) -> None:
    if role:
        let_in(ada, stranger, role)
    draft = made(ask(ada, "a heron"))
    page = text_of(browser_of(stranger).get(f"/?project={ada.project.id}"))
    assert ("Final in 3K" in page) == (status == 302)
    said = {"shown": "14000", "token": "x"}
    assert browser_of(stranger).post(f"/pictures/{draft.id}/final", said).status_code == status


def test_varying_a_picture_says_where_it_came_from(ada: Person) -> None:
    picture = made(ask(ada, "a heron"))
    page = browser_of(ada).get(f"/?from={picture.generation_id}")
    assert "Varies this picture" in text_of(page)
    shown = page.context["composer"]
    assert (shown.typed["source"], shown.typed["relation"]) == (str(picture.id), "vary")
    form = form_of(ada, "a heron at night", source=str(picture.id), relation="vary")
    htmx(browser_of(ada), "post", "/generations", form)
    varied = Generation.objects.get(prompt="a heron at night")
    assert (varied.source, varied.relation) == (picture, "vary")
    htmx(browser_of(ada), "post", "/generations", form_of(ada, "no link", relation="vary"))
    assert Generation.objects.get(prompt="no link").relation == ""


def test_the_api_takes_a_source_and_what_this_is_to_it(ada: Person, stranger: Person) -> None:
    picture = made(ask(ada, "a heron"))
    body = {"prompt": "again", "source": f"asset:{picture.id}"}
    said = api(ada, "post", "/generations", body).json()
    assert (said["source"], said["relation"]) == (str(picture.id), "vary")
    for wrong, field in (
        ({"relation": "final"}, "relation"),
        ({"source": "none"}, "source"),
        ({"source": f"asset:{picture.id}", "relation": "copy"}, "relation"),
    ):
        assert field in api(ada, "post", "/generations", {"prompt": "x", **wrong}).json()["error"]["fields"]
    assert "source" in api(stranger, "post", "/generations", body).json()["error"]["fields"]
