from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_api_rate")]

    operations = [
        migrations.AddField(
            "user",
            "language",
            models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="As chosen; empty: the browser's",
                max_length=10,
            ),
        ),
        migrations.AddField(
            "user",
            "erased_at",
            models.DateTimeField(
                editable=False,
                help_text="Since then nobody: who they were is gone, what they made stays",
                null=True,
            ),
        ),
    ]
