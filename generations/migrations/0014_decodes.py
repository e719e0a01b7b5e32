"""What failed on a picture's way is counted apart from what was decoded and was no picture."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("generations", "0013_taken_back")]

    operations = [
        migrations.AddField(
            model_name="result",
            name="decodes",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        )
    ]
