"""The chapter for newcomers shows an adapter, and it works."""

import json
from pathlib import Path
from typing import Any

import pytest

from providers.errors import ProviderError
from providers.values import Account, Answer, Done

from .captured import KEY, OURS, THEIRS, request

CHAPTER = Path(__file__).parents[2] / "docs" / "adding-a-gateway.md"


def test_the_adapter_in_the_documentation_is_a_whole_one() -> None:
    chapter = CHAPTER.read_text()
    written: dict[str, Any] = {"__name__": "acme"}
    exec(chapter.partition("```python\n")[2].partition("```")[0], written)
    acme = written["Acme"](Account(written["Acme"].profile.base_url, KEY))
    exchange = acme.submit(request(count=2, seed=0), OURS)
    done = exchange.read(Answer(200, {}, b'{"pictures": [{"link": "https://cdn.acme.example/1.png"}, {}]}'))
    assert isinstance(done, Done)
    assert (len(done.results), done.failed) == (1, 1)
    assert json.loads(exchange.body)["seed"] == 0
    assert acme.poll(THEIRS) is None
    assert acme.balance() is None
    with pytest.raises(ProviderError):
        acme.read_webhook({}, b"{}")
