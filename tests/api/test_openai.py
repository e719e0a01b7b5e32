"""The OpenAI-compatible surface, through OpenAI's own unmodified SDK over a real socket."""

from __future__ import annotations

import base64
import hashlib
import io
from typing import Any

import httpx
import openai
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from PIL import Image

from generations import links
from generations.actions import assets, uploads
from generations.models import Asset, Generation
from providers.sandbox.client import Control
from tests.api.conftest import Sdk, client_of, secret_of, send, wish
from tests.conftest import Person, make_person, png

PATH = "/v1/images/generations"


def test_the_sdk_gets_links_that_need_no_key(sdk: Sdk, running: str, person: Person) -> None:
    made = sdk(running, person).images.generate(prompt="a red boat", model="seedream-5-lite@bytespike", n=2)
    assert made.data is not None
    assert len(made.data) == 2
    assert abs(made.created - timezone.now().timestamp()) < 60
    for picture in made.data:
        assert picture.url is not None
        got = httpx.get(picture.url, trust_env=False, timeout=60)
        assert got.headers["Content-Type"].startswith("image/")
        assert Asset.objects.filter(sha256=hashlib.sha256(got.content).hexdigest()).exists()
    assert person.wallet.spent == 24_000


def test_the_sdk_gets_bytes_in_the_format_it_asks_for(sdk: Sdk, running: str, person: Person) -> None:
    made = sdk(running, person).images.generate(
        prompt="a red boat",
        model="seedream-5-lite",
        size="2048x2048",
        response_format="b64_json",
        output_format="webp",
        user="u-1",
    )
    assert made.data is not None
    assert made.data[0].b64_json is not None
    with Image.open(io.BytesIO(base64.b64decode(made.data[0].b64_json))) as picture:
        assert picture.format == "WEBP"
    assert Generation.objects.get().metadata == {"user": "u-1"}


def test_the_sdk_edits_pictures_by_multipart(sdk: Sdk, running: str, person: Person) -> None:
    made = sdk(running, person).images.edit(
        image=[("one.png", png(640, 480), "image/png"), ("two.png", png(480, 640, "red"), "image/png")],
        prompt="both at once",
        model="seedream-5-lite@runware",
    )
    assert made.data
    generation = Generation.objects.get()
    assert [use.asset.width for use in generation.reference_uses.all()] == [640, 480]
    assert Asset.objects.filter(kind="uploaded").count() == 2


@pytest.mark.parametrize("tags", [["a"], ["a", "b"]])
def test_the_sdk_sends_tags_along_with_an_edit(
    sdk: Sdk, running: str, person: Person, tags: list[str]
) -> None:
    sdk(running, person).images.edit(
        image=("one.png", png(640, 480), "image/png"),
        prompt="a red boat",
        model="seedream-5-lite@runware",
        extra_body={"tags": tags, "resolution": "3K"},
    )
    assert Generation.objects.get().tags == tags


@pytest.mark.parametrize(
    "form", [{"tags": "a"}, {"tags": ["a", "b"]}, {"tags[]": "a"}, {"tags": "a", "tags[]": "b"}]
)
def test_a_list_in_a_form_may_have_one_entry_and_may_be_named_with_brackets(
    running: str, person: Person, form: dict[str, Any]
) -> None:
    mine = uploads.upload(principal=person.principal, project_id=None, chunks=[png(640, 480)])
    answer = httpx.post(
        f"{running}/v1/images/edits",
        data={"prompt": "x", "model": "seedream-5-lite@runware", "image[]": f"asset:{mine.id}", **form},
        files={"image": ("two.png", png(480, 640, "red"), "image/png")},
        headers={"Authorization": f"Bearer {secret_of(person)}"},
        trust_env=False,
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    made = Generation.objects.get()
    assert made.tags == [tag for tags in form.values() for tag in tags]
    assert [use.asset.width for use in made.reference_uses.all()] == [640, 480]


def test_an_edit_may_be_json_with_data_uris_and_ids(running: str, person: Person) -> None:
    data = f"data:image/png;base64,{base64.b64encode(png(640, 480)).decode()}"
    answer = httpx.post(
        f"{running}/v1/images/edits",
        json={"prompt": "x", "model": "seedream-5-lite@runware", "images": [{"image_url": data}]},
        headers={"Authorization": f"Bearer {secret_of(person)}"},
        trust_env=False,
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    assert Generation.objects.get().reference_uses.count() == 1


def test_the_sdk_lists_what_may_be_named_as_model(
    sdk: Sdk, server: str, gateways: Control, person: Person
) -> None:
    client = sdk(server, person)
    names = [model.id for model in client.models.list()]
    assert {"seedream-5-lite", "seedream-5-lite@bytespike"} <= set(names)
    assert client.models.retrieve("seedream-5-lite@runware").owned_by == "ByteDance"


def test_the_sdk_raises_its_own_errors(sdk: Sdk, server: str, gateways: Control, person: Person) -> None:
    client = sdk(server, person)
    with pytest.raises(openai.NotFoundError) as missing:
        client.images.generate(prompt="x", model="dall-e-9")
    assert (missing.value.code, missing.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.BadRequestError) as empty:
        client.images.generate(prompt="", model="seedream-5-lite")
    assert empty.value.param == "prompt"
    with pytest.raises(openai.BadRequestError) as size:
        client.images.generate(prompt="x", size="enormous")
    assert size.value.param == "size"
    with pytest.raises(openai.BadRequestError) as unmade:
        client.images.generate(prompt="x", model="seedream-5-lite@runware", size="31x31")
    assert unmade.value.param == "size"
    with pytest.raises(openai.AuthenticationError) as stranger:
        sdk(server, person).with_options(api_key="sb_wrong").images.generate(prompt="x")
    assert stranger.value.type == "authentication_error"
    poor = make_person("poor@example.com", credit=0)
    with pytest.raises(openai.APIStatusError) as broke:
        sdk(server, poor).images.generate(prompt="x")
    assert (broke.value.status_code, broke.value.code) == (402, "insufficient_credit")
    assert not Generation.objects.exists()


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"prompt": "x", "colour": "red"}, "colour"),
        ({"prompt": "x", "background": "transparent"}, "background"),
        ({"prompt": "x", "stream": True}, "stream"),
        ({"prompt": "x", "n": 0}, "n"),
        ({"prompt": "x", "n": "NaN"}, "n"),
        ({"prompt": "x", "response_format": "bytes"}, "response_format"),
        ({"prompt": "x", "output_compression": 101}, "output_compression"),
        ({"prompt": "x", "size": 7}, "size"),
        ({"prompt": "x", "size": "١٠٢٤x١٠٢٤"}, "size"),
        ({"prompt": "x", "seed": -1}, "seed"),
        ({"prompt": 7}, "prompt"),
        ({"model": 7, "prompt": "x"}, "model"),
    ],
)
def test_what_cannot_be_honoured_is_named_as_openai_names_it(
    ada: Person, body: dict[str, Any], param: str
) -> None:
    answer = send(client_of(ada), "POST", PATH, body)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"], error["type"]) == (400, param, "invalid_request_error")
    assert not Generation.objects.exists()


def test_a_size_that_nobody_makes_is_refused_with_those_that_are_made(ada: Person) -> None:
    refused = send(client_of(ada), "POST", PATH, {"prompt": "x", "size": "100x100"}).json()["error"]
    assert (refused["param"], refused["message"].count("2048x2048")) == ("size", 1)


def test_what_comes_out_the_same_is_not_to_be_tried_again(ada: Person) -> None:
    final = send(client_of(ada), "POST", PATH, {"prompt": "x", "max_price": "0.001"})
    assert (final.status_code, final.headers["X-Should-Retry"]) == (409, "false")
    passing = send(client_of(ada), "POST", PATH, {"prompt": "x"}, {"idempotency-key": "x" * 256})
    assert (passing.status_code, passing.json()["error"]["param"]) == (400, "Idempotency-Key")
    assert "X-Should-Retry" not in passing.headers


def test_a_refused_edit_leaves_no_picture_in_the_library(ada: Person) -> None:
    client, poor = client_of(ada), client_of(make_person("poor@example.com", credit=1_000))

    def edit(caller: Client, model: str, content: bytes) -> tuple[int, str]:
        picture = SimpleUploadedFile("a.png", content, "image/png")
        form = {"prompt": "x", "model": model, "image": picture}
        answer = caller.post("/v1/images/edits", form)
        return answer.status_code, answer.json()["error"]["code"]

    assert edit(client, "seedream-5-lite@bytespike", png()) == (400, "unsupported")
    assert edit(poor, "seedream-5-lite@runware", png()) == (402, "insufficient_credit")
    assert edit(client, "seedream-5-lite@runware", png() + bytes(10 * 1024 * 1024))[0] == 400
    assert not Asset.objects.exists()


def test_an_edit_without_pictures_or_with_a_mask_is_refused(ada: Person) -> None:
    client = client_of(ada)
    none = client.post("/v1/images/edits", {"prompt": "x"})
    assert (none.status_code, none.json()["error"]["param"]) == (400, "image")
    mask = send(
        client, "POST", "/v1/images/edits", {"prompt": "x", "image": "data:image/png;base64,", "mask": "m"}
    )
    assert (mask.status_code, mask.json()["error"]["param"]) == (400, "mask")
    assert not Asset.objects.exists()


def test_a_session_is_no_key_here(ada: Person) -> None:
    client = Client()
    client.force_login(ada.user)
    answer = send(client, "POST", PATH, {"prompt": "x"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")


def test_an_address_that_leads_nowhere_has_openais_shape(ada: Person) -> None:
    answer = client_of(ada).get("/v1/chat/completions")
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "invalid_request_error")


def test_content_the_gateway_refuses_is_400_and_free(
    sdk: Sdk, running: str, control: Control, person: Person
) -> None:
    control.fault("refused_content", gateway="bytespike")
    with pytest.raises(openai.BadRequestError) as refused:
        sdk(running, person).images.generate(prompt="x", model="seedream-5-lite@bytespike")
    assert refused.value.code == "content_refused"
    assert (person.wallet.spent, person.wallet.held) == (0, 0)


def test_a_link_dies_with_the_trash_its_time_and_any_change(
    running: str, person: Person, settings: Any
) -> None:
    url = wish(running, secret_of(person)).json()["data"][0]["url"]

    def status(address: str) -> int:
        return httpx.get(address, trust_env=False, timeout=60).status_code

    assert status(url) == 200
    assert status(url[:-1] + ("A" if url[-1] != "A" else "B")) == 404
    asset = Asset.objects.get()
    assert status(f"{running}/p/{asset.id}") == 404
    assets.trash(principal=person.principal, asset_id=asset.id)
    assert status(url) == 404
    assets.restore(principal=person.principal, asset_id=asset.id)
    assert status(url) == 200
    settings.LINK_TTL = -1
    assert status(url) == 404
    settings.LINK_TTL = 60
    assert links.follow(url.rpartition("/")[2]) is not None
