"""The one row that says which deployment this database belongs to."""

from __future__ import annotations

from uuid import uuid4

from django.db import models


class Deployment(models.Model):
    """Whose pictures a store holds is written in the store; ``claimed`` says that it was."""

    id = models.SmallIntegerField(primary_key=True, default=1, editable=False)
    name = models.UUIDField(default=uuid4, editable=False)
    claimed = models.BooleanField(default=False)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="deployment_is_one")]
