#!/usr/bin/env python
"""Seedbank's command line. In the embedded default it brings the database along."""

import os
import signal
import sys

if not (3, 11) <= sys.version_info[:2] <= (3, 14):
    sys.exit(f"Seedbank needs Python 3.11 to 3.14; this is {sys.version.split()[0]}.")
if sys.platform not in ("linux", "darwin"):
    sys.exit(f"Seedbank runs on Linux and macOS; this is {sys.platform}. Docker or WSL will do.")

from contextlib import nullcontext

from django.conf import settings
from django.core.management import execute_from_command_line

from config.embedded import EmbeddedError, postgres

WITHOUT_DATABASE = {
    *("", "help", "version", "--help", "-h", "--version", "check", "sandbox", "spectacular"),
    *("collectstatic", "findstatic", "diffsettings", "makemessages", "compilemessages"),
}


def main(arguments: list[str]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # A terminated command, too, lets go of the database on its way out.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    asked = arguments[1] if len(arguments) > 1 else ""
    alone = asked in WITHOUT_DATABASE or "--help" in arguments or not settings.EMBEDDED
    try:
        with nullcontext() if alone else postgres.hold(settings.DATA_DIR):
            execute_from_command_line(arguments)
    except EmbeddedError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


if __name__ == "__main__":
    main(sys.argv)
