"""Secrets of webhooks were kept in clear among an account's settings; from here on they are sealed like keys."""

from typing import Any

from django.conf import settings
from django.db import migrations

from providers import sealing


def seal(apps: Any, schema_editor: Any) -> None:
    for account in apps.get_model("providers", "ProviderAccount").objects.all():
        if secret := account.settings.get("webhook_secret"):
            place = f"providers_provideraccount:settings.webhook_secret:{account.pk}"
            sealed = sealing.seal(settings.FIELD_KEYS, str(secret), place)
            account.settings = {**account.settings, "webhook_secret": sealed}
            account.save(update_fields=["settings"])


class Migration(migrations.Migration):
    dependencies = [("providers", "0002_absent")]

    operations = [migrations.RunPython(seal, migrations.RunPython.noop)]
