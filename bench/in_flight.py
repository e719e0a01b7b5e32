"""A thousand generations in flight on one worker machine, against the ideal: one gateway's latency."""

from __future__ import annotations

import os
import time

from bench import stage

LATENCY = 20.0
SLUGS = ("aigateway", "runware", "prospolabs", "bytespike", "threedai")
MANY = int(os.environ.get("MANY", "1000"))


def main() -> None:
    with stage.prepare(), stage.gateways(LATENCY):
        from accounts.models import User
        from billing import ledger
        from config.embedded import processes
        from generations.models import Generation, Submission

        ledger.grant(user=User.objects.get(), amount=1_000_000_000, memo="bench", actor=None)
        with stage.running(*processes.net()[1:]), stage.running(*processes.media()[1:]):
            _submit(5 * len(SLUGS))  # from then on it is known how long they take, as in any house that works
            stage.until(lambda: not Generation.objects.live().exists(), 300)
        _submit(MANY)
        Submission.objects.filter(state="planned").update(due_at="2100-01-01T00:00Z")
        with stage.running(*processes.net()[1:]) as net, stage.running(*processes.media()[1:]) as media:
            stage.until(lambda: stage.listening() == 2, 60)
            time.sleep(1)  # both are up and idle before the clock starts
            before = net.used()
            begun = time.monotonic()
            _make_due()
            sent = _when(lambda: not Submission.objects.filter(state="planned").exists(), begun)
            done = _when(lambda: not Generation.objects.live().exists(), begun)
            used, developed = net.used(), media.used()
        failed = Generation.objects.exclude(status="succeeded").count()
        stage.row(
            f"{MANY:,} generations in flight, gateway latency {LATENCY:.0f} s",
            "the latency itself",
            f"{done / LATENCY:.2f} ×",
            f"all sent after {sent:.1f} s, all stored after {done:.1f} s; net worker {used.cpu - before.cpu:.1f} s CPU, "
            f"peak {used.peak:.0f} MB; media {developed.cpu:.1f} s CPU; slowest {_slowest():.1f} s from sent to stored; "
            f"{failed} failed; {stage.machine()}",
        )


def _submit(many: int) -> None:
    """Ask for ``many`` generations, of each gateway in turn."""
    from accounts.models import User
    from accounts.principal import Principal
    from generations.actions import asking, generate

    principal = Principal(User.objects.get())
    for number in range(many):
        asked = asking.read({"prompt": f"bench {number}", "provider": SLUGS[number % len(SLUGS)]})
        generate.submit(principal=principal, asked=asked, render=lambda made: {"id": str(made.id)})


def _make_due() -> None:
    """Let go, in one instant, everything that is planned."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("UPDATE generations_submission SET due_at = now() WHERE state = 'planned'")
        cursor.execute("SELECT pg_notify('seedbank_due', '')")


def _slowest() -> float:
    """Seconds from sent to stored of the generation that took longest."""
    from generations.models import Submission

    ends = Submission.objects.values_list("finished_at", "sent_at")
    return max((finished - sent).total_seconds() for finished, sent in ends if finished and sent)


def _when(true: object, begun: float) -> float:
    stage.until(true, 300)  # type: ignore[arg-type]
    return time.monotonic() - begun


if __name__ == "__main__":
    main()
