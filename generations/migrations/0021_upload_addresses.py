"""Addresses into which anybody may write are no parameters that are shown: where they were, they are gone."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("generations", "0020_money_for_samples")]

    operations = [
        migrations.RunSQL(
            "UPDATE generations_generation SET parameters = parameters - 'upload_urls'"
            " WHERE parameters ? 'upload_urls'",
            migrations.RunSQL.noop,
        )
    ]
