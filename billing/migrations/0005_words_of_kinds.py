"""What people call a transfer; what a program reads is as it was."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0004_elsewhere_cost")]

    operations = [
        migrations.AlterField(
            model_name="transfer",
            name="kind",
            field=models.CharField(
                choices=[
                    ("grant", "Granted"),
                    ("revoke", "Taken back"),
                    ("hold", "Reserved"),
                    ("capture", "Spent"),
                    ("release", "Given back"),
                    ("refund", "Refunded"),
                    ("absorb", "Paid by the platform"),
                ],
                max_length=8,
            ),
        )
    ]
