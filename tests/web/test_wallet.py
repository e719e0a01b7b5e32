"""The wallet, as its page tells it."""

from __future__ import annotations

import re

from django.db import transaction

from billing import ledger
from billing.ledger import Line
from generations.models import Generation
from generations.web import charts, wallet
from providers.models import ProviderAccount, Source
from tests.conftest import Person, ask
from tests.web.conftest import browser_of, htmx, made, text_of


def delivered(generation: Generation, pictures: int = 1) -> None:
    """Settle as the engine does when so many pictures are stored."""
    line = Line(generation.provider, generation.model, pictures, generation.unit_price * pictures)
    with transaction.atomic():
        ledger.settle(generation_id=generation.id, lines=[line])


def test_the_four_figures_are_the_wallets(ada: Person) -> None:
    delivered(ask(ada, count=2), 2)
    ask(ada, count=3)
    shown = browser_of(ada).get("/wallet").context["wallet"]
    assert (shown.granted, shown.available) == (100_000_000, 99_930_000)
    assert (shown.held, shown.spent) == (42_000, 28_000)


def test_every_transfer_names_its_work_and_shows_what_it_paid_for(ada: Person) -> None:
    generation = ask(ada, "a heron")
    asset = made(generation)
    delivered(generation)
    page = browser_of(ada).get("/wallet")
    capture, hold, grant = page.context["lines"]
    assert [line.transfer.kind for line in (capture, hold, grant)] == ["capture", "hold", "grant"]
    assert capture.pictures == [asset]
    assert capture.generation == generation
    assert (capture.change, hold.change, grant.change) == (0, -14_000, 100_000_000)
    assert "to begin with" in text_of(page)


def test_each_line_says_in_peoples_words_which_way_the_money_went(
    ada: Person,
) -> None:
    generation = ask(ada, "a heron", count=3)
    made(generation)
    delivered(generation)
    client = browser_of(ada)
    wallet_, course = (
        re.sub(r" (just now|Prospolabs, 1 picture,|a heron|sandbox)", "", text_of(client.get(path)))
        for path in ("/wallet", f"/generations/{generation.id}")
    )
    spent = "Spent from what was reserved $0.014"
    assert f"Given back +$0.028 {spent} Reserved −$0.042" in wallet_
    assert f"Reserved −$0.042 {spent} Given back +$0.028" in course
    assert not re.search(r"\b(Hold|Capture|Release)\b", wallet_ + course)


def test_a_late_picture_is_not_said_to_be_paid_for(ada: Person) -> None:
    generation = ask(ada)
    made(generation, late=True)
    delivered(generation)
    assert browser_of(ada).get("/wallet").context["lines"][0].pictures == []


def test_what_is_held_names_the_running_work(ada: Person) -> None:
    generation = ask(ada, "still running")
    [(hold, work)] = browser_of(ada).get("/wallet").context["held"]
    assert (hold.amount, work) == (14_000, generation)


def test_the_days_add_up_and_refunds_count(ada: Person) -> None:
    generation = ask(ada, count=2)
    delivered(generation, 2)
    capture = browser_of(ada).get("/wallet").context["lines"][0].transfer
    ledger.refund(capture=capture, amount=14_000, memo="half of it", actor=None)
    page = browser_of(ada).get("/wallet")
    bars = page.context["bars"]
    assert len(bars) == wallet.DAYS
    assert [bar.spent for bar in bars if bar.spent] == [14_000]
    assert bars[-1].height == charts.HEIGHT


def test_nobody_sees_anothers_money(ada: Person, stranger: Person) -> None:
    ask(ada, "a private heron")
    page = browser_of(stranger).get("/wallet")
    assert "a private heron" not in text_of(page)
    assert len(page.context["lines"]) == 1


def test_older_transfers_come_below(ada: Person) -> None:
    for n in range(wallet.PAGE):
        ledger.grant(user=ada.user, amount=1, memo=f"crumb {n}", actor=None)
    client = browser_of(ada)
    older = client.get("/wallet").context["older"]
    more = htmx(client, "get", f"/wallet?before={older}")
    assert [line.transfer.memo for line in more.context["lines"]] == ["to begin with"]


def test_spending_on_samples_is_told_apart_where_pictures_are_bought_as_well(ada: Person) -> None:
    delivered(ask(ada, "a sample", provider="prospolabs"))
    told = "$0.014 of it was for samples: no real money."
    assert told not in text_of(browser_of(ada).get("/wallet")), "everything is: the page says so once"

    bought = ProviderAccount(provider="runware", name="ours", source=Source.ADMIN)
    bought.set_key("a-real-key")
    bought.save()
    delivered(ask(ada, "an order", provider="runware"))
    page = text_of(browser_of(ada).get("/wallet"))
    assert "$0.049" in page
    assert told in page
