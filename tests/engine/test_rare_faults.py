"""Rare faults: a broker that hangs, a decoder that is killed, a certificate nobody vouches for."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
from celery import Celery

from generations import imaging
from generations.engine import alarm
from generations.engine.net import Net
from generations.models import Result
from generations.states import ResultState
from providers.sandbox.client import Control
from tests.conftest import Person, ask, ended
from tests.door.servers import Authority
from tests.engine.stage import Story, all_ended, change, outlast, story


def test_a_broker_that_hangs_keeps_nobody_waiting(person: Person, gateways: Control, engine: Net) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=100) as hole:  # it takes every word and says none
        elsewhere = Celery(broker=f"redis://127.0.0.1:{hole.getsockname()[1]}/0", set_as_current=False)

        @elsewhere.task(name="wake")  # type: ignore[untyped-decorator, unused-ignore]
        def wake() -> None:
            """Never gets so far."""

        for _ in range(200):
            alarm.publish(wake)
        asked = [ask(person, f"number {number}", provider="bytespike") for number in range(3)]
        all_ended(asked)
    for generation in asked:
        assert story(gateways, generation) == Story("succeeded", "", 1, 12_000, 0, 1)


def test_a_decoder_that_is_killed_is_tried_again_and_given_up_in_the_end(
    person: Person, gateways: Control, engine: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patience:
        patience.setattr(imaging, "run_bounded", partial(imaging.run_bounded, seconds=0.001))
        once = ask(person, "killed once", provider="runware")
        outlast(lambda: Result.objects.filter(decodes__gte=1), seconds=0)
    assert story(gateways, ended(once)) == Story("succeeded", "", 1, 35_000, 0, 1)

    monkeypatch.setattr(imaging, "run_bounded", partial(imaging.run_bounded, seconds=0.001))
    always = ask(person, "always killed", provider="runware")
    all_ended([always], hours=0.05)
    assert story(gateways, always) == Story("failed", "bad_result", 0, 0, 35_000, 1)
    assert Result.objects.get(submission__generation=always).state == ResultState.REJECTED
    assert person.wallet.held == 0


@contextmanager
def unvouched_for(folder: Path) -> Iterator[int]:
    """The port of a server whose certificate is signed by nobody anybody knows."""
    context = Authority(folder).server("localhost")

    def serve(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                plain, _ = listener.accept()
                with suppress(OSError):
                    context.wrap_socket(plain, server_side=True).close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, args=[listener], daemon=True)
        server.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        server.join()


def test_a_gateway_whose_certificate_nobody_vouches_for_is_told_nothing(
    person: Person, gateways: Control, engine: Net, tmp_path: Path
) -> None:
    with unvouched_for(tmp_path) as port:
        change("bytespike", base_url=f"https://localhost:{port}")
        generation = ask(person, provider="bytespike")
        all_ended([generation], hours=0.01)
    assert story(gateways, generation) == Story("failed", "provider_unreachable", 0, 0, 0, 0)
    submission = generation.submissions.get()
    assert (submission.tries, submission.sent_at is not None) == (5, True)
    assert person.wallet.held == 0
