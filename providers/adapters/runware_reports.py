"""What Runware says of a task, in our words.

Sources: runware.ai/docs/platform (errors, task-polling), and the vendor's TypeScript client for
the error families, the order of results and failed items inside ``data``. A success status says
nothing: ``errors`` may stand alone, or beside good pictures, or belong to another task.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple

from providers.adapters import verdict, wire
from providers.errors import ProviderError, Reason
from providers.values import Accepted, Answer, Cost, Done, Failed, Promised, Report, Running

_FAMILIES: tuple[tuple[str, Reason], ...] = (
    (r"ApiKey|unauthorized|forbidden|permissionDenied|^token|Suspended$|Disabled$", Reason.KEY_REFUSED),
    (r"Credits|Quota|Balance|paymentRequired", Reason.NO_CREDIT),
    (r"RateLimit|rateLimitExceeded", Reason.RATE_LIMITED),
    (r"modelNotFound|unknownModel", Reason.NOT_OFFERED),
    (r"taskCancelled", Reason.CANCELED),
    (r"NotFound|Expired$", Reason.NOT_FOUND),
    (r"Timeout|^timeout", Reason.TIMED_OUT),
    (r"^internalServerError|^serviceUnavailable|^serverError", Reason.NO_ANSWER),
    (
        r"^provider|^inferenceError|^taskFailed|^noAvailableServer|^modelUnavailable|^downloadFailed|^uploadFailed",
        Reason.PROVIDER_FAILED,
    ),
    (
        r"^(invalid|missing|conflict|duplicate|unsupported|value|array|max)|unknownParameter|incompatibleParameters",
        Reason.INVALID_REQUEST,
    ),
)
"""The client's error families, first match wins. Content rules come before all of them, because
``invalidProviderContent`` is one in spite of its name; ``timeoutProvider`` is a time-out."""


class Task(NamedTuple):
    """What an answer says of one task."""

    entries: list[wire.Json]
    errors: list[wire.Json]
    results: tuple[Promised, ...]
    cost: Cost | None
    processing: bool
    progress: int | None


def task_of(theirs: str, told: wire.Json) -> Task:
    """Sort an answer's entries and errors; those of other tasks in it are not ours to judge by."""

    def ours(entry: wire.Json) -> bool:
        return str(entry.get("taskUUID") or theirs).lower() == theirs.lower()

    listed = told.get("data")
    entries = wire.objects_in([listed] if isinstance(listed, dict) else listed)
    entries = [entry for entry in entries if entry and ours(entry)]
    errors = [entry for entry in wire.objects_in(told.get("errors")) if entry and ours(entry)]
    if isinstance(told.get("error"), dict) and ours(told):
        errors.append(wire.object_in(told["error"]))
    errors += [
        {**entry, **wire.object_in(entry.get("error"))} for entry in entries if _state(entry) == "error"
    ]
    found = [_picture(place, entry) for place, entry in enumerate(entries)]
    results = tuple({result.key: result for result in found if result}.values())
    progress = [known for entry in entries if (known := wire.percent(entry.get("progress"))) is not None]
    processing = any(_state(entry) not in ("success", "error") for entry in entries)
    return Task(entries, errors, results, _cost(entries), processing, min(progress, default=None))


def _state(entry: wire.Json) -> str:
    """``success``, ``error``, or any other word for "still at it"; a sync answer has no word at all."""
    status = entry.get("status")
    if isinstance(status, str):
        return status.lower()
    return "error" if entry.get("error") else "success" if _picture(0, entry) else "processing"


def _picture(place: int, entry: wire.Json) -> Promised | None:
    """Keyed by its own id: all pictures of a task share the task's."""
    return wire.picture(
        wire.identifier(entry.get("imageUUID")) or f"place {place}",
        entry.get("imageURL") or entry.get("imageDataURI"),
        entry.get("imageBase64Data"),
        seed=entry.get("seed"),
        flagged=entry.get("NSFWContent") is True,
    )


def _cost(entries: list[wire.Json]) -> Cost | None:
    """The sum over pictures, each once. Where one names none, or 0, the sum is not believed."""
    finished: dict[str, wire.Json] = {}
    for place, entry in enumerate(entries):
        picture = _picture(place, entry)
        if picture or entry.get("cost") is not None:
            finished.setdefault(picture.key if picture else f"place {place}", entry)
    costs = [known for entry in finished.values() if (known := wire.decimal(entry.get("cost"))) is not None]
    if not costs:
        return None
    final = len(costs) == len(finished) and all(cost > 0 for cost in costs)
    return Cost(" + ".join(map(str, costs)) + " USD", wire.micros(sum(costs, start=Decimal(0))), final)


def reason_of(error: wire.Json) -> Reason | None:
    """The meaning of an error's code; None for a code of no known family."""
    code = wire.text(error.get("code"), 100) or ""
    if verdict.about_content(code):
        return Reason.CONTENT_REFUSED
    return next((reason for pattern, reason in _FAMILIES if re.search(pattern, code)), None)


_GOES_ON = frozenset({Reason.TIMED_OUT, Reason.NO_ANSWER, Reason.NOT_FOUND})
"""A synchronous call that timed out goes on there, and is billed: it has to be asked for, whatever came."""


def read_submit(theirs: str, answer: Answer) -> Report:
    """The answer to the paid request, synchronous or not."""
    good = 200 <= answer.status < 300
    if not good and (answer.status not in verdict.REFUSALS or answer.status == 429):
        return verdict.refusal(answer)
    try:
        task = task_of(theirs, wire.decode_object(answer.body))
    except ProviderError:
        if good:
            raise
        return verdict.refusal(answer)
    if any(error.get("code") == "conflictTaskUUID" for error in task.errors):
        return Accepted(theirs)  # the first call arrived, although its answer was lost
    if task.entries and any(reason_of(error) in _GOES_ON for error in task.errors):
        return Running(theirs, task.progress, task.results, task.cost)
    if task.entries:
        # The acknowledgement is one entry, whatever the number of pictures.
        acknowledged = task.processing and not task.results and not task.errors
        return Accepted(theirs) if acknowledged else _report(theirs, task)
    if good and not task.errors:
        raise ProviderError(Reason.NO_ANSWER, "neither data nor errors")
    return _refused(theirs, task, answer)


def _refused(theirs: str, task: Task, answer: Answer) -> Failed:
    error = task.errors[0] if task.errors else {}
    reason = reason_of(error)
    if reason in (None, Reason.NOT_FOUND) and answer.status >= 400:
        return verdict.refusal(answer)
    said = str(verdict.fault({"error": error}))
    if reason in _GOES_ON:
        raise ProviderError(Reason.NO_ANSWER, said)
    pause = wire.retry_after(answer.headers) if reason is Reason.RATE_LIMITED else None
    return Failed(reason or Reason.PROVIDER_FAILED, said, theirs, retry_after=pause)


def _report(theirs: str, task: Task) -> Report:
    """The task as its entries show it: partial results are kept, whatever became of the rest."""
    if task.processing:
        words = (wire.unknown_word(entry.get("status")) for entry in task.entries)
        word = next((word for word in words if word not in (None, "success", "error")), None)
        return Running(theirs, task.progress, task.results, task.cost, word)
    if task.results or not task.errors:
        return Done(task.results, theirs, task.cost, failed=len(task.errors))
    first = task.errors[0]
    reason = reason_of(first)
    if reason in (None, Reason.NO_ANSWER, Reason.RATE_LIMITED, Reason.KEY_REFUSED, Reason.NOT_FOUND):
        reason = Reason.PROVIDER_FAILED  # the task's own end, not a word about our question
    return Failed(reason or Reason.PROVIDER_FAILED, str(verdict.fault({"error": first})), theirs, task.cost)


def read_poll(theirs: str, absent: Running | None, answer: Answer) -> Report:
    """How a task is getting on; ``absent`` is what an empty list means to whoever asks."""
    if answer.status >= 500 or 300 <= answer.status < 400:
        raise verdict.unanswered(answer)
    try:
        task = task_of(theirs, wire.decode_object(answer.body))
    except ProviderError:
        if 200 <= answer.status < 300:
            raise
        raise verdict.unanswered(answer) from None
    if task.entries or any(_ends_the_task(error) for error in task.errors):
        return _report(theirs, task)
    reason = reason_of(task.errors[0]) if task.errors else None
    if reason in (Reason.KEY_REFUSED, Reason.NO_CREDIT, Reason.RATE_LIMITED, Reason.NOT_FOUND):
        said, pause = str(verdict.fault({"error": task.errors[0]})), wire.retry_after(answer.headers)
        raise ProviderError(reason, said, retry_after=pause)
    if task.errors or not 200 <= answer.status < 300:
        raise verdict.unanswered(answer)
    if absent is None:
        raise ProviderError(Reason.NOT_FOUND, "no entry for this task, which proves nothing")
    return absent


def _ends_the_task(error: wire.Json) -> bool:
    """Whether an error is the task's end, and not only the fate of our question about it."""
    if error.get("status") == "error":
        return reason_of(error) is not Reason.NOT_FOUND
    question = {None, Reason.KEY_REFUSED, Reason.RATE_LIMITED, Reason.NOT_FOUND, Reason.NO_ANSWER}
    return error.get("taskType") != "getResponse" and reason_of(error) not in question
