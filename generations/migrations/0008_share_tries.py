"""How often a shared picture's password was tried in this minute."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("generations", "0007_making")]

    operations = [
        migrations.AddField(
            model_name="sharelink",
            name="tried_minute",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="sharelink",
            name="tries",
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False),
        ),
    ]
