"""A collection that was deleted can be taken back; moves know people by id, and what is purged is nobody's."""

from django.db import migrations, models

# An address would stay after its person was erased.
BY_ID = """
UPDATE generations_move SET who = person.id::text FROM accounts_user AS person
WHERE who LIKE '%@%' AND who = left(person.email, 80)
"""
# A purged picture is in no index by which a favourite is found.
NOBODYS = """
UPDATE generations_asset SET favorite_of = '{}' WHERE purged_at IS NOT NULL AND favorite_of <> '{}'
"""


class Migration(migrations.Migration):
    dependencies = [("generations", "0012_followed"), ("accounts", "0004_people")]

    operations = [
        migrations.AddField(
            model_name="collection", name="deleted_at", field=models.DateTimeField(null=True)
        ),
        migrations.RunSQL(BY_ID, migrations.RunSQL.noop),
        migrations.RunSQL(NOBODYS, migrations.RunSQL.noop),
    ]
