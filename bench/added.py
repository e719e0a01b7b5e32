"""Time added to the gateway's own latency, from accepted to stored, at 1, 16 and 64 at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

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

        def one(times: list[float], until: float, ears: Ears) -> None:
            while time.monotonic() < until:
                begun = time.monotonic()
                asked = asking.read({"prompt": "bench", "provider": "aigateway"})
                made = generate.submit(
                    principal=Principal(user), asked=asked, render=lambda made: {"id": str(made.id)}
                )
                connection.close()  # as a request that waits does
                ears.wait(str(made.subject_id))
                times.append(time.monotonic() - begun)

        with stage.running(*processes.net()[1:]), stage.running(*processes.media()[1:]), listening() as ears:
            stage.until(lambda: stage.listening() == 2, 60)
            time.sleep(1)
            for at_once in (1, 16, 64):
                times: list[float] = []
                end = time.monotonic() + 8
                threads = [threading.Thread(target=one, args=(times, end, ears)) for _ in range(at_once)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                _tell(at_once, times)


def _tell(at_once: int, times: list[float]) -> None:
    """The row of ``times``, in seconds from accepted to stored."""
    added = [value - LATENCY for value in times]
    middle, late = (stage.percentile(added, share) * 1000 for share in (0.5, 0.95))
    stage.row(
        f"added from accepted to stored, {at_once} at once",
        f"the gateway's own {LATENCY * 1000:.0f} ms",
        f"{stage.percentile(times, 0.5) / LATENCY:.2f} ×",
        f"p50 {middle:.0f} ms, p95 {late:.0f} ms, {len(times)} generations; {stage.machine()}",
    )


class Ears:
    """Hears which generations have ended: asking in a loop from 64 threads would be the load measured."""

    def __init__(self) -> None:
        self._ended: set[str] = set()
        self._changed = threading.Condition()

    def told(self, ended: set[str]) -> None:
        with self._changed:
            self._ended |= ended
            self._changed.notify_all()

    def wait(self, generation: str) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: generation in self._ended, 60):
                raise TimeoutError(f"waited 60 s in vain for {generation}")


@contextmanager
def listening() -> Iterator[Ears]:
    import psycopg

    from generations.engine.listening import connection_parameters

    ears, over = Ears(), threading.Event()

    def listen(link: psycopg.Connection[tuple[str]]) -> None:
        while not over.is_set():
            told = [note.payload for note in link.notifies(timeout=0.5, stop_after=1)]
            if told:
                ended = (
                    "SELECT id::text FROM generations_generation WHERE id = ANY(%s::uuid[]) AND status = %s"
                )
                ears.told({found for (found,) in link.execute(ended, [told, "succeeded"])})

    with psycopg.Connection.connect(**connection_parameters(), autocommit=True) as link:
        link.execute("LISTEN seedbank_generation")
        thread = threading.Thread(target=listen, args=(link,))
        thread.start()
        yield ears
        over.set()
        thread.join()


if __name__ == "__main__":
    main()
