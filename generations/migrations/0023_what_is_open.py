"""What is open, and what came to nothing, is found without walking through all that was ever made.

The indexes are built while work goes on; those that the new ones replace go afterwards.
"""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

OPEN = ["planned", "running", "sending", "storing", "unknown"]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("generations", "0022_link_life")]

    operations = [
        AddIndexConcurrently(
            "submission",
            models.Index(
                fields=["state", "due_at"],
                condition=models.Q(("state__in", OPEN)),
                name="submission_open",
            ),
        ),
        AddIndexConcurrently(
            "result",
            models.Index(
                fields=["state", "due_at"],
                condition=models.Q(("state__in", ["fetched", "pending"])),
                name="result_waiting",
            ),
        ),
        AddIndexConcurrently(
            "result",
            models.Index(
                fields=["id"], condition=models.Q(("state__in", ["lost", "rejected"])), name="result_broken"
            ),
        ),
        RemoveIndexConcurrently("result", "result_to_fetch"),
        RemoveIndexConcurrently("result", "result_to_decode"),
    ]
