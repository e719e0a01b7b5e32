"""How Celery starts and stops the loops: a worker of the queue ``net`` or ``media`` carries one."""

from __future__ import annotations

import logging
import os
import signal
from typing import Any

from celery import bootsteps
from celery.exceptions import WorkerShutdown
from celery.signals import worker_shutting_down
from celery.worker import state

from generations.engine.media import Media
from generations.engine.net import Net
from providers import setup

log = logging.getLogger(__name__)


class NetStep(bootsteps.StartStopStep):
    """Runs the net loop in the worker's main process; stopping drains what is on the wire.

    Celery's own soft shutdown sees only tasks and would cut every call on the loop.
    """

    name = "seedbank-net"
    queue = "net"

    def include_if(self, parent: Any) -> bool:
        return self.queue in parent.app.amqp.queues.consume_from

    def start(self, _parent: Any) -> None:
        setup.accounts_from_environment()
        self.loop, self.asked = Net(died=_end_this_worker), False
        worker_shutting_down.connect(self._asked_to_stop, weak=False)
        self.loop.start()

    def _asked_to_stop(self, how: str, exitcode: int, **_: Any) -> None:
        """Called for each signal, of whatever kind: the first closes, the second gives up."""
        if self.asked:
            self.loop.hurry()
            return
        self.asked = True
        self.loop.close()
        _stop_looking(how, exitcode)

    def stop(self, _parent: Any) -> None:
        log.info("waiting for the calls on the wire; a second signal gives up")
        while self.loop.alive:
            self.loop.stop(timeout=0.5)

    def terminate(self, _parent: Any) -> None:
        self.loop.hurry()
        self.loop.stop(timeout=5)


def _end_this_worker() -> None:
    """A worker without its loop would only look alive; whoever watches over it starts another."""
    os.kill(os.getpid(), signal.SIGTERM)


def _stop_looking(how: str, exitcode: int) -> None:
    """From a signal's handler: end Celery's look for messages, which may go on for another four seconds.

    While a task is at work, or for a shutdown that is not warm, Celery goes on as ever.
    """
    if how == "Warm" and not state.active_requests:
        raise WorkerShutdown(exitcode)


class MediaStep(bootsteps.StartStopStep):
    """Runs the media loop; stopping finishes the pictures in hand."""

    name = "seedbank-media"
    queue = "media"

    def include_if(self, parent: Any) -> bool:
        return self.queue in parent.app.amqp.queues.consume_from

    def start(self, _parent: Any) -> None:
        self.loop, self.asked = Media(died=_end_this_worker), False
        worker_shutting_down.connect(self._asked_to_stop, weak=False)
        self.loop.start()

    def _asked_to_stop(self, how: str, exitcode: int, **_: Any) -> None:
        if not self.asked:
            self.asked = True
            _stop_looking(how, exitcode)

    def stop(self, _parent: Any) -> None:
        self.loop.stop(timeout=60)

    def terminate(self, _parent: Any) -> None:
        self.loop.stop(timeout=5)
