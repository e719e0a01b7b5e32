"""Why work failed is kept as a code; its sentence is said anew, in each reader's language."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("generations", "0016_reveals")]
    operations = [migrations.RemoveField(model_name="generation", name="error_message")]
