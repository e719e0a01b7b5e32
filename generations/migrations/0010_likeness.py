"""Pictures are found by what they look like; converted pictures are kept for a while."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Now

# Of two likenesses at most 10 bits apart, one of the four bands of 16 bits is at most 2 bits apart.
BANDS = [
    (
        f"CREATE INDEX asset_alike_{band} ON generations_asset (((likeness >> {16 * band}) & 65535)) "
        "WHERE likeness <> 0",
        f"DROP INDEX asset_alike_{band}",
    )
    for band in range(4)
]
LEFT = (
    "CREATE INDEX asset_to_liken ON generations_asset (id) WHERE likeness IS NULL AND purged_at IS NULL",
    "DROP INDEX asset_to_liken",
)


class Migration(migrations.Migration):
    dependencies = [("generations", "0009_noticing")]

    operations = [
        migrations.CreateModel(
            name="Conversion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(max_length=340, unique=True)),
                ("bytes", models.BigIntegerField(db_default=0, default=0)),
                ("used_at", models.DateTimeField(db_default=Now())),
                (
                    "asset",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="conversions",
                        to="generations.asset",
                    ),
                ),
            ],
            options={"indexes": [models.Index(fields=["used_at"], name="conversion_used")]},
        ),
        *(migrations.RunSQL(forward, backward) for forward, backward in [*BANDS, LEFT]),
    ]
