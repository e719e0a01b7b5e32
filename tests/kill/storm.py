"""Chance strikes workers and the database while work goes on; whoever dies is started again."""

from __future__ import annotations

import signal
from collections.abc import Callable
from random import Random

from django.db import OperationalError

from generations.models import Generation
from tests.conftest import Person, eventually
from tests.kill.fleet import Fleet, Process, cut_connections
from tests.kill.stage import GATEWAYS, ask_at, something_moves


class Storm:
    """Two net and two media workers in bad weather; the same seed makes the same weather."""

    def __init__(self, fleet: Fleet, person: Person, seed: int) -> None:
        self.person = person
        self.chance = Random(seed)
        self._starts: list[Callable[[], Process]] = [fleet.net, fleet.net, fleet.media, fleet.media]
        self._workers = [start() for start in self._starts]
        self._paused: set[int] = set()
        self.generations: list[Generation] = []
        self.strikes: list[str] = []

    def blow(self, strikes: int, *, orders: int) -> None:
        """So many strikes; before each some orders are given and something has moved."""
        for _ in range(strikes):
            self.generations += [self._order() for _ in range(orders)]
            something_moves()
            self._strike()

    def calm(self) -> None:
        """Whoever stands still goes on."""
        for place in list(self._paused):
            self._go_on(place)

    def _order(self) -> Generation:
        gateway, count = self.chance.choice(GATEWAYS), self.chance.randint(1, 2)

        def given() -> Generation | None:
            try:
                return ask_at(self.person, gateway, count=count)
            except OperationalError:  # a paused worker has the wallet's row; a person would be told to wait
                return None

        order: Generation = eventually(given, what="an order taken")
        return order

    def _strike(self) -> None:
        place = self.chance.randrange(len(self._workers))
        kind = self.chance.choice(("kill", "kill", "pause", "cut"))
        self.strikes.append(kind)
        if place in self._paused:
            self._go_on(place)
        elif kind == "cut":
            cut_connections()
        elif kind == "pause" and not self._paused:
            self._workers[place].send(signal.SIGSTOP)
            self._paused.add(place)
        else:
            self._workers[place].clear()
            self._workers[place] = self._starts[place]()

    def _go_on(self, place: int) -> None:
        self._workers[place].send(signal.SIGCONT)
        self._paused.discard(place)
