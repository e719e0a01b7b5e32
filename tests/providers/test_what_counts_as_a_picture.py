"""What stands where a link belongs: a link, the bytes themselves, or a word that is neither."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from providers.values import Answer, Promised, Report

from .captured import OURS, THEIRS, request, sent, through

Body = Callable[[str], dict[str, Any]]
SHAPES: dict[str, tuple[str, Body]] = {
    "aigateway": ("submit", lambda link: {"data": [{"url": link}]}),
    "bytespike": ("submit", lambda link: {"data": [{"url": link}]}),
    "threedai": (
        "poll",
        lambda link: {"status": "FINISHED", "results": [{"asset": link, "asset_type": "IMAGE"}]},
    ),
    "runware": ("submit", lambda link: {"data": [{"imageUUID": "a", "taskUUID": THEIRS, "imageURL": link}]}),
    "prospolabs": ("poll", lambda link: {"status": "completed", "output_urls": [link]}),
}
every_shape = pytest.mark.parametrize("slug", SHAPES)


def results(slug: str, link: str, *, beside: bytes = b"") -> tuple[Promised, ...]:
    how, body = SHAPES[slug]
    provider = through(slug)
    exchange = provider.submit(request(), OURS) if how == "submit" else sent(provider.poll(THEIRS))
    told = b"{" + beside + json.dumps(body(link)).encode().removeprefix(b"{")
    report: Report = exchange.read(Answer(200, {}, told))
    found: tuple[Promised, ...] = getattr(report, "results", ())
    return found


@every_shape
@pytest.mark.parametrize("word", ["notready", "img_0001", "/files/1.png", "ftp://files.example/1.png", "   "])
def test_a_word_in_the_place_of_a_link_is_no_picture_though_it_may_read_as_base64(
    slug: str, word: str
) -> None:
    assert results(slug, word) == ()


@every_shape
def test_the_picture_itself_may_stand_in_the_place_of_its_link(slug: str) -> None:
    (one,) = results(slug, "data:image/gif;base64,R0lGODlh")
    assert (one.url, one.data) == (None, b"GIF89a")


@every_shape
def test_half_a_character_beside_it_does_not_cost_the_link(slug: str) -> None:
    (one,) = results(slug, "https://files.example/1.png", beside=b'"revised_prompt":"a m\xe5\xb1",')
    assert one.url == "https://files.example/1.png"


@every_shape
@pytest.mark.parametrize(
    "link", ["https://files.example/山.png?sig=a%2Fb", "HTTPS://FILES.example/1.png", " https://f.example/1 "]
)
def test_a_link_is_a_link_however_it_is_spelled(slug: str, link: str) -> None:
    (one,) = results(slug, link)
    assert (one.url, one.data) == (link.strip(), None)
