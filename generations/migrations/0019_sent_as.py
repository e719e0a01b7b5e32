"""What was sent is known by its digest, so that only the same is ever sent once more."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("generations", "0018_seeds")]

    operations = [
        migrations.AddField(
            model_name="submission",
            name="sent_as",
            field=models.CharField(blank=True, db_default="", editable=False, max_length=64),
        )
    ]
