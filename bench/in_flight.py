"""A thousand generations in flight on one worker machine, against the ideal: one gateway's latency."""

from __future__ import annotations

import os
import time

from bench import stage

LATENCY = 20.0
MANY = int(os.environ.get("MANY", "1000"))


def main() -> None:
    with stage.prepare(), stage.gateways(LATENCY):
        from django.db import connection

        from accounts.models import User
        from accounts.principal import Principal
        from billing import ledger
        from config.embedded import processes
        from generations.actions import asking, generate
        from generations.models import Generation, Submission

        user = User.objects.get()
        ledger.grant(user=user, amount=1_000_000_000, memo="bench", actor=None)
        slugs = ("aigateway", "runware", "prospolabs", "bytespike", "threedai")
        for number in range(MANY):
            asked = asking.read({"prompt": f"bench {number}", "provider": slugs[number % 5]})
            generate.submit(principal=Principal(user), asked=asked, render=lambda made: {"id": str(made.id)})
        Submission.objects.update(due_at="2100-01-01T00:00Z")
        with stage.running(*processes.net()[1:]) as net, stage.running(*processes.media()[1:]) as media:
            time.sleep(4)  # both are up and idle before the clock starts
            before = net.used()
            begun = time.monotonic()
            with connection.cursor() as cursor:
                cursor.execute("UPDATE generations_submission SET due_at = now()")
                cursor.execute("SELECT pg_notify('seedbank_due', '')")
            sent = _when(lambda: not Submission.objects.filter(state="planned").exists(), begun)
            done = _when(lambda: not Generation.objects.live().exists(), begun)
            used, developed = net.used(), media.used()
        failed = Generation.objects.exclude(status="succeeded").count()
        last = sorted(
            (finished - sent_at).total_seconds()
            for finished, sent_at in Submission.objects.values_list("finished_at", "sent_at")
            if finished and sent_at
        )
        stage.row(
            f"{MANY:,} generations in flight, gateway latency {LATENCY:.0f} s",
            "the latency itself",
            f"{done / LATENCY:.2f} ×",
            f"all sent after {sent:.1f} s, all stored after {done:.1f} s; net worker {used.cpu - before.cpu:.1f} s CPU, "
            f"peak {used.peak:.0f} MB; media {developed.cpu:.1f} s CPU; slowest {last[-1]:.1f} s from sent to stored; "
            f"{failed} failed; {stage.machine()}",
        )


def _when(true: object, begun: float) -> float:
    stage.until(true, 300)  # type: ignore[arg-type]
    return time.monotonic() - begun


if __name__ == "__main__":
    main()
