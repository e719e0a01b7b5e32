"""Pictures in another format than they came in, kept for a while so that nobody waits for them twice."""

from __future__ import annotations

import re

from django.db import models
from django.db.models.functions import Now

from generations.models.asset import Asset

_CONVERTED = re.compile(r"-(?:png|jpeg|webp|avif)\d*(?:x\d+)?-v\d+[pn]$")


class Conversion(models.Model):
    """One such object; its row is written before it, so that none is ever forgotten."""

    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="conversions")
    key = models.CharField(max_length=340, unique=True)
    bytes = models.BigIntegerField(default=0, db_default=0)
    used_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["used_at"], name="conversion_used")]

    def __str__(self) -> str:
        return self.key


def converted_key(
    storage_key: str, kind: str, quality: int | None, size: int | None, version: int, *, prompt: bool
) -> str:
    """Where a picture is kept in another format; ``version`` and ``prompt``: of what it says of itself."""
    made = f"{kind}{quality or ''}{f'x{size}' if size else ''}"
    return f"{storage_key}-{made}-v{version}{'p' if prompt else 'n'}"


def unconverted(key: str) -> str:
    """The key of the original that was converted; any other key is itself."""
    return _CONVERTED.sub("", key)
