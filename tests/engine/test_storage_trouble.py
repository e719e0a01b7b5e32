"""A store that fails in the middle of a write: nothing is shown that was not read back."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from generations.engine.net import Net
from generations.models import Asset
from generations.storage import originals
from providers.sandbox.client import Control
from tests.conftest import Person, ask
from tests.engine.stage import Story, all_ended, story
from tests.storage.conftest import s3
from tests.storage.servers import ACCESS_KEY, BUCKET, SECRET_KEY, Forward, Request, Response, proxy, refused

__all__ = ["s3"]

pytestmark = pytest.mark.s3
SPOILED = b"\x89PNG, or so it says"


class Mischief:
    """A proxy's fault: what happens to the first writes of each original, in the order they come."""

    def __init__(self, *plots: str) -> None:
        self.plots = list(plots)
        self.of: dict[str, str] = {}
        self.writes: dict[str, int] = {}
        self.always = ""
        self.one_at_a_time = threading.Lock()

    def __call__(self, request: Request, forward: Forward) -> Response | None:
        asset, _, name = request.path.partition("?")[0].rpartition("/")
        if request.method != "PUT" or len(name) != 64 or ".quarantine" in asset:
            return forward(request)
        with self.one_at_a_time:
            if asset not in self.of:
                self.of[asset] = self.always or (self.plots.pop(0) if self.plots else "honest")
            self.writes[asset] = self.writes.get(asset, 0) + 1
            plot, times = self.of[asset], self.writes[asset]
        return self._write(plot, times, request, forward)

    def _write(self, plot: str, times: int, request: Request, forward: Forward) -> Response | None:
        match plot, times:
            case ("busy", 1 | 2 | 3):  # as often as the client tries
                return refused(503, "SlowDown")
            case ("conflict", 1 | 2):
                return refused(409, "ConditionalRequestConflict")
            case ("lost answer", 1):
                forward(request)
                return None
            case ("lost answer", _):
                return refused(412, "PreconditionFailed")
            case ("taken", _):
                forward(replace(request, body=SPOILED, headers=_length(request, len(SPOILED))))
                return refused(412, "PreconditionFailed")
            case ("alters", 1) | ("alters always", _):
                return forward(replace(request, body=request.body[:-1] + b"?"))
        return forward(request)


def _length(request: Request, length: int) -> dict[str, str]:
    return {**request.headers, "Content-Length": str(length)}


def use_bucket(settings: Any, port: int, location: str) -> None:
    options = {
        "bucket_name": BUCKET,
        "endpoint_url": f"http://127.0.0.1:{port}",
        "region_name": "us-east-1",
        "access_key": ACCESS_KEY,
        "secret_key": SECRET_KEY,
        "location": location,
    }
    store = {"BACKEND": "generations.storage.s3.PrivateS3Storage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "originals": store}


def test_a_store_that_fails_loses_no_picture_and_shows_none_that_is_not_right(
    person: Person, gateways: Control, engine: Net, s3: tuple[int, Path], tmp_path: Path, settings: Any
) -> None:
    mischief = Mischief("busy", "lost answer", "conflict", "taken", "alters")
    with proxy(s3[0], mischief) as port:
        use_bucket(settings, port, tmp_path.name)
        asked = [ask(person, f"picture {n}", provider="bytespike") for n in range(5)]
        all_ended(asked, hours=0.01)
        for generation in asked:
            assert story(gateways, generation) == Story("succeeded", "", 1, 12_000, 0, 1)
        assert sorted(mischief.of.values()) == [
            "alters",
            "busy",
            "conflict",
            "honest",  # the new place of the picture whose place was taken
            "lost answer",
            "taken",
        ]

        mischief.always = "alters always"
        lost = ask(person, "never kept as it is", provider="runware")
        all_ended([lost], hours=2)
        assert story(gateways, lost) == Story("failed", "storage_failed", 0, 0, 35_000, 1)
        assert person.wallet.held == 0
    use_bucket(settings, s3[0], tmp_path.name)
    assert Asset.objects.count() == 5
    assert all(originals().digest(asset.storage_key) == asset.sha256 for asset in Asset.objects.all())
