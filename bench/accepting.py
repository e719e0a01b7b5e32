"""Accepting a generation, by the action and over HTTP, and holds on one hot wallet, against pgbench."""

from __future__ import annotations

import json
import os
import statistics
import threading
import time
from collections.abc import Callable
from uuid import uuid4

from bench import floor, load, stage

ROUNDS = 3
SECONDS = 5.0
AT_ONCE = 16


def main() -> None:
    with stage.prepare():
        from accounts.actions import create_api_key
        from accounts.models import Project, Scope, User
        from accounts.principal import Principal
        from billing import ledger
        from generations.actions import asking, generate, idempotency
        from generations.api.present import queued_json

        user, project = User.objects.get(), Project.objects.get()
        ledger.grant(user=user, amount=900_000_000_000, memo="bench", actor=None)
        body = {"prompt": "bench", "provider": "runware", "project": str(project.id)}
        key, secret = create_api_key(user=user, name="bench", scopes=[Scope.GENERATE])
        principal = Principal(user, key)

        def ours() -> None:
            sent = idempotency.Key(user, str(uuid4()), "/api/v1/generations", body)
            generate.submit(principal=principal, asked=asking.read(body), render=queued_json, key=sent)

        def held() -> None:
            _hold(user, project)

        for _ in range(20):
            ours()  # as warm as a running process
        submits, holds = floor.recorded(ours), floor.recorded(held)
        _alone(ours, submits)
        _over_http(json.dumps(body), secret, submits)
        _hot(held, holds)


def _alone(ours: Callable[[], None], script: str) -> None:
    rounds = [(_rate(ours, SECONDS), floor.rate(script, 1, SECONDS)) for _ in range(ROUNDS)]
    _say("accepting by the action (read, quote, key, hold, rows)", rounds, "one at a time")


def _over_http(body: str, secret: str, script: str) -> None:
    from config.embedded import processes

    port = stage.free_port()
    os.environ["PUBLIC_URL"] = f"http://127.0.0.1:{port}"
    address = f"http://127.0.0.1:{port}/api/v1/generations"
    headers = (f"Authorization: Bearer {secret}", "Idempotency-Key:")
    with stage.running(*processes.web("127.0.0.1", port, 2)[1:]):
        stage.until(lambda: stage.answers(port), 30)
        load.measure(address, AT_ONCE, 3, body, *headers)
        rounds = []
        for _ in range(ROUNDS):
            seen = load.measure(address, AT_ONCE, SECONDS, body, *headers)
            assert not seen.refused, f"{seen.refused} requests were refused"
            rounds.append((seen.rate, floor.rate(script, AT_ONCE, SECONDS)))
    _say("accepting over HTTP (API key, Idempotency-Key, 202)", rounds, f"{AT_ONCE} at once, 2 web processes")


def _hot(held: Callable[[], None], script: str) -> None:
    rounds = [(_together(held), floor.rate(script, AT_ONCE, SECONDS)) for _ in range(ROUNDS)]
    _say("holds on one hot wallet (ledger.hold)", rounds, f"{AT_ONCE} threads of one process")


def _say(what: str, rounds: list[tuple[float, float]], how: str) -> None:
    middle = statistics.median(ours / bare for ours, bare in rounds)
    ours, bare = (statistics.median(figures) for figures in zip(*rounds, strict=True))
    stage.row(
        what,
        "pgbench, the same statements prepared",
        f"{middle:.2f} ×",
        f"{ours:.0f}/s against {bare:.0f}/s, {how}, turn about, median of {ROUNDS}; {stage.machine()}",
    )


def _rate(work: Callable[[], None], seconds: float) -> float:
    begun, count = time.monotonic(), 0
    while time.monotonic() - begun < seconds:
        work()
        count += 1
    return count / (time.monotonic() - begun)


def _together(work: Callable[[], None]) -> float:
    from django.db import connection

    rates = [0.0] * AT_ONCE

    def one(number: int) -> None:
        rates[number] = _rate(work, SECONDS)
        connection.close()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(rates)


def _hold(user: object, project: object) -> None:
    from django.db import transaction

    from billing import ledger

    with transaction.atomic():
        ledger.hold(
            user=user,  # type: ignore[arg-type]
            amount=1,
            generation_id=uuid4(),
            project_id=project.id,  # type: ignore[attr-defined]
            provider="runware",
            model="bench",
        )


if __name__ == "__main__":
    main()
