"""How many pictures, at what price: the person pays the quote for what arrived, the platform the rest."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

from PIL import Image

from billing.models import Transfer, TransferKind
from generations.engine.net import Net
from generations.models import Generation, Submission
from generations.states import SubmissionState
from generations.storage import originals
from providers import registry
from providers.sandbox.client import Control
from providers.sandbox.faults import Fault
from tests.conftest import Person, ask, ended, make_person
from tests.engine.stage import PRICES, Story, all_ended, change, in_state, only, posts, story


def faulty(
    person: Person, control: Control, provider: str, fault: Fault, *, count: int = 1, **args: Any
) -> Generation:
    prompt = f"{provider} {fault} {args}"
    control.fault(fault, gateway=provider, prompt_contains=prompt, **args)
    return ask(person, prompt, provider=provider, count=count)


def capture(generation: Generation) -> Transfer:
    return Transfer.objects.get(generation_id=generation.id, kind=TransferKind.CAPTURE)


def test_a_count_above_a_gateways_limit_becomes_several_calls(
    person: Person, gateways: Control, engine: Net
) -> None:
    ten = ask(person, "ten boats", provider="bytespike", count=10)
    seven = ask(person, "seven boats", provider="threedai", count=7)
    all_ended([ten, seven])

    for generation, parts in ((ten, [4, 4, 2]), (seven, [6, 1])):
        told = story(gateways, generation)
        assert told == Story("succeeded", "", sum(parts), generation.quoted, 0, len(parts))
        assert [s.pictures for s in generation.submissions.order_by("id")] == parts
        assert capture(generation).pictures == sum(parts)


def test_pictures_that_do_not_come_are_not_charged(person: Person, gateways: Control, engine: Net) -> None:
    before = person.wallet.available
    few, broken, none = [], [], []
    for provider in registry.ADAPTERS:
        few.append(faulty(person, gateways, provider, Fault.FEWER, count=2, missing=1))
        broken.append(faulty(person, gateways, provider, Fault.ENTRY_ERROR, count=2, index=1))
    for provider in ("aigateway", "bytespike", "threedai", "prospolabs"):
        none.append(faulty(person, gateways, provider, Fault.NO_PICTURES, count=2, charged=True))
    all_ended([*few, *broken, *none], hours=0.1)

    for generation in (*few, *broken):
        told = story(gateways, generation)
        assert told == Story("succeeded", "", 1, generation.unit_price, 0, 1), generation
    for generation in none:
        told = story(gateways, generation)
        assert told == Story("failed", "bad_result", 0, 0, 2 * generation.unit_price, 1), generation
    assert person.wallet.held == 0
    assert person.wallet.available == before - 2 * sum(PRICES.values())


def test_a_picture_more_than_asked_for_is_kept_for_nothing_and_is_the_platforms(
    person: Person, gateways: Control, engine: Net
) -> None:
    providers = ("aigateway", "bytespike", "threedai", "prospolabs")
    asked = [faulty(person, gateways, provider, Fault.MORE, count=2) for provider in providers]
    for generation in all_ended(asked):
        unit = generation.unit_price
        told = story(gateways, generation)
        assert told == Story("succeeded", "", 3, 2 * unit, unit, 1), generation


def test_a_picture_whose_link_comes_twice_is_one_and_charged_once(
    person: Person, gateways: Control, engine: Net
) -> None:
    providers = ("aigateway", "bytespike")
    for provider in providers:
        gateways.fault(Fault.DOUBLED, gateway=provider)
    asked = [faulty(person, gateways, provider, Fault.FEWER, count=3, missing=1) for provider in providers]
    for generation in all_ended(asked):
        told = story(gateways, generation)
        assert told == Story("succeeded", "", 2, 2 * generation.unit_price, 0, 1), generation


def test_the_quote_is_charged_whatever_the_gateway_reports(
    person: Person, gateways: Control, engine: Net
) -> None:
    poor = make_person("bob@example.com", credit=35_000)
    for provider in ("aigateway", "runware"):
        asked = {
            "missing": faulty(person, gateways, provider, Fault.COST_MISSING),
            "lower": faulty(person, gateways, provider, Fault.COST_PERCENT, percent=50),
            "higher": faulty(person, gateways, provider, Fault.COST_PERCENT, percent=150),
        }
        all_ended(asked.values())
        for generation in asked.values():
            assert generation.quoted == Generation.objects.get(id=generation.id).charged == 35_000
        told = {name: capture(generation).provider_cost for name, generation in asked.items()}
        assert told == {"missing": 35_000, "lower": 17_500, "higher": 52_500}
        taken = {name: story(gateways, generation).absorbed for name, generation in asked.items()}
        assert taken == {"missing": 0, "lower": 0, "higher": 17_500}
    last = ended(faulty(poor, gateways, "runware", Fault.COST_PERCENT, percent=200))
    assert story(gateways, last) == Story("succeeded", "", 1, 35_000, 35_000, 1)
    assert (poor.wallet.available, poor.wallet.held, poor.wallet.spent) == (0, 0, 35_000)


def test_beside_every_charge_stands_what_the_gateway_took(
    person: Person, gateways: Control, engine: Net
) -> None:
    change("threedai", settings={"usd_per_credit": "0.01"})
    asked = {provider: ask(person, provider=provider, count=2) for provider in registry.ADAPTERS}
    all_ended(asked.values())
    costs = {provider: capture(generation).provider_cost for provider, generation in asked.items()}
    assert costs == {provider: 2 * price for provider, price in PRICES.items()} | {"threedai": 200_000}
    assert story(gateways, asked["threedai"]).absorbed == 200_000 - 2 * PRICES["threedai"]


def test_a_call_billed_to_a_key_of_ours_elsewhere_is_charged_as_quoted_and_absorbs_nothing(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.key("aigateway", "sandbox-aigateway", byok=True)
    change("aigateway", settings={"byok": True})
    generation = ended(ask(person, provider="aigateway", count=2))

    assert story(gateways, generation) == Story("succeeded", "", 2, 70_000, 0, 1)
    submission = only(generation)
    assert (submission.cost_elsewhere, submission.cost_final) == (True, False)
    booked = capture(generation)
    assert (booked.provider_cost, booked.elsewhere_cost) == (None, 70_000)
    assert gateways.totals("aigateway")["charged"] == 0


def test_a_group_of_sequential_pictures_may_be_smaller_than_asked(
    person: Person, gateways: Control, engine: Net
) -> None:
    asked = [ask(person, f"a story {n}", provider="runware", sequential=4) for n in range(3)]
    for generation in all_ended(asked):
        assert (generation.requested, generation.quoted) == (4, 4 * 35_000)
        drawn = {line["our_id"]: line["pictures"] for line in gateways.bill("runware")}
        assert generation.delivered == drawn[str(only(generation).ours)]
        assert generation.charged == generation.delivered * 35_000
    assert person.wallet.held == 0


def test_pictures_inside_the_answer_are_kept_as_they_came(
    person: Person, gateways: Control, engine: Net
) -> None:
    asked = [
        ask(person, "one", provider="aigateway", output="base64", count=2),
        ask(person, "two", provider="runware", output="base64", count=2),
        ask(person, "three", provider="runware", output="data_uri", count=2),
    ]
    for generation in all_ended(asked):
        assert story(gateways, generation) == Story("succeeded", "", 2, 70_000, 0, 1)
        for asset in generation.assets.all():
            with originals().local_copy(asset.storage_key) as path, Image.open(path) as picture:
                assert picture.size == (asset.width, asset.height) == (64, 64)
    assert gateways.count("runware", "file") == gateways.count("aigateway", "file") == 0


def test_pictures_inside_the_answer_come_two_to_a_call_so_that_the_answer_can_be_read(
    person: Person, gateways: Control, engine: Net
) -> None:
    inline = ask(person, "five", provider="aigateway", output="base64", count=5)
    linked = ask(person, "five more", provider="aigateway", count=5)
    all_ended([inline, linked])
    assert [one.pictures for one in inline.submissions.order_by("id")] == [2, 2, 1]
    assert story(gateways, inline) == Story("succeeded", "", 5, 175_000, 0, 3)
    assert story(gateways, linked) == Story("succeeded", "", 5, 175_000, 0, 1)


def test_references_reach_the_gateway_in_order_and_at_full_size(
    person: Person, gateways: Control, engine: Net
) -> None:
    colours = [(200, 30, 30), (30, 200, 30)]
    pictures = []
    for colour in colours:
        file = BytesIO()
        Image.new("RGB", (640, 480), colour).save(file, "PNG")
        pictures.append("data:image/png;base64," + base64.b64encode(file.getvalue()).decode())
    asked = {
        provider: ask(person, f"after them, {provider}", provider=provider, references=pictures)
        for provider in ("aigateway", "threedai", "runware", "prospolabs")
    }
    all_ended(asked.values())

    for provider, generation in asked.items():
        assert story(gateways, generation) == Story("succeeded", "", 1, PRICES[provider], 0, 1), provider
        (post,) = posts(gateways, generation)
        sent = sum(len(base64.b64decode(one.partition(",")[2])) for one in pictures)
        assert post["body_bytes"] > sent / 2
    edits = [posts(gateways, asked[provider])[0]["path"] for provider in ("aigateway", "threedai")]
    assert [path.rstrip("/").rpartition("/")[2] for path in edits] == ["edits", "edit"]
    (flat,) = posts(gateways, asked["prospolabs"])
    assert (flat["fields"]["mode"], len(flat["fields"]["image_urls"])) == ("edit", 2)
    (task,) = posts(gateways, asked["runware"])
    assert len(task["fields"][0]["inputs"]["referenceImages"]) == 2
    assert Submission.objects.count() == 4


def test_work_of_a_model_that_left_the_catalogue_ends_and_is_paid_for(
    person: Person, gateways: Control, engine: Net
) -> None:
    gateways.settings("runware", latency=3600)
    gateways.fault(Fault.COST_MISSING, gateway="runware")
    generation = ask(person, provider="runware")
    in_state(generation, SubmissionState.RUNNING)
    Generation.objects.filter(id=generation.id).update(model="a-model-of-yesterday")
    gateways.advance(3600)
    ended(generation)
    assert story(gateways, generation) == Story("succeeded", "", 1, 35_000, 0, 1)
    assert person.wallet.held == 0
