"""The form that asks for pictures: its price, its mistakes, and what pressing it twice does."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import Role
from billing.models import Hold
from billing.pricing import set_price
from generations.models import Generation
from providers.models import ProviderAccount
from tests.conftest import DOLLAR, Person, ask, make_person, png
from tests.web.conftest import brought, browser_of, form_of, htmx, let_in, text_of

MODEL = "seedream-5-lite"


def quoted(person: Person, **fields: Any) -> str:
    return text_of(htmx(browser_of(person), "post", "/quotes", form_of(person, **fields)))


def test_the_price_is_part_of_the_button_and_changes_with_the_form(ada: Person) -> None:
    page = text_of(browser_of(ada).get("/"))
    assert "Generate · $0.014" in page
    assert "$100.000 available" in page
    assert "Generate · $0.042" in quoted(ada, count="3")
    assert "Generate · $0.035" in quoted(ada, provider="runware")


def test_a_gateway_that_cannot_is_greyed_with_a_few_words(ada: Person) -> None:
    page = quoted(ada, seed="7")
    assert "Takes no seed" in page
    chosen = quoted(ada, seed="7", provider="runware")
    assert "Runware: takes no seed" in chosen
    assert "Generate ·" not in chosen


def test_a_count_above_a_gateways_limit_is_explained(ada: Person) -> None:
    assert "3 calls" in quoted(ada, count="18", provider="prospolabs")


def test_no_price_is_shown_for_a_form_that_cannot_be_read(ada: Person) -> None:
    page = quoted(ada, count="99")
    assert "Must be a whole number from 1 to 20." in page
    assert "$0.0" not in page.replace("$100.000", "")
    assert "Runware" in page


def test_the_cheapest_and_the_fastest_are_marked(ada: Person) -> None:
    set_price(model=MODEL, provider="threedai", unit=1_000)
    lines = {line.quote.provider: line for line in browser_of(ada).get("/").context["composer"].prices.lines}
    assert [slug for slug, line in lines.items() if line.cheapest] == ["threedai"]
    assert len([line for line in lines.values() if line.fastest]) == 1


def test_a_switched_off_gateway_says_why_it_is_grey(ada: Person) -> None:
    ProviderAccount.objects.filter(provider="runware").update(enabled=False)
    assert "Switched off by staff" in quoted(ada)
    ProviderAccount.objects.filter(provider="runware").delete()
    assert "No account is set up" in quoted(ada)


def test_a_reason_that_all_gateways_share_is_said_at_once(ada: Person) -> None:
    ProviderAccount.objects.update(enabled=False)
    assert "Every gateway is switched off. Ask staff." in quoted(ada)
    answer = browser_of(ada).post("/generations", form_of(ada))
    assert text_of(answer).count("Every gateway is switched off. Ask staff.") == 1
    tiny = quoted(ada, aspect="exact", width="512", height="512")
    assert "Every gateway is switched off. Ask staff." in tiny
    ProviderAccount.objects.update(enabled=True)
    tiny = quoted(ada, aspect="exact", width="512", height="512")
    assert "No gateway can do this: does not make 512x512." in tiny


def test_play_money_is_marked_as_such_while_no_account_was_ever_bought(ada: Person) -> None:
    client = browser_of(ada)
    banner = "no real money is spent"
    assert banner in text_of(client.get("/"))
    ProviderAccount.objects.update(enabled=False)
    assert banner in text_of(client.get("/"))
    ProviderAccount.objects.filter(provider="runware").update(source="admin")
    assert banner not in text_of(client.get("/"))


def test_a_press_queues_the_work_holds_its_price_and_clears_the_way(ada: Person) -> None:
    form = form_of(ada, count="2")
    answer = htmx(browser_of(ada), "post", "/generations", form)
    generation = Generation.objects.get()
    assert answer.status_code == 200
    assert (generation.requested, generation.quoted) == (2, 28_000)
    assert ada.wallet.held == 28_000
    html = answer.content.decode()
    assert html.count('class="tile waiting"') == 2
    assert 'id="token"' in html
    assert form["token"] not in html
    assert "$99.972 available" in text_of(answer)


def test_without_script_a_press_leads_to_the_work(ada: Person) -> None:
    answer = browser_of(ada).post("/generations", form_of(ada))
    generation = Generation.objects.get()
    assert answer["Location"] == f"/?project={ada.project.id}#generation-{generation.id}"


def test_the_same_button_pressed_twice_is_one_wish(ada: Person) -> None:
    form = form_of(ada)
    client = browser_of(ada)
    assert htmx(client, "post", "/generations", form).status_code == 200
    assert htmx(client, "post", "/generations", form).status_code == 204
    assert Generation.objects.count() == 1
    assert ada.wallet.held == 14_000


def test_an_old_page_with_new_words_is_a_new_wish(ada: Person) -> None:
    form = form_of(ada)
    client = browser_of(ada)
    client.post("/generations", form)
    client.post("/generations", {**form, "prompt": "a blue boat"})
    assert set(Generation.objects.values_list("prompt", flat=True)) == {"a red boat", "a blue boat"}


@pytest.mark.parametrize("shown", ["14000", "", "not a price"])
def test_a_price_that_was_not_on_the_button_is_not_taken(shown: str, ada: Person) -> None:
    set_price(model=MODEL, provider="prospolabs", unit=20_000)
    set_price(model=MODEL, provider="bytespike", unit=None)
    answer = browser_of(ada).post("/generations", form_of(ada, shown=shown))
    assert answer.status_code == 422
    assert "This costs $0.020" in text_of(answer)
    assert not Generation.objects.exists()
    assert not Hold.objects.exists()


def test_the_price_i_am_willing_to_pay_is_kept_to(ada: Person) -> None:
    answer = browser_of(ada).post("/generations", form_of(ada, max_price="0.01"))
    assert answer.status_code == 422
    assert "The price is $0.014" in text_of(answer)
    assert not Generation.objects.exists()


def test_nothing_typed_is_lost_when_something_is_wrong(ada: Person) -> None:
    asset = brought(ada)
    wrong = form_of(
        ada,
        prompt="a heron <in> reeds",
        count="99",
        negative_prompt="people",
        seed="0",
        references=[f"asset:{asset.id}"],
    )
    for answer in (
        browser_of(ada).post("/generations", wrong),
        htmx(browser_of(ada), "post", "/generations", wrong),
    ):
        assert answer.status_code == 422
        html = answer.content.decode()
        assert "a heron &lt;in&gt; reeds" in html
        assert 'value="99"' in html
        assert ">people</textarea>" in html
        assert 'name="seed" inputmode="numeric" value="0"' in html
        assert f'value="asset:{asset.id}" checked' in html
        assert "Must be a whole number from 1 to 20." in text_of(answer)


def test_an_empty_prompt_is_mended_beside_its_field(ada: Person) -> None:
    answer = browser_of(ada).post("/generations", form_of(ada, prompt="  "))
    assert '<p class="error" id="error-prompt">Must not be empty.</p>' in answer.content.decode()


def test_a_wallet_with_too_little_says_so_before_and_after(shop: None) -> None:
    poor = make_person("poor@example.com", credit=DOLLAR // 100)
    page = browser_of(poor).get("/")
    assert "Only $0.010 is available." in text_of(page)
    assert 'aria-disabled="true"' in page.content.decode()
    answer = browser_of(poor).post("/generations", form_of(poor))
    assert answer.status_code == 422
    assert "This costs $0.014; $0.010 is available" in text_of(answer)
    assert "Only $0.010 is available." not in text_of(answer), "once is enough"


def test_fewer_pictures_are_a_way_out_only_where_fewer_can_be_paid(shop: None) -> None:
    poor = make_person("poor@example.com", credit=DOLLAR // 100)
    with_some = make_person("some@example.com", credit=2 * DOLLAR // 100)
    for person, count, remedy in (
        (poor, "1", "Ask staff for credit. "),
        (poor, "3", "Ask staff for credit. "),
        (with_some, "3", "Ask staff for credit, or make fewer. "),
    ):
        assert remedy in quoted(person, count=count)
    for person, remedy in (
        (poor, "Ask for credit. "),
        (with_some, "Ask for credit, or make fewer pictures. "),
    ):
        answer = browser_of(person).post("/generations", form_of(person, count="3"))
        assert remedy in text_of(answer)


def test_a_page_without_work_says_what_can_be_done_there(ada: Person, stranger: Person) -> None:
    how = "Write what you want to see"
    assert how in text_of(browser_of(ada).get("/"))
    poor = make_person("poor@example.com", credit=0)
    said = text_of(browser_of(poor).get("/"))
    assert "Ask a member of staff for credit; then you can make pictures." in said
    assert how not in said
    let_in(ada, stranger, Role.VIEWER)
    said = text_of(browser_of(stranger).get("/", {"project": str(ada.project.id)}))
    assert "No work in this project yet" in said
    assert how not in said


def test_seed_zero_is_a_seed(ada: Person) -> None:
    browser_of(ada).post("/generations", form_of(ada, seed="0", provider="prospolabs"))
    assert Generation.objects.get().submissions.get().asked["seed"] == 0


def test_exact_sizes_take_the_place_of_shape_and_resolution(ada: Person) -> None:
    fields = {"aspect": "exact", "width": "2048", "height": "2048", "provider": "runware"}
    browser_of(ada).post("/generations", form_of(ada, **fields))
    parameters = Generation.objects.get().parameters
    assert {"width", "height"} <= set(parameters)
    assert not {"aspect_ratio", "resolution"} & set(parameters)


def test_an_exact_size_that_is_left_empty_is_the_one_its_fields_show(ada: Person) -> None:
    form = browser_of(ada).get("/").content.decode()
    assert re.findall(r'name="(?:width|height)"[^>]* placeholder="(\d+)"', form) == ["2048", "2048"]
    browser_of(ada).post("/generations", form_of(ada, aspect="exact"))
    parameters = Generation.objects.get().parameters
    assert (parameters["width"], parameters["height"]) == ("2048", "2048")


def test_auto_may_mean_the_fastest(ada: Person) -> None:
    browser_of(ada).post("/generations", form_of(ada, provider="auto-fastest"))
    generation = Generation.objects.get()
    assert (generation.asked_provider, generation.strategy) == ("auto", "fastest")


def test_vary_fills_the_form_with_everything_but_the_seed(ada: Person) -> None:
    old = ask(ada, "a heron", count=3, seed=0, provider="prospolabs", aspect_ratio="16:9", resolution="3K")
    page = browser_of(ada).get("/", {"project": str(ada.project.id), "from": str(old.id)})
    typed = page.context["composer"].typed
    assert typed["prompt"] == "a heron"
    assert (typed["count"], typed["aspect"], typed["resolution"]) == ("3", "16:9", "3K")
    assert typed["provider"] == "prospolabs"
    assert not typed.get("seed")


def test_a_picture_can_be_taken_as_reference_by_its_address(ada: Person) -> None:
    asset = brought(ada)
    page = browser_of(ada).get("/", {"reference": str(asset.id)})
    assert f'value="asset:{asset.id}" checked' in page.content.decode()


def test_pictures_dropped_on_the_form_are_kept_and_come_into_the_tray(ada: Person) -> None:
    files = [SimpleUploadedFile(f"{color}.png", png(color=color), "image/png") for color in ("red", "blue")]
    data = {"project": str(ada.project.id), "file": files}
    answer = htmx(browser_of(ada), "post", "/references", data)
    assert answer.status_code == 200
    assert answer.content.decode().count('name="references"') == 2


def test_a_reference_that_is_no_picture_is_said_beside_the_tray(ada: Person) -> None:
    file = SimpleUploadedFile("boat.png", b"<html>", "image/png")
    answer = htmx(browser_of(ada), "post", "/references", {"project": str(ada.project.id), "file": file})
    assert answer.status_code == 422
    assert answer["HX-Retarget"] == "#error-file"
    assert "“boat.png”: File is not a PNG, JPEG, WebP or AVIF picture." in text_of(answer)


def test_pictures_stay_in_the_tray_beside_a_file_that_is_none(ada: Person) -> None:
    sent = {
        "r1.png": png(color="red"),
        "bad.txt": b"no picture",
        "worse.txt": b"",
        "r2.png": png(color="blue"),
    }
    files = [SimpleUploadedFile(name, body) for name, body in sent.items()]
    answer = htmx(browser_of(ada), "post", "/references", {"project": str(ada.project.id), "file": files})
    assert answer.status_code == 200
    assert answer.content.decode().count('name="references"') == 2
    error = re.search(r'id="error-file" hx-swap-oob="true">([^<]*)<', answer.content.decode())
    assert error is not None
    assert "“bad.txt”: File is not a PNG, JPEG, WebP or AVIF picture." in unescape(error.group(1))
    assert "“worse.txt”" in error.group(1)
    assert ".png" not in error.group(1)


def test_prices_say_nothing_of_files_that_were_refused(ada: Person) -> None:
    answer = htmx(browser_of(ada), "post", "/quotes", form_of(ada))
    assert answer.status_code == 200
    assert 'id="error-references"' in answer.content.decode()
    assert 'id="error-file"' not in answer.content.decode()


def test_without_script_a_chosen_file_becomes_a_reference_of_the_work(ada: Person) -> None:
    file = SimpleUploadedFile("boat.png", png(), "image/png")
    answer = browser_of(ada).post("/generations", form_of(ada, file=file, provider="prospolabs"))
    assert answer.status_code == 302
    assert Generation.objects.get().reference_uses.count() == 1


def test_an_archived_project_takes_no_new_work(ada: Person) -> None:
    browser_of(ada).post(f"/projects/{ada.project.id}/archive")
    page = browser_of(ada).get("/", {"project": str(ada.project.id)})
    assert "This project is archived" in text_of(page)


def test_somebody_in_no_project_is_shown_the_way(ada: Person) -> None:
    ada.project.memberships.all().delete()
    page = browser_of(ada).get("/")
    assert page.status_code == 200
    assert "You are in no project yet" in text_of(page)
