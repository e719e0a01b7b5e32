from __future__ import annotations

import socket
import time
from argparse import ArgumentParser
from contextlib import ExitStack, suppress
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.errors import Refusal
from accounts.models import User
from accounts.principal import Principal
from billing import ledger
from billing.money import dollars
from generations import storage
from generations.actions import asking, generate
from generations.engine.listening import somebody_listens
from generations.engine.media import Media
from generations.engine.net import Net
from generations.models import Generation
from generations.states import ENDED, GenerationStatus
from providers.sandbox.server import start as start_sandbox
from providers.setup import accounts_from_environment

PATIENCE = 2.0
"""Seconds in which a worker that is there takes the work up; after that this command does it too."""


class Command(BaseCommand):
    help = "Makes pictures from the shell, and prints what was stored, where, and what it cost."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("prompt")
        parser.add_argument("--model")
        parser.add_argument("--provider")
        parser.add_argument("--count", type=int)
        parser.add_argument("--aspect", help="such as 16:9")
        parser.add_argument("--resolution", help="1K, 2K or 3K")
        parser.add_argument("--seed", type=int)
        parser.add_argument(
            "--reference", action="append", default=[], help="asset:ID or an https:// address"
        )
        parser.add_argument("--max-price", help="US dollars for all pictures together")
        parser.add_argument("--project", help="the id of a project; without it, the oldest")
        parser.add_argument("--as", dest="email", help="whose wallet pays; without it, the oldest person's")

    def handle(self, *_args: Any, **options: Any) -> None:
        alone = not somebody_listens()
        if alone:  # else the accounts are those of the workers' environment, whatever this shell's is
            accounts_from_environment()
        user = self._person(options["email"])
        try:
            asked = asking.read(_body(options))
            outcome = generate.submit(
                principal=Principal(user), asked=asked, render=lambda made: {"id": str(made.id)}
            )
        except Refusal as refusal:
            raise CommandError(refusal.message) from None
        generation = Generation.objects.get(id=str(outcome.subject_id))
        with ExitStack() as stack:
            self._follow(generation, stack, alone)
        generation.refresh_from_db()
        self._tell(generation, user, settings.PUBLIC_URL if alone else _address_of_what_runs())

    def _person(self, email: str | None) -> User:
        people = User.objects.filter(is_active=True)
        user = people.filter(email__iexact=email).first() if email else people.order_by("date_joined").first()
        if user is None:
            raise CommandError(
                f"Nobody signs in as {email}." if email else "Nobody signs in yet; use create_user first."
            )
        return user

    def _follow(self, generation: Generation, stack: ExitStack, alone: bool) -> None:
        """Show progress until the end; do the work here if no worker takes it up."""
        begun, at_work = time.monotonic(), False
        while generation.status not in ENDED:
            waiting = generation.status == GenerationStatus.QUEUED
            if waiting and not at_work and (alone or time.monotonic() - begun > PATIENCE):
                at_work = True
                _work_here(stack, sandbox=alone and generation.sandbox)
            self._bar(generation, time.monotonic() - begun)
            time.sleep(0.1)
            generation.refresh_from_db()
        if self.stderr.isatty():
            self.stderr.write("\r\033[K", ending="")

    def _bar(self, generation: Generation, seconds: float) -> None:
        if not self.stderr.isatty():
            return
        done = int((generation.progress or 0) / 100 * 24)
        bar = "█" * done + "░" * (24 - done)
        words = f"{generation.get_status_display()} at {generation.provider}"
        self.stderr.write(f"\r\033[K{bar} {words}, {seconds:.0f} s", ending="")
        self.stderr.flush()

    def _tell(self, generation: Generation, user: User, address: str) -> None:
        if generation.status != GenerationStatus.SUCCEEDED:
            wanted = generation.failure or f"The generation was {generation.status}."
            raise CommandError(wanted, returncode=1)
        mark = " (sandbox: neither the pictures nor the money are real)" if generation.sandbox else ""
        self.stdout.write(
            f"Stored {generation.delivered} of {generation.requested} in {generation.project.name}{mark}:"
        )
        for asset in generation.assets.order_by("id"):
            path = storage.originals().local_path(asset.storage_key) or asset.storage_key
            self.stdout.write(f"  {asset.width}×{asset.height} {asset.format}  {asset.bytes:,} bytes  {path}")
            self.stdout.write(f"    {address}/pictures/{asset.id}")
        wallet = ledger.wallet_of(user)
        self.stdout.write(
            f"It cost ${dollars(generation.charged)} at {generation.provider}; "
            f"${dollars(wallet.available)} is left in {user.email}'s wallet."
        )


def _body(options: dict[str, Any]) -> dict[str, Any]:
    named = {
        "prompt": options["prompt"],
        "model": options["model"],
        "provider": options["provider"],
        "count": options["count"],
        "aspect_ratio": options["aspect"],
        "resolution": options["resolution"],
        "seed": options["seed"],
        "references": options["reference"],
        "max_price": options["max_price"],
        "project": options["project"],
    }
    return {name: value for name, value in named.items() if value not in (None, [])}


def _address_of_what_runs() -> str:
    """Where pages are served, as `up` has written it down; this shell may know another PORT."""
    with suppress(OSError):
        return settings.RUNS_AT.read_text()
    return settings.PUBLIC_URL


def _work_here(stack: ExitStack, *, sandbox: bool) -> None:
    """Bring the loops, and the sandbox where it is needed and not running."""
    if sandbox and not _answers(settings.SANDBOX_PORT):
        stack.enter_context(start_sandbox(port=settings.SANDBOX_PORT, latency=None))
    net, media = Net(), Media()
    net.start()
    media.start()
    stack.callback(media.stop, 30)
    stack.callback(net.stop, 330)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
