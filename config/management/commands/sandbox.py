"""`manage.py sandbox`: the five sandbox gateways alone."""

from __future__ import annotations

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from providers.sandbox import server


class Command(BaseCommand):
    help = "Runs the five sandbox gateways on this machine: pictures and money there are not real."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--port",
            type=int,
            default=settings.SANDBOX_PORT,
            help="the control page's port; the gateways listen on the next five (default: %(default)s)",
        )
        parser.add_argument(
            "--latency",
            type=float,
            default=settings.SANDBOX_LATENCY,
            help="seconds a picture takes (default: %(default)s)",
        )

    def handle(self, *, port: int, latency: float, **_: object) -> None:
        server.run("127.0.0.1", port, latency)
