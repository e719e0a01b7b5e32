"""Links whose host only looks like an international name: refused or not found, never an accident."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.door import Door, DownloadError
from providers.door.errors import Trouble

_PARTS = [*"aéßİ😀.。@:[]%\\/\u200b", "xn--", "xn--a", "--", "::1", "99"]


async def nowhere(host: str, port: int) -> Sequence[str]:
    raise OSError("no such name")


def trouble_with(url: str, folder: Path) -> Trouble:
    """What keeps this link from being fetched."""

    async def scenario() -> None:
        async with Door(resolver=nowhere) as door:
            await door.download(url, folder / "picture")

    with pytest.raises(DownloadError) as caught:
        asyncio.run(scenario())
    return caught.value.reason


@pytest.mark.parametrize("host", ["xn--a", "xn--", "xn--a.example.com", "xn--ls8h.la", "xn--" + "a" * 60])
def test_a_host_that_is_no_name_in_any_script_is_looked_up_as_it_is_written(
    host: str, tmp_path: Path
) -> None:
    assert trouble_with(f"https://{host}/picture.png", tmp_path) is Trouble.UNREACHABLE


def test_such_a_host_is_an_internal_name_where_it_ends_like_one(tmp_path: Path) -> None:
    assert trouble_with("https://xn--a.localhost/picture.png", tmp_path) is Trouble.FORBIDDEN_ADDRESS


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.sampled_from(_PARTS), max_size=6), scheme=st.sampled_from(["https", "http"]))
def test_no_link_however_odd_ends_in_anything_but_a_word_about_it(
    parts: list[str], scheme: str, tmp_path: Path
) -> None:
    assert trouble_with(f"{scheme}://{''.join(parts)}", tmp_path) in Trouble
