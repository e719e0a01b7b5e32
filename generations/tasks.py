"""Celery's part: to wake and to spread. What there is to do is in the rows."""

from __future__ import annotations

from celery import shared_task

from generations.engine import alarm, duplicating, noticing, purging, sweeping
from generations.models import tallies


@shared_task(name="generations.tasks.wake_net", expires=60)
def wake_net() -> None:
    """Make this process look for due rows."""
    alarm.ring()


@shared_task(name="generations.tasks.sweep", expires=10)
def sweep() -> None:
    """Beat's round: what nobody is working on is made due again."""
    sweeping.sweep()
    alarm.ring()
    noticing.look_after()


@shared_task(name="generations.tasks.tidy", expires=600)
def tidy() -> None:
    """Beat's hourly round: what the store need not keep any longer goes."""
    sweeping.tidy()
    purging.purge()


@shared_task(name="generations.tasks.keep_house", expires=10)
def keep_house() -> None:
    """Beat's round for what can wait some seconds: copies to be made, large projects to be counted."""
    duplicating.work()
    tallies.recount()


def wake() -> None:
    """Tell some net worker that there is work, without ever waiting for the broker."""
    alarm.publish(wake_net)
