"""Money that moved for samples of the sandbox before it was marked is marked as well.

Transfers are never changed; what is written here was true of them from the first.
"""

from django.db import migrations

MARK = """
ALTER TABLE billing_transfer DISABLE TRIGGER transfer_never_changes;
UPDATE billing_transfer t SET sandbox = true FROM generations_generation g
WHERE g.id = t.generation_id AND g.sandbox;
ALTER TABLE billing_transfer ENABLE TRIGGER transfer_never_changes;
UPDATE billing_hold h SET sandbox = true FROM generations_generation g
WHERE g.id = h.generation_id AND g.sandbox;
"""


class Migration(migrations.Migration):
    dependencies = [("generations", "0019_sent_as"), ("billing", "0006_sandbox")]
    operations = [migrations.RunSQL(MARK, migrations.RunSQL.noop)]
