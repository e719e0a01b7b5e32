"""Work at every gateway, and three ledgers that must tell one story: ours, the gateways' bill, the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from itertools import count

from django.db.models import F, QuerySet, Sum
from django.db.models.functions import Now
from django.utils import timezone
from uuid6 import uuid7

from billing import oversight
from billing.models import Hold, Transfer, TransferKind
from generations.models import Asset, Generation, Move, Result, Submission
from generations.states import ENDED, OVER, ResultState, SubmissionState
from generations.storage import originals
from providers import registry
from providers.models import ProviderAccount, Source
from providers.sandbox.client import Control
from tests.conftest import Person, ask, eventually

_S = SubmissionState
TASKS = "bytespike tasks"
GATEWAYS = (*registry.ADAPTERS, TASKS)
"""Every gateway; Bytespike twice, for through its tasks API it finds a lost answer."""
FOUND_AGAIN = {"aigateway", "runware", TASKS}
"""Those that let a lost answer be found: by the same key, by our id, by either."""
STORED = ("succeeded", 1, 1)
GIVEN_UP = ("failed", 0, 0)
_names = count(1)


def own_accounts() -> None:
    """Make the sandbox's accounts staff's own, which no process touches, and add one for the tasks API."""
    ProviderAccount.objects.update(source=Source.ADMIN, position=1)
    tasks = ProviderAccount.objects.get(provider="bytespike")
    tasks.pk, tasks._state.adding = uuid7(), True
    tasks.settings = {"tasks_api": True}
    tasks.set_key("sandbox-bytespike-tasks")
    tasks.save()


def ask_at(person: Person, gateway: str, **fields: object) -> Generation:
    """One generation through this gateway, with a prompt of its own."""
    tasks = ProviderAccount.objects.filter(settings__tasks_api=True)
    tasks.update(position=0 if gateway == TASKS else 2)
    return ask(person, f"{gateway} {next(_names)}", provider=gateway.split()[0], **fields)


def ask_everywhere(person: Person) -> dict[str, Generation]:
    return {gateway: ask_at(person, gateway) for gateway in GATEWAYS}


def submission_of(generation: Generation) -> Submission:
    return Submission.objects.get(generation=generation)


def in_state(submission: Submission, *states: str) -> bool:
    return Submission.objects.filter(id=submission.id, state__in=states).exists()


def all_in_state(generations: Iterable[Generation], *states: str) -> None:
    """Wait until every submission is in one of these states."""
    mine = Submission.objects.filter(generation__in=list(generations))
    eventually(lambda: not mine.exclude(state__in=states).exists(), what=f"{mine.count()} in {states}")


def all_ended(generations: Iterable[Generation], *, within: float = 60.0) -> None:
    """Wait for the end of all; an hour passes for calls whose fate is unknown; nobody polls at leisure."""
    mine = Generation.objects.filter(id__in=[one.id for one in generations])

    def over() -> bool:
        open_ones = Submission.objects.filter(generation__in=mine).exclude(state__in=OVER)
        let_time_pass(open_ones)
        return not mine.exclude(status__in=ENDED).exists()

    eventually(over, within=within, what=f"the end of {mine.count()} generations")


def something_moves() -> None:
    """Wait until the work has got a step further, or is over."""
    before = Move.objects.count()
    eventually(
        lambda: Move.objects.count() > before or not Generation.objects.exclude(status__in=ENDED).exists(),
        what="the next step",
    )


def all_quiet() -> None:
    """Wait until nobody has anything left to do, late pictures included."""
    left = Submission.objects.exclude(state__in=OVER)

    def quiet() -> bool:
        let_time_pass(left)
        return not left.exists()

    eventually(quiet, within=60, what="quiet")


def late_pictures_come(generations: Iterable[Generation]) -> None:
    """Wait until what was given up is done after all."""
    mine = Submission.objects.filter(generation__in=list(generations))

    def done() -> bool:
        let_time_pass(mine)
        return not mine.exclude(state=_S.DONE).exists()

    eventually(done, what="late pictures")


def let_time_pass(submissions: QuerySet[Submission]) -> None:
    """Unknown calls were sent an hour ago, and what is due in some seconds is due now."""
    rows = Submission.objects.filter(id__in=submissions.values("id"))
    now = timezone.now()
    hour, moment = timedelta(hours=1), timedelta(seconds=0.25)
    rows.filter(state=_S.UNKNOWN, sent_at__gt=now - hour).update(sent_at=F("sent_at") - hour, due_at=Now())
    rows.filter(due_at__gt=now + moment).update(due_at=now + moment)
    Result.objects.filter(submission__in=rows, due_at__gt=now + moment).update(due_at=now + moment)


def outcome(generation: Generation) -> tuple[str, int, int]:
    """Status, pictures delivered, pictures charged."""
    generation.refresh_from_db()
    assert generation.charged % generation.unit_price == 0
    return generation.status, generation.delivered, generation.charged // generation.unit_price


def assert_ledgers_agree(control: Control) -> None:
    """Accepted = stored + abandoned; charged ≤ delivered; one effect each; the store holds what is shown."""
    _books_balance()
    for provider in registry.ADAPTERS:
        _bill_is_accounted_for(control, provider)
    _store_holds_exactly_what_is_shown()


def _books_balance() -> None:
    assert not [*oversight.wallet_differences(), *oversight.hold_differences()]
    for generation in Generation.objects.all():
        hold = Hold.objects.get(generation_id=generation.id)
        captured = Transfer.objects.filter(generation_id=generation.id, kind=TransferKind.CAPTURE)
        assert (hold.settled_at is not None) == generation.ended, generation
        assert (captured.aggregate(all=Sum("amount"))["all"] or 0) == hold.captured == generation.charged
        assert generation.charged <= min(generation.delivered, generation.requested) * generation.unit_price
        assert generation.delivered == generation.assets.count() <= generation.requested
        charged = generation.assets.aggregate(all=Sum("charged"))["all"] or 0
        assert charged == generation.charged


def _bill_is_accounted_for(control: Control, provider: str) -> None:
    lines = [line for line in control.bill(provider) if not line["refunded"]]
    posts = control.requests(provider, "submit")
    accepted = {note["prompt"] for note in posts if note["status"] is not None and note["status"] < 300}
    assert len(lines) == len(accepted), "a request took effect twice"
    posted = Counter(note["prompt"] for note in posts if note["status"] is None or note["status"] < 300)
    mine = Submission.objects.filter(provider=provider).select_related("generation", "account")
    stored = {one.generation.prompt: one for one in mine if one.state == _S.DONE}
    abandoned = {one.generation.prompt: one for one in mine if one.state == _S.ABANDONED}
    assert accepted <= stored.keys() | abandoned.keys(), "a paid request is in no book of ours"
    assert stored.keys() <= accepted, "pictures nobody was paid for"
    for one in mine:
        assert posted[one.generation.prompt] <= 1 or one.account.traits.keeps_our_key, "sent twice blindly"
        assert not (one.generation.prompt in stored and one.delivered != one.pictures)
    kept = Asset.objects.filter(generation__prompt__in=stored, provider=provider).count()
    lost = sum(one.pictures for prompt, one in abandoned.items() if prompt in accepted)
    assert sum(line["pictures"] for line in lines) == kept + lost
    booked = Transfer.objects.filter(provider=provider, kind__in=[TransferKind.CAPTURE, TransferKind.ABSORB])
    assert sum(line["micro_usd"] for line in lines) <= (booked.aggregate(all=Sum("amount"))["all"] or 0)


def _store_holds_exactly_what_is_shown() -> None:
    shown = dict(Asset.objects.values_list("storage_key", "sha256"))
    assert Result.objects.filter(state=ResultState.STORED).count() == len(shown)
    kept = {one.key for one in originals().keys("") if not one.key.endswith(".webp")}
    assert kept == shown.keys()
    for key, sha256 in shown.items():
        assert originals().digest(key) == sha256
