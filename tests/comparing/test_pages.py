"""The pages of comparing without JavaScript: the form, its prices, side by side."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Role
from generations.actions import comparing, presets, voting
from generations.models import Asset, Comparison, Generation
from providers.models import ProviderAccount
from tests.comparing.conftest import finished, let_in
from tests.conftest import DOLLAR, Person, make_person, png
from tests.web.conftest import brought, browser_of, htmx, text_of


def typed(person: Person, *columns: str, **fields: Any) -> dict[str, Any]:
    """What the browser sends."""
    return {
        "project": str(person.project.id),
        "token": "t",
        "prompt": "a red boat",
        "aspect": "1:1",
        "count": "1",
        "column": list(columns or ("runware:2K", "prospolabs:2K")),
        "shown": "1000000",
        **fields,
    }


def test_the_form_asks_for_all_columns_at_the_price_that_was_shown(ada: Person) -> None:
    client = browser_of(ada)
    priced = htmx(client, "post", "/compare/quotes", typed(ada))
    assert "Compare 2 columns · $0.049" in text_of(priced)
    assert 'name="shown" value="49000"' in priced.content.decode()
    answer = client.post("/compare", typed(ada, shown="49000", blind="1"))
    comparison = Comparison.objects.get()
    assert answer["Location"] == f"/comparisons/{comparison.id}?blind=1"
    assert ada.wallet.held == 49_000
    again = client.post("/compare", typed(ada, shown="49000", blind="1"))
    assert again["Location"] == answer["Location"]
    assert Generation.objects.count() == 2


def test_where_no_gateway_can_there_is_no_column_to_tick_and_the_reason_is_said(ada: Person) -> None:
    ProviderAccount.objects.filter(provider="runware").update(enabled=False)
    ProviderAccount.objects.filter(provider="bytespike").update(enabled=False)
    said = text_of(htmx(browser_of(ada), "post", "/compare/quotes", typed(ada)))
    assert "Runware Switched off by staff" in said
    assert "Bytespike Switched off by staff" in said
    ProviderAccount.objects.update(enabled=False)
    said = text_of(htmx(browser_of(ada), "post", "/compare/quotes", typed(ada)))
    assert "Every gateway is switched off. Ask staff." in said
    assert "Tick at least two columns." not in said


def test_fewer_columns_are_a_way_out_only_where_fewer_can_be_paid(shop: None) -> None:
    columns = ("runware:2K", "prospolabs:2K", "aigateway:2K")
    for cents, remedy in ((1, "Ask staff for credit. "), (6, "Ask staff for credit, or tick fewer. ")):
        poor = make_person(f"poor{cents}@example.com", credit=cents * DOLLAR // 100)
        said = text_of(htmx(browser_of(poor), "post", "/compare/quotes", typed(poor, *columns)))
        assert f"Only $0.0{cents}0 is available. {remedy}" in said


def test_more_than_was_shown_is_never_spent(ada: Person) -> None:
    page = browser_of(ada).post("/compare", typed(ada, shown="48999"))
    assert page.status_code == 422
    assert "This costs $0.049." in text_of(page)
    assert "a red boat" in page.content.decode()
    assert Generation.objects.count() == 0


def test_all_columns_build_on_the_pictures_of_the_tray(ada: Person) -> None:
    picture, client = brought(ada), browser_of(ada)
    reference = f"asset:{picture.id}"
    form = client.get(f"/compare?project={ada.project.id}&references={reference}").context["form"]
    assert form.tray == [picture]
    assert "bytespike" not in {cell.line.quote.provider for cell in form.cells if cell.able}
    file = SimpleUploadedFile("new.png", png(color="gold"), "image/png")
    client.post("/compare", {**typed(ada, references=reference), "file": file})
    made = list(Generation.objects.all())
    gold = Asset.objects.get(name="new.png")
    assert len(made) == 2
    for one in made:
        assert [use.asset_id for use in one.reference_uses.order_by("position")] == [picture.id, gold.id]


def test_a_reference_that_is_not_mine_is_refused_beside_the_tray(ada: Person) -> None:
    theirs = brought(make_person("eve@example.com"))
    page = browser_of(ada).post("/compare", typed(ada, references=f"asset:{theirs.id}"))
    assert page.status_code == 422
    assert page.context["form"].tray == []
    assert page.context["form"].errors["references"]
    assert Generation.objects.count() == 0


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"prompt": "  "}, "prompt", "must not be empty"),
        ({"column": ["runware:2K"]}, "columns", "2 to 8"),
        ({"column": ["runware:2K", "bytespike:2K"]}, "columns", "number 2"),
        ({"count": "9"}, "count", "at most 4"),
        ({"count": "x"}, "count", "whole number"),
        ({"seed": "-1"}, "seed", "0"),
    ],
)
def test_mistakes_are_named_and_nothing_typed_is_lost(
    ada: Person, change: dict[str, Any], field: str, said: str
) -> None:
    sent = {**typed(ada, aspect="16:9"), **change}
    page = browser_of(ada).post("/compare", sent)
    assert page.status_code == 422
    form = page.context["form"]
    assert said in form.errors[field][0]
    assert form.errors[field][0].lower() in text_of(page).lower()
    kept = {name: form.typed[name] for name in ("prompt", "aspect", "count")}
    assert kept == {name: sent[name] for name in kept}
    assert Generation.objects.count() == 0


def test_what_a_gateway_cannot_do_is_greyed_with_the_reason(ada: Person) -> None:
    page = text_of(browser_of(ada).get("/compare"))
    assert "Bytespike sandbox $0.012 –" in page
    assert "Compare 4 columns · $0.124" in page
    narrowed = text_of(htmx(browser_of(ada), "post", "/compare/quotes", typed(ada, seed="7")))
    assert "takes no seed" in narrowed


def test_viewers_look_and_judge_and_strangers_do_neither(ada: Person, stranger: Person) -> None:
    viewer = make_person("vi@example.com")
    let_in(ada, viewer, Role.VIEWER)
    comparison, _assets = finished(ada)
    client = browser_of(viewer)
    project = {"project": str(ada.project.id)}
    assert "You may look, not make" in text_of(client.get("/compare", project))
    assert client.post("/compare", typed(ada)).status_code == 403
    assert htmx(client, "post", "/compare/quotes", typed(ada)).status_code == 403
    mark = voting.columns_of(viewer.principal, comparison)[0].mark
    assert client.post(f"/comparisons/{comparison.id}/votes", {"best": mark}).status_code == 302
    assert "Runware" in text_of(client.get(f"/comparisons/{comparison.id}"))
    assert voting.of_mine(viewer.principal, comparison)
    foreign = browser_of(stranger)
    assert foreign.get("/compare", project).status_code == 404
    assert foreign.post("/compare", typed(ada)).status_code == 404


def test_pictures_that_are_there_stand_side_by_side(ada: Person, stranger: Person) -> None:
    one, other, third = brought(ada, "red"), brought(ada, "blue"), brought(ada, "green")
    foreign = brought(stranger, "gold")
    client = browser_of(ada)
    alone = client.get("/compare", {"asset": str(one.id)})
    assert "Choose a picture to put beside it" in text_of(alone)
    assert f"/compare?asset={one.id}&amp;asset={other.id}" in alone.content.decode()
    both = client.get("/compare", {"asset": [str(one.id), str(other.id), str(foreign.id), "nonsense"]})
    assert [pane.asset for pane in both.context["beside"]] == [one, other]
    assert "1 picture is gone, or is not yours to see." in text_of(both)
    assert third in [asset for asset, _link in both.context["others"]]
    nothing = client.get("/compare", {"asset": str(foreign.id)})
    assert "No picture to show" in text_of(nothing)


def test_a_comparison_says_what_became_of_each_column(ada: Person) -> None:
    comparison, _assets = finished(ada, "runware:2K", "prospolabs:3K")
    page = text_of(browser_of(ada).get(f"/comparisons/{comparison.id}"))
    assert "Runware · 2K" in page
    assert "Prospolabs · 3K" in page
    assert "$0.035" in page
    assert browser_of(ada).get(f"/comparisons/{comparison.id}", {"n": "99"}).status_code == 200
    assert comparing.visible(ada.principal, comparison.id) == comparison
    assert "a red boat" in text_of(browser_of(ada).get("/compare"))


def test_many_columns_cost_no_more_questions_than_two(ada: Person) -> None:
    client = browser_of(ada)

    def asked(comparison: Comparison) -> int:
        client.get(f"/comparisons/{comparison.id}")  # the first time it is noted who was told
        with CaptureQueriesContext(connection) as questions:
            assert client.get(f"/comparisons/{comparison.id}").status_code == 200
        return len(questions)

    two, _ = finished(ada)
    four, _ = finished(ada, "runware:2K", "runware:3K", "prospolabs:2K", "prospolabs:3K")
    assert asked(four) == asked(two)


def test_columns_of_one_gateway_are_told_apart_by_what_was_asked_of_each(ada: Person) -> None:
    said = {"aspect_ratio": "1:1", "prompt": "a red boat", "project": str(ada.project.id)}
    columns = [{"provider": "prospolabs", "resolution": "2K", "seed": seed} for seed in (7, 8)]
    columns.append({"provider": "bytespike", "resolution": "1K", "negative_prompt": "fog " * 20})
    wanted = comparing.read({**said, "columns": columns})
    made = comparing.compare(
        principal=ada.principal, wanted=wanted, render=lambda one: {"id": str(one.id)}
    ).subject_id
    panes = browser_of(ada).get(f"/comparisons/{made}").context["panes"]
    assert [one.name for one in panes[:2]] == [f"Prospolabs · 2K · Seed asked: {n}" for n in (7, 8)]
    assert panes[2].name.startswith("Bytespike · 1K · Negative prompt: fog fog")
    assert len(panes[2].name) < 80


def test_presets_are_columns_beside_the_gateways(ada: Person, stranger: Person) -> None:
    body = {"provider": "bytespike", "resolution": "1K", "negative_prompt": "fog", "seed": 7, "count": 3}
    foggy = presets.save(principal=ada.principal, name="No fog", body=body)
    unable = presets.save(
        principal=ada.principal, name="Cannot", body={"provider": "runware", "seed": 7, "prompt": "not this"}
    )
    foreign = presets.save(principal=stranger.principal, name="Foreign", body={"seed": 8})
    columns = ("runware:2K", f"preset:{foggy.id}", f"preset:{foreign.id}")
    priced = htmx(browser_of(ada), "post", "/compare/quotes", typed(ada, *columns))
    said = text_of(priced)
    assert "No fog Bytespike $0.012" in said
    assert "Foreign" not in said
    assert [(one.preset, one.able) for one in priced.context["form"].setups] == [
        (unable, False),
        (foggy, True),
    ]
    assert "Compare 2 columns · $0.047" in said
    browser_of(ada).post("/compare", typed(ada, *columns[:2], shown="47000"))
    plain, set_up = Generation.objects.order_by("id")
    assert (plain.parameters.get("seed"), set_up.parameters["seed"]) == (None, 7)
    assert (set_up.prompt, set_up.provider, set_up.requested) == ("a red boat", "bytespike", 1)
    assert set_up.parameters["negative_prompt"] == "fog"
    refused = browser_of(ada).post("/compare", typed(ada, *columns[1:], shown="47000"))
    assert refused.status_code == 422
