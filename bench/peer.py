"""Seedbank beside LiteLLM's proxy, which passes pictures on and keeps nothing: same upstream, turn about.

``LITELLM`` names its executable (``pip install 'litellm[proxy]'`` in an environment of its own).
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bench import load, stage

ROUNDS = 3
SECONDS = 6.0
LATENCY = 0.2
_ASK = {"model": "seedream-5-lite", "prompt": "bench", "n": 1}
ASK = json.dumps({**_ASK, "response_format": "b64_json"})
ASK_THEM = json.dumps(_ASK)  # it lets nobody choose for this model, and the upstream sends bytes anyway


@dataclass(frozen=True, slots=True)
class Side:
    """Where one of the two is asked, and with which headers."""

    address: str
    headers: tuple[str, ...]
    body: str = ASK

    def load(self, at_once: int, seconds: float = SECONDS) -> load.Load:
        return load.measure(self.address, at_once, seconds, self.body, *self.headers)


def main() -> None:
    peer = os.environ.get("LITELLM", "")
    if not peer:
        print("LiteLLM is absent: set LITELLM to its executable to measure beside it.")
        return
    with stage.prepare():
        from accounts.actions import create_api_key
        from accounts.models import Scope, User
        from billing import ledger
        from generations.models import Generation
        from providers.models import ProviderAccount

        user = User.objects.get()
        ledger.grant(user=user, amount=900_000_000_000, memo="bench", actor=None)
        _, secret = create_api_key(user=user, name="bench", scopes=[Scope.GENERATE, Scope.READ])
        ProviderAccount.objects.exclude(provider="aigateway").update(enabled=False)
        upstream = urlsplit(ProviderAccount.objects.get(provider="aigateway").base_url).port or 0
        with _ours(secret) as (accepting, making), _theirs(peer, upstream) as theirs:
            with _upstream(upstream, 0):
                for side in (accepting, making, theirs):
                    side.load(4, 5)
                _rates("accepting a generation (202)", accepting, theirs)
                stage.until(lambda: not Generation.objects.live().exists(), 300)  # what was only accepted
                _rates("a picture made, decoded, kept and billed", making, theirs)
            with _upstream(upstream, LATENCY):
                for at_once in (1, 16, 64):
                    _added(making, theirs, at_once)


def _rates(what: str, ours: Side, theirs: Side) -> None:
    rounds = [(ours.load(16), theirs.load(16)) for _ in range(ROUNDS)]
    middle = statistics.median(one.rate / other.rate for one, other in rounds)
    one, other = (statistics.median(seen.rate for seen in side) for side in zip(*rounds, strict=True))
    refused = [sum(seen.refused for seen in side) for side in zip(*rounds, strict=True)]
    stage.row(
        what,
        "LiteLLM's whole answer, 0 ms upstream",
        f"{middle:.2f} ×",
        f"{one:.0f}/s against {other:.0f}/s, 16 at once, 2 web processes each, turn about, "
        f"median of {ROUNDS}, refused {refused[0]} and {refused[1]}; {stage.machine()}",
    )


def _added(ours: Side, theirs: Side, at_once: int) -> None:
    rounds = [(ours.load(at_once), theirs.load(at_once)) for _ in range(ROUNDS)]
    added = [statistics.median(seen.p95 for seen in side) - LATENCY for side in zip(*rounds, strict=True)]
    stage.row(
        f"added to an upstream of {LATENCY * 1000:.0f} ms, {at_once} at once",
        "what LiteLLM adds",
        f"{added[0] / added[1]:.2f} ×",
        f"p95 {added[0] * 1000:.0f} ms against {added[1] * 1000:.0f} ms; {stage.machine()}",
    )


@contextmanager
def _ours(secret: str) -> Iterator[tuple[Side, Side]]:
    from config.embedded import processes

    port = stage.free_port()
    os.environ |= {"PUBLIC_URL": f"http://127.0.0.1:{port}", "WAITERS_MAX": "64"}
    origin = f"http://127.0.0.1:{port}"
    key = f"Authorization: Bearer {secret}"
    with (
        stage.running(*processes.web("127.0.0.1", port, 2)[1:]),
        stage.running(*processes.net()[1:]),
        stage.running(*processes.media()[1:]),
    ):
        stage.until(lambda: stage.answers(port), 60)
        ask = json.dumps({"prompt": "bench", "provider": "aigateway"})
        yield (
            Side(f"{origin}/api/v1/generations", (key, "Idempotency-Key:"), ask),
            Side(f"{origin}/v1/images/generations", (key,)),
        )


@contextmanager
def _theirs(executable: str, upstream: int) -> Iterator[Side]:
    port = stage.free_port()
    model = {
        "model_name": "seedream-5-lite",
        "litellm_params": {
            "model": "openai/seedream-5-lite",
            "api_base": f"http://127.0.0.1:{upstream}/v1",
            "api_key": "bench",
        },
        "model_info": {"mode": "image_generation"},
    }
    os.environ |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.yaml"
        config.write_text(json.dumps({"model_list": [model], "general_settings": {"master_key": "sk-bench"}}))
        options = ["--config", str(config), "--port", str(port), "--host", "127.0.0.1", "--num_workers", "2"]
        options += ["--timeout_worker_healthcheck", "60"]  # a busy machine is no dead worker
        with stage.running(*options, executable=executable):
            stage.until(lambda: stage.answers(port), 120)
            address = f"http://127.0.0.1:{port}/v1/images/generations"
            yield Side(address, ("Authorization: Bearer sk-bench",), ASK_THEM)


@contextmanager
def _upstream(port: int, latency: float) -> Iterator[None]:
    with stage.running("-m", "bench.upstream", str(port), str(latency)):
        stage.until(lambda: stage.answers(port), 20)
        yield


if __name__ == "__main__":
    main()
