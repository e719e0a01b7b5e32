"""What was put back to be sent again is followed instead, if its provider has it after all."""

from importlib import import_module

from django.db import migrations

FOLLOWED = import_module("generations.migrations.0012_followed")
BEFORE = FOLLOWED.ARROWS["submission"]
ARROWS = {"submission": {**BEFORE, "planned": ["sending", "running", "refused", "canceled"]}}


class Migration(migrations.Migration):
    dependencies = [("generations", "0014_decodes")]
    operations = [migrations.RunSQL(FOLLOWED.function(ARROWS["submission"]), FOLLOWED.function(BEFORE))]
