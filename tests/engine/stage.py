"""What the tests of the engine see and do: time that passes at once, the course of work, and the books."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Q, Sum
from django.db.models.functions import Now

from billing import oversight
from billing.models import Hold, Transfer, TransferKind
from generations.engine import claiming, planning, reading, recording, sending
from generations.engine.hearing import Heard
from generations.engine.persistence import in_transaction
from generations.models import Asset, Generation, Submission, notify
from generations.states import ENDED, IN_FLIGHT
from generations.storage import originals
from providers import catalog
from providers.errors import ProviderError
from providers.models import ProviderAccount
from providers.sandbox.client import Control
from providers.values import Report
from tests.conftest import Person, ask, ended, eventually

PRICES = {offer.provider: offer.list_price for offer in catalog.offers("seedream-5-lite")}
"""Micro-dollars for one picture, as published and as seeded."""
SUBMISSION = ("due_at", "sent_at", "missing_since", "created_at", "finished_at")
ACCOUNT = ("paused_until", "probe_until", "window_started_at")


def pass_time(seconds: float) -> None:
    """Let time pass for everything that is written down, while leases are kept by living workers."""
    back = f"interval '{seconds} seconds'"
    shifted = {
        "generations_submission": SUBMISSION,
        "generations_result": ("due_at", "created_at", "dies_at"),
        "generations_generation": ("deadline_at",),
        "providers_provideraccount": ACCOUNT,
    }
    # First, so that whoever is woken by the others' being due finds the minute over.
    _execute(
        "UPDATE providers_provideraccount SET recent_calls = "
        f"ARRAY(SELECT unnest(recent_calls) - {back}) WHERE cardinality(recent_calls) > 0"
    )
    for table, columns in shifted.items():
        moved = ", ".join(f"{column} = {column} - {back}" for column in columns)
        _execute(f"UPDATE {table} SET {moved}")
    notify(planning.DUE_CHANNEL)
    notify(planning.MEDIA_CHANNEL)


def expire_leases() -> None:
    """As if every worker had been silent for longer than a lease."""
    for table in ("generations_submission", "generations_result"):
        _execute(
            f"UPDATE {table} SET lease_until = now() - interval '1 second' WHERE lease_until IS NOT NULL"
        )


def _execute(sql: str) -> None:
    """Beside workers that lock the same rows in another order."""

    def work() -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql)

    in_transaction(work)


def all_ended(
    generations: Iterable[Generation], *, hours: float = 0, within: float = 60.0, in_step: bool = False
) -> list[Generation]:
    """Wait for the end of all; with ``hours``, time passes meanwhile, a sixtieth of it at each look.

    ``in_step``: none passes while a worker has something in hand.
    """
    waited = list(generations)

    def over() -> list[Generation]:
        fresh = list(Generation.objects.filter(id__in=[one.id for one in waited]))
        if all(one.status in ENDED for one in fresh):
            return fresh
        if hours:
            pass_time(hours * 60)
            eventually_looked(done=in_step)
        return []

    found: list[Generation] = eventually(over, within=within, what=f"the end of {len(waited)} generations")
    return sorted(found, key=lambda one: [each.id for each in waited].index(one.id))


def outlast(
    true: Callable[[], object], *, seconds: float = 150.0, what: str = "it", in_step: bool = False
) -> None:
    """Let time pass, so much at each look, until something holds: longer than any pause between two tries."""

    def passed() -> object:
        pass_time(seconds)
        # Or the time in which anything is done would be over before it is begun.
        eventually_looked(done=in_step)
        return true()

    eventually(passed, what=what)


def eventually_looked(*, done: bool = False) -> None:
    """Until nothing that is due waits to be claimed: the workers have seen the present, or are ``done``."""

    def seen() -> bool:
        if done and Submission.objects.filter(lease_until__gt=Now(), state__in=IN_FLIGHT).exists():
            return False
        free = Q(lease_until=None) | Q(lease_until__lt=Now())
        return not Submission.objects.filter(free, state__in=IN_FLIGHT, due_at__lte=Now()).exists()

    eventually(seen, what="a look of the workers")


def looked_after(person: Person, provider: str, control: Control) -> None:
    """Until the workers have surely looked for due rows after this moment: newer work has been done."""
    ended(ask(person, f"newer work {Generation.objects.count()}", provider=provider))
    assert control.count(provider) > 0


def only(generation: Generation) -> Submission:
    return Submission.objects.select_related("account").get(generation=generation)


def in_state(generation: Generation, *states: str) -> Submission:
    """Wait until its only submission is in one of these states."""

    def there() -> Submission | None:
        found = only(generation)
        return found if found.state in states else None

    found: Submission = eventually(there, what=f"{' or '.join(states)} of {generation.prompt}")
    return found


def polled(generation: Generation, times: int) -> None:
    """Wait until its only submission has been asked about so often."""
    eventually(lambda: only(generation).polls >= times, what=f"{times} polls of {generation.prompt}")


def turned_away(generation: Generation) -> Submission:
    """Wait until its only submission has been refused for now and put back."""
    eventually(lambda: only(generation).tries == 1, what=f"a refusal of {generation.prompt}")
    return only(generation)


def posted(control: Control, provider: str, times: int) -> None:
    """Wait until a gateway has got so many paid requests."""
    eventually(lambda: control.count(provider) >= times, what=f"{times} requests to {provider}")


def account_of(provider: str) -> ProviderAccount:
    return ProviderAccount.objects.get(provider=provider)


def change(provider: str, **fields: Any) -> None:
    """Change an account as staff do; ``settings`` are added to those it has."""
    account = account_of(provider)
    for name, value in fields.items():
        setattr(account, name, {**account.settings, **value} if name == "settings" else value)
    account.save(update_fields=list(fields))


def posts(control: Control, generation: Generation) -> list[dict[str, Any]]:
    """The paid requests that the sandbox got for this prompt, at any gateway."""
    return [note for note in control.requests(operation="submit") if note["prompt"] == generation.prompt]


def absorbed(generation: Generation) -> int:
    """Micro-dollars that the platform took over."""
    rows = Transfer.objects.filter(generation_id=generation.id, kind=TransferKind.ABSORB)
    return rows.aggregate(total=Sum("amount"))["total"] or 0


@dataclass(frozen=True)
class Story:
    """What a generation came to: status, error code, pictures, money (micro-dollars), POSTs."""

    status: str
    code: str
    delivered: int
    charged: int
    absorbed: int
    posts: int


def story(control: Control, generation: Generation) -> Story:
    fresh = Generation.objects.get(id=generation.id)
    assert Asset.objects.filter(generation=fresh).count() == fresh.delivered
    return Story(
        fresh.status,
        fresh.error_code,
        fresh.delivered,
        fresh.charged,
        absorbed(fresh),
        len(posts(control, fresh)),
    )


def check_books(control: Control, *, forgiven: Callable[[dict[str, Any]], bool]) -> None:
    """What must hold after every test, whatever went wrong in it."""
    assert not [*oversight.wallet_differences(), *oversight.hold_differences()]
    for generation in Generation.objects.all():
        hold = Hold.objects.get(generation_id=generation.id)
        assert generation.ended == (hold.settled_at is not None), generation
        assert hold.captured == generation.charged <= generation.delivered * generation.unit_price
        assert generation.delivered == generation.assets.count()
        moved = Transfer.objects.filter(generation_id=generation.id)
        assert {hold.sandbox, *moved.values_list("sandbox", flat=True)} == {generation.sandbox}, generation
    for asset in Asset.objects.exclude(generation=None):
        assert originals().digest(asset.storage_key) == asset.sha256
    if Generation.objects.live().exists():
        return
    for provider in ProviderAccount.objects.values_list("provider", flat=True):
        lines = [line for line in control.bill(provider) if not line["refunded"] and not forgiven(line)]
        booked = Transfer.objects.filter(
            provider=provider, kind__in=[TransferKind.CAPTURE, TransferKind.ABSORB]
        )
        assert sum(line["micro_usd"] for line in lines) <= (
            booked.aggregate(all=Sum("amount"))["all"] or 0
        ), f"{provider} took money that is in no book"
        kept = Asset.objects.filter(provider=provider).count()
        assert kept <= sum(line["pictures"] for line in control.bill(provider)), (
            "a picture nobody was paid for"
        )


def heard(submission: Submission, report: Report | ProviderError, *, post: int | None = None) -> None:
    """Record what the provider said of it, in answer to one of its requests or not."""
    recording.record(submission.id, Heard(report, post=post), submission.account.traits)
    submission.refresh_from_db()


def send() -> None:
    """Commit for all that is due that its request is about to leave; what is answered, the test says."""
    for claim in claiming.claim_submissions("a worker", 10):
        (loaded,) = reading.submissions([claim]).values()
        assert sending.begin(loaded, claim.fence)


def sent(person: Person, *, count: int) -> list[Submission]:
    """The parts of work whose requests are on the wire."""
    generation = ask(person, provider="prospolabs", count=count)
    send()
    return list(Submission.objects.filter(generation=generation).order_by("id"))
