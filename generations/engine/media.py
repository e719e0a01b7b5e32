"""The media worker's loop: decode each kept original in a bounded child, and make the asset visible."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.db import Error, close_old_connections
from django.utils import timezone
from uuid6 import uuid7

from generations import imaging
from generations.engine import alarm, claiming, fetching, keeping, killing, listening
from generations.engine.claiming import Claim
from generations.engine.conclude import conclude, finish_submission, lock
from generations.engine.persistence import in_transaction
from generations.models import Asset, Kind, Result, Submission, move_result
from generations.states import ResultState
from generations.storage import StorageError, originals
from providers.errors import Reason

log = logging.getLogger(__name__)
LOOK_EVERY = 1.0
DECODES = 3
"""How often a picture is fetched anew, or decoded again, before it is called unusable."""


class Media:
    """Claims kept originals and turns them into assets, as many at once as there are cores."""

    def __init__(self, *, at_once: int | None = None) -> None:
        self.owner = f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._at_once = at_once or max(1, os.cpu_count() or 1)
        self._pool = ThreadPoolExecutor(self._at_once, thread_name_prefix="media")
        self._bell = threading.Event()
        self._stopping = threading.Event()
        self._held: set[UUID] = set()
        self._thread = threading.Thread(target=self._run, name="media", daemon=True)
        self._ears = threading.Thread(target=self._hear, name="media-listen", daemon=True)
        self._pulse = threading.Thread(target=self._beat, name="media-beat", daemon=True)

    def start(self) -> None:
        alarm.hang("media", self._bell.set)
        self._thread.start()
        self._ears.start()
        self._pulse.start()

    def stop(self, timeout: float | None = None) -> None:
        """Claim nothing more and finish the pictures in hand."""
        self._stopping.set()
        self._bell.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._look()
            except Error as error:
                log.warning("nothing could be claimed: %s", error)
            finally:
                close_old_connections()
            self._bell.wait(LOOK_EVERY)
            self._bell.clear()
        self._pool.shutdown(wait=True)

    def _look(self) -> None:
        room = self._at_once * 2 - len(self._held)
        for claim in claiming.claim_results(self.owner, ResultState.FETCHED.value, room):
            self._held.add(claim.id)
            self._pool.submit(self._work, claim).add_done_callback(partial(self._over, claim))

    def _work(self, claim: Claim) -> None:
        try:
            develop(claim)
        finally:
            close_old_connections()

    def _over(self, claim: Claim, done: Future[None]) -> None:
        self._held.discard(claim.id)
        if (error := done.exception()) is not None:
            log.error("result %s: %s", claim.id, type(error).__name__, exc_info=error)
        self._bell.set()

    def _hear(self) -> None:
        listening.listen_in_thread(self._bell.set, self._stopping)

    def _beat(self) -> None:
        while not self._stopping.wait(claiming.HEARTBEAT):
            try:
                claiming.extend(self.owner, "generations_result", list(self._held))
            except Error as error:
                log.warning("leases not extended: %s", error)
            finally:
                close_old_connections()


def develop(claim: Claim) -> None:
    """Decode one original; store what it is, or say why it is nothing."""
    result = (
        Result.objects.select_related("submission__generation", "submission__account")
        .filter(id=claim.id, fence=claim.fence, state=ResultState.FETCHED)
        .first()
    )
    if result is None:
        return
    try:
        with originals().local_copy(result.storage_key) as path:
            picture = keeping.inspect_and_keep(path, result.storage_key, result.sha256, original=False)
    except imaging.Rejected as error:
        _reject(claim, str(error.reason), refetch=True)
        return
    except imaging.Crashed as error:
        _reject(claim, str(error), refetch=False)
        return
    except FileNotFoundError:
        _reject(claim, "the kept original is gone", refetch=True)
        return
    except StorageError as error:
        log.warning("an original could not be read: %s", error)
        fetching.again(claim, result.tries, str(error))
        return
    killing.moment("before_final_commit")
    in_transaction(lambda: _store(claim, picture))


def _store(claim: Claim, picture: imaging.Picture) -> None:
    """The row that shows it, after its bytes were written and read back."""
    result = Result.objects.select_related("submission").get(id=claim.id)
    generation = lock(result.submission.generation_id)
    # Of the submission alone: an account locked here would stop everybody's submits through it.
    submissions = Submission.objects.select_for_update(of=("self",)).select_related("account")
    submission = submissions.get(id=result.submission_id)
    if not move_result(result, ResultState.STORED, url=""):
        return
    Asset.objects.create(
        id=result.asset_id,
        project_id=generation.project_id,
        user_id=generation.user_id,
        generation=generation,
        kind=Kind.GENERATED,
        prompt=generation.prompt,
        provider=submission.provider,
        model=generation.model,
        storage_key=result.storage_key,
        sha256=result.sha256,
        bytes=result.bytes or 0,
        format=picture.format,
        width=picture.width,
        height=picture.height,
        thumbhash=picture.thumbhash,
        seed=result.seed,
        revised_prompt=result.revised_prompt,
        flagged=result.flagged,
        sandbox=submission.account.sandbox,
        late=generation.ended,
        tags=generation.tags,
    )
    Submission.objects.filter(id=submission.id).update(delivered=submission.delivered + 1)
    finish_submission(submission)
    conclude(generation)


def _reject(claim: Claim, why: str, *, refetch: bool) -> None:
    """Not a usable picture: fetch it again if it may have been cut short on the way, else write it off.

    What was kept of it is put aside after the row has let go of it, never before: another worker
    may have found it good.
    """

    def work() -> str:
        result = Result.objects.select_related("submission").get(id=claim.id)
        if result.state != ResultState.FETCHED:
            return ""
        key = result.storage_key
        if result.tries + 1 >= DECODES or (refetch and not result.url):
            return key if fetching.lose(result, ResultState.REJECTED, Reason.BAD_RESULT, why) else ""
        due = timezone.now() + timedelta(seconds=2**result.tries)
        changes = {"tries": result.tries + 1, "detail": why, "due_at": due}
        if refetch:
            return key if move_result(result, ResultState.PENDING, asset_id=uuid7(), **changes) else ""
        Result.objects.filter(id=result.id).update(lease_until=None, **changes)
        return ""

    if condemned := in_transaction(work):
        keeping.put_aside(condemned)
