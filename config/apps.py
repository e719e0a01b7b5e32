"""Django's entry for this room: whoever sets Django up also gets the Celery app."""

from __future__ import annotations

from django.apps import AppConfig

from config.celery import app


class Config(AppConfig):
    name = "config"
    celery = app
    """Tasks find their app through it: without it they would look for a broker that is nobody's."""
