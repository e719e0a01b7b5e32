"""Presets can be taken back after they were deleted; batches that ended are found at once."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("generations", "0006_finding")]

    operations = [
        migrations.RemoveConstraint(model_name="preset", name="preset_one_default"),
        migrations.AddField(model_name="preset", name="deleted_at", field=models.DateTimeField(null=True)),
        migrations.AddConstraint(
            model_name="preset",
            constraint=models.UniqueConstraint(
                condition=models.Q(("deleted_at", None), ("is_default", True)),
                fields=("project",),
                name="preset_one_default",
            ),
        ),
        migrations.AddIndex(
            model_name="batch",
            index=models.Index(
                condition=models.Q(("noticed_at", None)), fields=["id"], name="batch_unnoticed"
            ),
        ),
    ]
