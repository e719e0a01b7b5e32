"""Reading a request: every mistake is named by its field, and nothing else is ever raised."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.errors import Invalid
from generations.actions import asking

GOOD = {"prompt": "a red boat"}
NOT_STORABLE = ["\x00", "a\x00b", "\ud800", "a\udfffb"]

COUNTS: list[Any] = [0, -1, 21, 1e3, 1.0, 18446744073709551616, 18446744073686646784, True, [1], {}]
COUNTS_AS_TEXT = ["--5", "4.0", "1e1", "０x1", "NaN", "9" * 400, str(-(2**63))]
PRICES: list[Any] = ["NaN", float("nan"), float("inf"), "-0.01", "1e999999", "free", "0.0000001", "2000000"]
MORE_PRICES: list[Any] = [True, [], Decimal("sNaN"), 0.1 + 0.2]
MISTAKES: list[tuple[str, Any]] = [
    ("prompt", None),
    ("prompt", ""),
    ("prompt", "   \n"),
    ("prompt", 5),
    ("prompt", ["a"]),
    ("prompt", "x" * 8_001),
    *(("prompt", text) for text in NOT_STORABLE),
    *(("negative_prompt", text) for text in NOT_STORABLE),
    ("negative_prompt", 7),
    *(("count", value) for value in [*COUNTS, *COUNTS_AS_TEXT]),
    ("seed", -1),
    ("seed", 2**63),
    ("seed", "seven"),
    ("seed", False),
    ("width", 0),
    ("width", 16_385),
    ("height", "512px"),
    ("sequential", 16),
    ("sequential", 0),
    ("output_quality", 19),
    ("output_quality", 100),
    ("ttl", 59),
    ("model", "dall-e-3"),
    ("model", 3),
    ("provider", "openai"),
    ("provider", ["runware"]),
    ("strategy", "best"),
    ("aspect_ratio", "5:4"),
    ("resolution", "4K"),
    ("output_format", "gif"),
    ("prompt_optimization", "slow"),
    ("delivery", "mail"),
    ("output", "ftp"),
    ("safety_check", "maybe"),
    ("safety_check", 1),
    ("include_cost", "2"),
    ("project", "mine"),
    ("project", 12),
    *(("max_price", value) for value in [*PRICES, *MORE_PRICES]),
    ("references", "asset:1"),
    ("references", [5]),
    ("references", ["file:///etc/passwd"]),
    ("references", ["ftp://example.com/a.png"]),
    ("references", ["https://example.com/a.png"] * 15),
    ("references", ["https://example.com/\ud800"]),
    ("upload_urls", ["http://example.com/put"]),
    ("upload_urls", ["https://"]),
    ("upload_urls", ["https://[::1"]),
    *(
        ("upload_urls", [address])
        for address in (
            "https://a\nb/x",
            "https://a/\tx",
            "https://a b/",
            "https://a/x y",
            "https://a/\u2028x",
            "https://a/\x7f",
            "https://user:pw@h/x",
            "https://@h/x",
            "https://h:x/",
            "https://h:65536/",
        )
    ),
    ("upload_urls", ["https://example.com/1", "https://example.com/2"]),
    ("webhook_url", "https://example.com/hook"),
    ("webhook_url", 0),
    ("tags", "red"),
    ("tags", ["t" * 101]),
    ("tags", ["t"] * 51),
    *(("tags", [text]) for text in NOT_STORABLE),
    ("metadata", [1]),
    ("metadata", "x"),
    ("metadata", {"a": "x" * 16_000}),
    ("metadata", {"a": float("nan")}),
    ("metadata", {"a": UUID(int=4)}),
    *(("metadata", {"deep": [{text: 1}]}) for text in NOT_STORABLE),
    *(("metadata", {"deep": [{"a": text}]}) for text in NOT_STORABLE),
    ("Prompt", "a red boat"),
    ("n", 4),
    ("\ud800", 4),
]


@pytest.mark.parametrize(("name", "value"), MISTAKES, ids=lambda value: ascii(value)[:40])
def test_a_mistake_is_named_by_its_field(name: str, value: Any) -> None:
    with pytest.raises(Invalid) as refusal:
        asking.read({**GOOD, name: value})

    sentences = refusal.value.fields
    assert name.encode("utf-8", "replace").decode() in sentences
    assert all(sentence.endswith(".") for told in sentences.values() for sentence in told)
    json.dumps(refusal.value.fields, ensure_ascii=False).encode()  # can be said over HTTP


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(Invalid) as refusal:
        asking.read({"prompt": "", "count": 0, "provider": "openai", "colour": "red"})

    assert set(refusal.value.fields) == {"prompt", "count", "provider", "colour"}


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"width": 1024}, "height"),
        ({"height": 1024}, "width"),
        ({"width": 2048, "height": 2048, "resolution": "2K"}, "width"),
        ({"width": 2048, "height": 2048, "aspect_ratio": "1:1"}, "width"),
        ({"upload_urls": ["https://example.com/1"], "sequential": 2}, "upload_urls"),
    ],
)
def test_fields_that_exclude_each_other_are_named(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(Invalid) as refusal:
        asking.read({**GOOD, **fields})

    assert named in refusal.value.fields


def test_a_side_that_was_given_wrongly_is_not_asked_for_again() -> None:
    for wrong, right in (("height", "width"), ("width", "height")):
        with pytest.raises(Invalid) as refusal:
            asking.read({**GOOD, right: 10_000, wrong: "abc"})
        assert refusal.value.fields == {wrong: ["must be a whole number from 1 to 16,384."]}


def test_zero_and_false_are_values_and_not_absence() -> None:
    asked = asking.read({**GOOD, "seed": 0, "safety_check": False, "include_cost": False, "max_price": 0})

    assert (asked.request.seed, asked.request.safety_check, asked.request.include_cost) == (0, False, False)
    assert asked.max_price == 0
    assert {"seed", "safety_check", "include_cost", "max_price"} <= set(asked.body)


def test_what_a_form_sends_is_read_like_json() -> None:
    asked = asking.read(
        {
            "prompt": "  a red boat  ",
            "count": "4",
            "seed": "0",
            "safety_check": "off",
            "max_price": "$0.20",
            "negative_prompt": "",
            "project": "",
            "tags": ["sea", " "],
            "metadata": {"literal": "\\u0000", "nested": {"a": [1, None, True]}},
        }
    )

    request = asked.request
    assert (request.prompt, request.count, request.seed, request.safety_check) == ("a red boat", 4, 0, False)
    assert (asked.max_price, request.negative_prompt, asked.project_id, asked.tags) == (
        200_000,
        None,
        None,
        ("sea",),
    )
    assert asked.metadata["literal"] == "\\u0000"


def test_a_project_is_an_id() -> None:
    project = UUID(int=4)

    assert asking.read({**GOOD, "project": str(project)}).project_id == project
    assert asking.read({**GOOD, "project": project}).project_id == project


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=30)
    | st.uuids(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
plausible = st.sampled_from([value for _, value in MISTAKES]) | anything


@given(st.dictionaries(st.sampled_from(sorted(asking._KNOWN)) | st.text(max_size=8), plausible, max_size=6))
def test_whatever_is_sent_is_read_or_named_as_invalid(body: dict[str, Any]) -> None:
    try:
        asked = asking.read({**GOOD, **body})
    except Invalid as refusal:
        if not refusal.fields:
            raise
        return
    assert 1 <= asked.request.count <= 20
    assert asked.request.prompt.strip()
    assert asked.max_price is None or asked.max_price >= 0
    assert isinstance(asked.project_id, UUID | None)
    json.dumps({**asked.body, "project": None}, allow_nan=False)
    json.dumps([asked.metadata, asked.tags], ensure_ascii=False, allow_nan=False).encode()
