"""How many groups spending falls into, so that a month of a million transfers is summed without sorting them."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("billing", "0006_sandbox")]

    operations = [
        migrations.RunSQL(
            "CREATE STATISTICS transfer_groups (ndistinct) ON wallet_id, project_id, provider, model,"
            " ((created_at AT TIME ZONE 'UTC')::date) FROM billing_transfer",
            "DROP STATISTICS transfer_groups",
        )
    ]
