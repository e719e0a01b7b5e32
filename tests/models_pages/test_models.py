"""The catalogue's pages: every figure is measured here or read from the catalogue, and the code works."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from billing import pricing
from generations.engine.net import Net
from generations.models import Asset, Submission, figures
from providers import catalog
from tests.api.conftest import client_of, secret_of, send
from tests.conftest import Person, ask, eventually
from tests.serving import serving
from tests.web.conftest import _plain, browser_of, text_of

__all__ = ["_plain"]
MODEL = "seedream-5-lite"


def finished(person: Person, provider: str, took: float, state: str = "done", reason: str = "") -> None:
    """One call that was sent, and ended after so many seconds."""
    generation = ask(person, provider=provider)
    sent = timezone.now() - timedelta(minutes=1)
    Submission.objects.filter(generation=generation, state="planned").update(state="sending", sent_at=sent)
    for step in ("storing", "done") if state == "done" else (state,):
        Submission.objects.filter(generation=generation).update(
            state=step, delivered=1, reason=reason, finished_at=sent + timedelta(seconds=took)
        )


def test_figures_are_those_of_the_calls_that_were_made(ada: Person) -> None:
    for took in (2, 4, 6, 8, 10):
        finished(ada, "runware", took)
    finished(ada, "runware", 1, "failed", "provider_failed")
    finished(ada, "runware", 1, "failed", "content_refused")
    finished(ada, "prospolabs", 3)
    found = figures.measured()
    runware = found[MODEL, "runware"]
    assert (runware.calls, runware.median, round(runware.slow or 0, 1)) == (6, 6.0, 9.6)
    assert runware.success == pytest.approx(5 / 6)
    few = found[MODEL, "prospolabs"]
    assert (few.calls, few.median, few.slow, few.success) == (1, None, None, None)
    offers = {
        one["provider"]: one
        for one in send(client_of(ada), "GET", f"/api/v1/models/{MODEL}").json()["offers"]
    }
    assert offers["runware"]["measured_here"]["seconds_p50"] == 6.0
    assert offers["runware"]["measured_here"]["success_rate"] == 0.833
    assert offers["bytespike"]["measured_here"] is None
    page = text_of(browser_of(ada).get(f"/models/{MODEL}"))
    assert "6.0 9.6 83.3 % of 6 calls" in page
    assert "1 call so far" in page


def test_the_page_of_a_model_says_what_the_catalogue_says(ada: Person) -> None:
    model = catalog.model(MODEL)
    page = text_of(browser_of(ada).get(f"/models/{MODEL}"))
    for said in (
        model.description,
        *model.choose,
        *model.avoid,
        *(text for pair in model.answers for text in pair),
    ):
        assert said in page, said
    for offer in catalog.offers(MODEL):
        assert offer.native_model in page
        assert f"{offer.prompt_max:,}" in page
    assert "commercial use" in page


def test_our_price_stands_beside_the_gateways_own(ada: Person) -> None:
    pricing.set_price(model=MODEL, provider="bytespike", unit=20_000)
    pricing.set_price(model=MODEL, provider="runware", unit=None)
    page = text_of(browser_of(ada).get(f"/models/{MODEL}"))
    assert "seedream-v5lite $0.020 $0.012" in page
    assert "not on sale $0.035" in page
    listed = text_of(browser_of(ada).get("/models"))
    assert "from $0.014" in listed


def test_a_model_that_is_not_there_is_said_so(ada: Person) -> None:
    assert browser_of(ada).get("/models/seedream-6").status_code == 404
    assert browser_of(ada).get("/models").status_code == 200


def test_the_catalogue_is_found_from_the_menu_and_the_composer(ada: Person) -> None:
    html = browser_of(ada).get("/").content.decode()
    for address in ("/models", f"/models/{MODEL}", "/compare"):
        assert f'href="{address}' in html, address


def code_of(person: Person) -> dict[str, str]:
    """Every piece of code on the page, as it would be copied."""
    html = browser_of(person).get(f"/models/{MODEL}").content.decode()
    return {
        name: unescape(code)
        for name, code in re.findall(r'<code id="code-(\w+)">(.*?)</code>', html, flags=re.S)
    }


def test_the_code_works_as_it_stands(person: Person, engine: Net, settings: Any, tmp_path: Path) -> None:
    with serving(settings) as address:
        snippets = code_of(person)
        assert set(snippets) == {"curl", "python", "openai"}
        environment = {
            **os.environ,
            "SEEDBANK_API_KEY": secret_of(person),
            "NO_PROXY": "*",
            "no_proxy": "*",
        }
        for name, code in snippets.items():
            assert address in code
            command = ["bash", "-c", code] if name == "curl" else [sys.executable, "-c", code]
            done = subprocess.run(
                command,
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert done.returncode == 0, (name, done.stderr)
            expected = {"curl": '"succeeded"', "python": "succeeded 0.014", "openai": f"{address}/p/"}[name]
            assert expected in done.stdout.replace('": "', '":"').replace('"status":', ""), (
                name,
                done.stdout,
            )
    assert eventually(lambda: Asset.objects.count() == 3)
    kept = {one.sha256 for one in Asset.objects.all()}
    (saved,) = tmp_path.glob("*.*")
    assert hashlib.sha256(saved.read_bytes()).hexdigest() in kept
