"""How Celery starts and stops the loops: a worker of the queue ``net`` or ``media`` carries one."""

from __future__ import annotations

import logging
from typing import Any

from celery import bootsteps

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
        self.loop = Net()
        self.loop.start()

    def stop(self, _parent: Any) -> None:
        log.info("waiting for the calls on the wire; a second signal gives up")
        try:
            while self.loop.alive:
                self.loop.stop(timeout=0.5)
        except (KeyboardInterrupt, SystemExit):
            self.loop.hurry()
            self.loop.stop(timeout=5)
            raise

    def terminate(self, _parent: Any) -> None:
        self.loop.hurry()
        self.loop.stop(timeout=5)


class MediaStep(bootsteps.StartStopStep):
    """Runs the media loop; stopping finishes the pictures in hand."""

    name = "seedbank-media"
    queue = "media"

    def include_if(self, parent: Any) -> bool:
        return self.queue in parent.app.amqp.queues.consume_from

    def start(self, _parent: Any) -> None:
        self.loop = Media()
        self.loop.start()

    def stop(self, _parent: Any) -> None:
        self.loop.stop(timeout=60)

    def terminate(self, _parent: Any) -> None:
        self.loop.stop(timeout=5)
