"""Time added to the gateway's own latency, from accepted to stored, at 1, 16 and 64 at once."""

from __future__ import annotations

import threading
import time
from functools import partial

from bench import stage

LATENCY = 0.2


def main() -> None:
    with stage.prepare(), stage.gateways(LATENCY):
        from django.db import connection

        from accounts.models import User
        from accounts.principal import Principal
        from billing import ledger
        from config.embedded import processes
        from generations.actions import asking, generate

        user = User.objects.get()
        ledger.grant(user=user, amount=1_000_000_000, memo="bench", actor=None)

        def one(times: list[float], until: float) -> None:
            while time.monotonic() < until:
                begun = time.monotonic()
                asked = asking.read({"prompt": "bench", "provider": "aigateway"})
                made = generate.submit(
                    principal=Principal(user), asked=asked, render=lambda made: {"id": str(made.id)}
                )
                stage.until(partial(_stored, made.subject_id), 60)
                times.append(time.monotonic() - begun)
            connection.close()

        with stage.running(*processes.net()[1:]), stage.running(*processes.media()[1:]):
            time.sleep(4)
            for at_once in (1, 16, 64):
                times: list[float] = []
                end = time.monotonic() + 8
                threads = [threading.Thread(target=one, args=(times, end)) for _ in range(at_once)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                added = [value - LATENCY for value in times]
                stage.row(
                    f"added from accepted to stored, {at_once} at once",
                    f"the gateway's own {LATENCY * 1000:.0f} ms",
                    f"{stage.percentile(times, 0.5) / LATENCY:.2f} ×",
                    f"p50 {stage.percentile(added, 0.5) * 1000:.0f} ms, p95 {stage.percentile(added, 0.95) * 1000:.0f} ms, "
                    f"{len(times)} generations; {stage.machine()}",
                )


def _stored(generation_id: object) -> bool:
    from generations.models import Generation

    return Generation.objects.filter(id=str(generation_id), status="succeeded").exists()


if __name__ == "__main__":
    main()
