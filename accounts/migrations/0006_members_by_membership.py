from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    """Nothing changes in the database: members are what memberships say."""

    dependencies = [("accounts", "0005_networks")]

    operations = [migrations.RemoveField(model_name="project", name="members")]
