"""The web process: Django under WSGI, in threads."""

from __future__ import annotations

import os
import sys

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()

from config.deployment import WrongStore, claim_store  # noqa: E402 - Django is ready only now

try:
    claim_store()
except WrongStore as error:
    sys.exit(str(error))
