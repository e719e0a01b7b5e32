"""Accepting a generation, against the bare SQL of the same transaction; holds on one hot wallet."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from uuid import UUID

from bench import stage

SECONDS = 6.0


def main() -> None:
    with stage.prepare():
        from django.db import connection

        from accounts.models import Project, User
        from accounts.principal import Principal
        from billing import ledger
        from generations.actions import asking, generate

        user = User.objects.get()
        wallet = ledger.wallet_of(user)
        ledger.grant(user=user, amount=900_000_000_000, memo="bench", actor=None)
        project = Project.objects.get()
        body = {"prompt": "bench", "provider": "runware", "project": str(project.id)}

        def ours() -> None:
            generate.submit(
                principal=Principal(user), asked=asking.read(body), render=lambda made: {"id": str(made.id)}
            )

        def bare() -> None:
            _bare(connection, user.id, project.id, wallet.id)

        rounds = [(_rate(ours, SECONDS / 3), _rate(bare, SECONDS / 3)) for _ in range(3)]
        best = sorted(a / b for a, b in rounds)[1]
        stage.row(
            "accepting a generation (read, quote, hold, rows)",
            "the same statements in bare SQL",
            f"{best:.2f} ×",
            f"{rounds[1][0]:.0f}/s against {rounds[1][1]:.0f}/s, one thread, turn about, median of 3; {stage.machine()}",
        )
        held = _hot(wallet.id, project.id)
        stage.row(
            "holds on one hot wallet, 16 threads", "-", f"{held:.0f}/s", "ledger.hold in its own transaction"
        )


def _rate(work: Callable[[], None], seconds: float) -> float:
    work()
    begun, count = time.monotonic(), 0
    while time.monotonic() - begun < seconds:
        work()
        count += 1
    return count / (time.monotonic() - begun)


def _bare(connection: object, user: object, project: object, wallet: object) -> None:
    from django.db import transaction
    from uuid6 import uuid7

    generation, hold = uuid7(), uuid7()
    with transaction.atomic(), connection.cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute(
            "INSERT INTO generations_generation (id, project_id, user_id, model, provider, asked_provider, strategy,"
            " prompt, parameters, metadata, tags, status, requested, delivered, unit_price, quoted, charged,"
            " error_code, error_message, sandbox, deadline_at) VALUES (%s,%s,%s,'seedream-5-lite','runware','runware',"
            " 'cheapest','bench','{}','{}','{}','queued',1,0,35000,35000,0,'','',true, now() + interval '30 min')",
            [generation, project, user],
        )
        cursor.execute(
            "INSERT INTO generations_submission (id, ours, generation_id, account_id, provider, asked, pictures,"
            " unit_price, state, request_id, webhook_token, lease_owner, fence, posts, tries, polls, misses, delivered,"
            " reason, detail, raw, cost_raw, cost_final, cost_elsewhere) SELECT %s, gen_random_uuid(), %s, id,"
            " 'runware', '{}', 1, 35000, 'planned', '', %s, '', 0, 0, 0, 0, 0, 0, '', '', '', '', false, false"
            " FROM providers_provideraccount WHERE provider = 'runware' LIMIT 1",
            [uuid7(), generation, str(uuid7())],
        )
        cursor.execute("SELECT pg_notify('seedbank_due', '')")
        cursor.execute(
            "INSERT INTO billing_hold (id, wallet_id, generation_id, project_id, amount, captured, refunded)"
            " VALUES (%s, %s, %s, %s, 35000, 0, 0)",
            [hold, wallet, generation, project],
        )
        cursor.execute(
            "INSERT INTO billing_transfer (id, kind, wallet_id, hold_id, source, target, amount, memo, generation_id,"
            " project_id, provider, model, pictures, provider_cost_raw) VALUES (%s, 'hold', %s, %s,"
            " 'wallet:available', 'wallet:held', 35000, '', %s, %s, 'runware', 'seedream-5-lite', 0, '')",
            [uuid7(), wallet, hold, generation, project],
        )
        cursor.execute(
            "UPDATE billing_wallet SET available = available - 35000, held = held + 35000"
            " WHERE id = %s AND available >= 35000",
            [wallet],
        )


def _hot(wallet_id: UUID, project_id: UUID) -> float:
    from django.db import connection, transaction
    from uuid6 import uuid7

    from billing import ledger
    from billing.models import Wallet

    wallet = Wallet.objects.get(id=wallet_id)
    counts = [0] * 16
    end = time.monotonic() + 4

    def work(number: int) -> None:
        while time.monotonic() < end:
            with transaction.atomic():
                ledger.hold(
                    wallet=wallet,
                    amount=1,
                    generation_id=uuid7(),
                    project_id=project_id,
                    provider="runware",
                    model="bench",
                )
            counts[number] += 1
        connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / 4


if __name__ == "__main__":
    main()
