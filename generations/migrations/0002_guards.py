"""States follow their arrows: the database refuses every other change, whoever asks.

The arrows are those of ``generations.states`` when this was written; a test compares them.
"""

from django.db import migrations

ARROWS = {
    "generation": {
        **{
            before: [
                after
                for after in (
                    "queued", "running", "storing", "unresolved", "succeeded", "failed", "canceled",
                )
                if after != before
            ]
            for before in ("queued", "running", "storing", "unresolved")
        },
    },
    "submission": {
        "planned": ["sending", "refused", "canceled"],
        "sending": ["planned", "running", "storing", "refused", "failed", "unknown"],
        "running": ["storing", "failed", "unknown"],
        "unknown": ["running", "storing", "refused", "failed", "abandoned"],
        "storing": ["done", "failed"],
        "abandoned": ["running", "storing"],
        "refused": ["storing"],
        "failed": ["storing"],
    },
    "result": {
        "pending": ["fetched", "lost", "rejected"],
        "fetched": ["stored", "rejected", "lost", "pending"],
    },
}  # fmt: skip


def guard(name: str, column: str) -> str:
    pairs = ", ".join(f"'{before}>{after}'" for before, afters in ARROWS[name].items() for after in afters)
    return f"""
CREATE FUNCTION {name}_follows_arrows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.{column} || '>' || NEW.{column} NOT IN ({pairs}) THEN
    RAISE EXCEPTION '{name}: no arrow % to %', OLD.{column}, NEW.{column} USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER {name}_follows_arrows BEFORE UPDATE OF {column} ON generations_{name}
  FOR EACH ROW WHEN (OLD.{column} IS DISTINCT FROM NEW.{column})
  EXECUTE FUNCTION {name}_follows_arrows();
"""


def undo(name: str) -> str:
    return f"""
DROP TRIGGER {name}_follows_arrows ON generations_{name};
DROP FUNCTION {name}_follows_arrows();
"""


class Migration(migrations.Migration):
    dependencies = [("generations", "0001_initial")]
    operations = [
        migrations.RunSQL(guard(name, column), undo(name))
        for name, column in (("generation", "status"), ("submission", "state"), ("result", "state"))
    ]
