"""`manage.py sandbox`: the five sandbox gateways alone."""

from __future__ import annotations

from argparse import ArgumentTypeError

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from providers.sandbox import server

LAST = 5
"""How far the last gateway's port is from the control page's."""


class Command(BaseCommand):
    help = "Runs the five sandbox gateways on this machine: pictures and money there are not real."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--port",
            type=_port,
            default=settings.SANDBOX_PORT,
            help=f"the first of {LAST + 1} ports in a row: the control page's, then one for each gateway "
            "(default: %(default)s)",
        )
        parser.add_argument(
            "--latency",
            type=_seconds,
            default=settings.SANDBOX_LATENCY,
            help="seconds a picture takes (default: %(default)s)",
        )

    def handle(self, *, port: int, latency: float, **_: object) -> None:
        try:
            server.run("127.0.0.1", port, latency)
        except OSError as error:
            raise CommandError(
                f"The ports {port} to {port + LAST} cannot be used: {error.strerror}."
            ) from None


def _port(text: str) -> int:
    if not text.isdecimal() or len(text) > 5 or not 1 <= int(text) <= 65_535 - LAST:
        raise ArgumentTypeError(f"{text!r} is no whole number from 1 to {65_535 - LAST}.")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 600:
        raise ArgumentTypeError(f"{text!r} is no number from 0 to 600.")
    return seconds
