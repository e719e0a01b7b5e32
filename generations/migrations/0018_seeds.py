"""Pictures are found by their seed. The index is built while the library is in use."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("generations", "0017_one_error")]

    operations = [
        AddIndexConcurrently(
            "asset",
            models.Index(
                fields=["project", "seed", "id"],
                condition=models.Q(("seed__isnull", False)),
                name="asset_seed",
            ),
        ),
    ]
