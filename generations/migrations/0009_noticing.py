"""Which notices are still to be mailed, and which long works their people are still to be told of."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("generations", "0008_share_tries"), ("accounts", "0004_people")]

    operations = [
        migrations.AddField(
            "notice",
            "mailed_at",
            models.DateTimeField(help_text="When it was decided whether to mail it, too", null=True),
        ),
        migrations.AddIndex(
            "notice",
            models.Index(
                condition=models.Q(("kind", "batch_ended"), ("mailed_at", None)),
                fields=["id"],
                name="notice_to_mail",
            ),
        ),
        # Django's own conditions cannot compare two columns with an interval in an index.
        migrations.RunSQL(
            "CREATE INDEX generation_long ON generations_generation (finished_at) "
            "WHERE finished_at - created_at > interval '60 seconds' "
            "AND batch_id IS NULL AND key_id IS NULL",
            "DROP INDEX generation_long",
        ),
    ]
