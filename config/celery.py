"""Celery spreads the work over machines; the rows say what the work is."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from celery import Celery
from celery.signals import celeryd_after_setup, import_modules
from django.conf import settings

from config.embedded import letterbox  # noqa: F401 - gives the embedded broker its name

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("seedbank")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.set_default()  # in every thread: the current app is each thread's own


@import_modules.connect
def _carry_loops(sender: Celery, **_: object) -> None:
    """The loops need Django, which is ready once tasks are imported."""
    sender.steps["worker"].update(
        {"generations.engine.bootsteps:NetStep", "generations.engine.bootsteps:MediaStep"}
    )


@celeryd_after_setup.connect
def _only_on_our_own_store(**_: object) -> None:
    """Before a worker's loops begin."""
    from config.deployment import WrongStore, claim_store  # Django is ready by now

    try:
        claim_store()
    except WrongStore as error:
        sys.exit(str(error))


@app.on_after_configure.connect
def _ready(**_: object) -> None:
    """The file system broker wants its folders before the first message."""
    for name in ("data_folder_in", "control_folder"):
        folder = settings.CELERY_BROKER_TRANSPORT_OPTIONS.get(name)
        if folder:
            Path(str(folder)).mkdir(parents=True, exist_ok=True)
