"""Until now every account of the environment and of the sandbox that was off was so for its absence."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("providers", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="provideraccount",
            name="absent",
            field=models.BooleanField(db_default=False, editable=False),
        ),
        migrations.RunSQL(
            "UPDATE providers_provideraccount SET absent = true WHERE NOT enabled AND source <> 'admin'",
            migrations.RunSQL.noop,
        ),
    ]
