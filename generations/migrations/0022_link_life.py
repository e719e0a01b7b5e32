"""A result knows when its link dies; those promised before do not, and are fetched in turn."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("generations", "0021_upload_addresses")]

    operations = [
        migrations.AddField(
            model_name="result",
            name="dies_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name="result",
            index=models.Index(
                condition=models.Q(("state", "pending")), fields=["dies_at"], name="result_to_fetch_soon"
            ),
        ),
    ]
