"""A provider that has taken an order on after all is followed, whatever was thought to be its end."""

from collections.abc import Mapping
from importlib import import_module

from django.db import migrations

BEFORE = import_module("generations.migrations.0002_guards").ARROWS["submission"]
ARROWS = {
    "submission": {
        **BEFORE,
        "abandoned": ["unknown", "running", "storing"],
        "refused": ["running", "storing"],
        "failed": ["running", "storing"],
    }
}


def function(arrows: Mapping[str, list[str]]) -> str:
    pairs = ", ".join(f"'{before}>{after}'" for before, afters in arrows.items() for after in afters)
    return f"""
CREATE OR REPLACE FUNCTION submission_follows_arrows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state || '>' || NEW.state NOT IN ({pairs}) THEN
    RAISE EXCEPTION 'submission: no arrow % to %', OLD.state, NEW.state USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("generations", "0011_given_up")]
    operations = [migrations.RunSQL(function(ARROWS["submission"]), function(BEFORE))]
