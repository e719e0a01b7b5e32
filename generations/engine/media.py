"""The media worker's loop: decode each kept original in a bounded child, and make the asset visible."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import Error, close_old_connections
from uuid6 import uuid7

from accounts import rows
from generations import imaging
from generations.engine import (
    claiming,
    clock,
    fetching,
    keeping,
    killing,
    listening,
    origins,
    reading,
)
from generations.engine.claiming import Claim
from generations.engine.conclude import conclude, finish_submission
from generations.engine.persistence import forget_connection, in_transaction
from generations.models import Asset, AssetKind, Result, move_result, moves
from generations.models.terms import quoted, words_of
from generations.states import ResultState
from generations.storage import StorageError, originals
from providers.errors import Reason

log = logging.getLogger(__name__)
LOOK_EVERY = killing.look(1.0)


class Media:
    """Claims kept originals and turns them into assets, as many at once as there are cores."""

    def __init__(self, *, at_once: int | None = None, died: Callable[[], None] | None = None) -> None:
        """``died`` is called if the loop ends without having been asked to."""
        self.owner = claiming.owner()
        self._at_once = at_once or max(1, os.cpu_count() or 1)
        self._died = died
        self._pool = ThreadPoolExecutor(self._at_once, thread_name_prefix="media")
        self._bell = threading.Event()
        self._stopping = threading.Event()
        self._held: set[UUID] = set()
        self._thread = threading.Thread(target=self._run, name="media", daemon=True)
        self._ears = threading.Thread(target=self._hear, name="media-listen", daemon=True)
        self._pulse = threading.Thread(target=self._beat, name="media-beat", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._ears.start()
        self._pulse.start()

    def stop(self, timeout: float | None = None) -> None:
        """Claim nothing more and finish the pictures in hand."""
        self._stopping.set()
        self._bell.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        try:
            keeping.tidy_scratch()
            with contextlib.suppress(StorageError):
                keeping.see_the_mark()
            while not self._stopping.is_set():
                self._look_once()
                self._bell.wait(LOOK_EVERY)
                self._bell.clear()
        finally:
            self._pool.shutdown(wait=True)
            if self._died is not None and not self._stopping.is_set():
                self._died()

    def _look_once(self) -> None:
        try:
            self._look()
        except Error as error:
            log.warning("nothing could be claimed: %s", error)
            forget_connection(error)
        finally:
            close_old_connections()

    def _look(self) -> None:
        room = self._at_once * 2 - len(self._held)
        for claim in claiming.claim_results(self.owner, ResultState.FETCHED.value, room):
            if claim.id in self._held:
                continue  # its lease ended while the database was away, and it is in hand all the same
            self._held.add(claim.id)
            self._pool.submit(self._work, claim).add_done_callback(partial(self._over, claim))

    def _work(self, claim: Claim) -> None:
        try:
            develop(claim)
        except Error:
            _let_go(claim)
            raise
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


def _let_go(claim: Claim) -> None:
    """The database failed, not the picture: free for another try at once, or else when the lease ends."""
    close_old_connections()
    with contextlib.suppress(Error):
        claiming.release("generations_result", claim)


def develop(claim: Claim) -> None:
    """Decode one original; store what it is, or say why it is no picture."""
    result = reading.results([claim]).get(claim.id)
    if result is None or result.state != ResultState.FETCHED:
        return
    try:
        with keeping.where_it_was_kept(), originals().local_copy(result.storage_key) as path:
            generation, sandbox = result.submission.generation, result.submission.account.sandbox
            origin = origins.made_by(generation, result.asset_id, sandbox=sandbox)
            picture = keeping.inspect_and_keep(
                path, result.storage_key, result.sha256, original=False, origin=origin
            )
    except imaging.Rejected as error:
        _reject(result, str(error.reason), refetch=True)
        return
    except imaging.Crashed as error:
        _reject(result, str(error), refetch=False)
        return
    except FileNotFoundError:
        _reject(result, "the kept original is gone", refetch=True)
        return
    except (StorageError, OSError) as error:
        log.warning("an original could not be read: %s", error)
        fetching.later(claim, str(error))
        return
    killing.moment("before_final_commit")
    in_transaction(lambda: _store(result, picture, sandbox=sandbox))


def _still_kept(result: Result, seen: Result) -> bool:
    """Whether it is still the original that was looked at: somebody else may have had it fetched anew."""
    return result.state == ResultState.FETCHED and result.storage_key == seen.storage_key


def _store(seen: Result, picture: imaging.Picture, *, sandbox: bool) -> None:
    """The row that shows it, after its bytes were written and read back."""
    result = reading.lock_result(seen.id)
    submission, generation = result.submission, result.submission.generation
    if not _still_kept(result, seen) or not move_result(result, ResultState.STORED, url=""):
        return
    asset = Asset(
        id=result.asset_id,
        project_id=generation.project_id,
        user_id=generation.user_id,
        generation=generation,
        kind=AssetKind.GENERATED,
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
        likeness=picture.likeness,
        seed=result.seed,
        revised_prompt=result.revised_prompt,
        flagged=result.flagged,
        sandbox=sandbox,
        late=generation.ended,
        tags=generation.tags,
        terms=" ".join(quoted(word) for word in words_of(generation.prompt)),
    )
    sql, values = rows.insertion([asset])
    rows.planned(f"{sql} RETURNING id", values)
    moves.note(submission, delivered=submission.delivered + 1)
    finish_submission(submission)
    moves.write(submission)
    conclude(generation)


def _reject(seen: Result, why: str, *, refetch: bool) -> None:
    """Not a usable picture: fetch it again if it may have been cut short on the way, else write it off.

    What was kept of it is put aside after the row has let go of it, never before: another worker
    may have found it good.
    """

    def work() -> str:
        result = reading.lock_result(seen.id)
        if not _still_kept(result, seen):
            return ""
        key = result.storage_key
        if result.decodes + 1 >= fetching.DECODES or (refetch and not result.url):
            return key if fetching.lose(result, ResultState.REJECTED, Reason.BAD_RESULT, why) else ""
        due = clock.now() + timedelta(seconds=4**result.decodes)
        changes: dict[str, Any] = {"decodes": result.decodes + 1, "detail": why, "due_at": due}
        if refetch:
            return key if move_result(result, ResultState.PENDING, asset_id=uuid7(), **changes) else ""
        Result.objects.filter(id=result.id).update(lease_until=None, **changes)
        return ""

    if condemned := in_transaction(work):
        keeping.put_aside(condemned)
