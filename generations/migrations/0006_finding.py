"""Months become facets, so that a search can go back in time; pictures leave the trash for good."""

from __future__ import annotations

import django.contrib.postgres.indexes
import django.db.models.deletion
import uuid6
from django.conf import settings
from django.db import migrations, models
from django.db.models.functions import Now

# One expression without a query inside: PostgreSQL puts it into the statement that uses it.
ASPECT = """
CREATE OR REPLACE FUNCTION generations_aspect(width integer, height integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  -- Gateways round to whole blocks of pixels: 3 % either way is the same shape.
  SELECT CASE
    WHEN height < 1 THEN 'other'
    WHEN width * 100.0 / height BETWEEN 97 AND 103 THEN '1:1'
    WHEN width * 300.0 / height BETWEEN 388 AND 412 THEN '4:3'
    WHEN width * 400.0 / height BETWEEN 291 AND 309 THEN '3:4'
    WHEN width * 900.0 / height BETWEEN 1552 AND 1648 THEN '16:9'
    WHEN width * 1600.0 / height BETWEEN 873 AND 927 THEN '9:16'
    WHEN width * 200.0 / height BETWEEN 291 AND 309 THEN '3:2'
    WHEN width * 300.0 / height BETWEEN 194 AND 206 THEN '2:3'
    WHEN width * 900.0 / height BETWEEN 2037 AND 2163 THEN '21:9'
    ELSE 'other' END
$$
"""

MONTH = """
CREATE FUNCTION generations_month(id uuid) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  -- A UUIDv7 begins with 48 bits of milliseconds.
  SELECT to_char(to_timestamp(
    ('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM')
$$
"""

TERMS = """
CREATE OR REPLACE FUNCTION generations_asset_terms() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.purged_at IS NOT NULL THEN
    NEW.terms := NULL;
    RETURN NEW;
  END IF;
  NEW.terms := array_to_tsvector(
    ARRAY(SELECT term FROM unnest(tsvector_to_array(coalesce(NEW.terms, ''::tsvector))) term
          WHERE left(term, 1) <> '=')
    || ARRAY[
      -- Which project's month, and whether in its trash: one short list of the index that lies together.
      CASE WHEN NEW.trashed_at IS NULL THEN '=kept:' ELSE '=trashed:' END
        || NEW.project_id || ':' || generations_month(NEW.id),
      '=month:' || generations_month(NEW.id),
      '=user:' || NEW.user_id,
      '=kind:' || NEW.kind,
      '=rating:' || NEW.rating,
      '=aspect:' || generations_aspect(NEW.width, NEW.height)]
    || CASE WHEN NEW.provider = '' THEN '{}' ELSE ARRAY['=provider:' || NEW.provider] END
    || CASE WHEN NEW.model = '' THEN '{}' ELSE ARRAY['=model:' || NEW.model] END
    || ARRAY(SELECT '=tag:' || tag FROM unnest(NEW.tags) tag)
    || ARRAY(SELECT '=favorite:' || person FROM unnest(NEW.favorite_of) person));
  RETURN NEW;
END $$
"""

TRIGGER = """
DROP TRIGGER asset_terms ON generations_asset;
CREATE TRIGGER asset_terms BEFORE INSERT OR UPDATE OF
  terms, project_id, user_id, kind, rating, provider, model, tags, favorite_of, trashed_at, purged_at,
  width, height
ON generations_asset FOR EACH ROW EXECUTE FUNCTION generations_asset_terms()
"""


class Migration(migrations.Migration):
    dependencies = [
        ("generations", "0005_terms"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Copying",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid6.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("due_at", models.DateTimeField(db_default=Now())),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.project"
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="copyings",
                        to="generations.asset",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.AddIndex(model_name="copying", index=models.Index(fields=["due_at"], name="copying_due")),
        migrations.AddField(
            model_name="asset",
            name="purged_at",
            field=models.DateTimeField(null=True, help_text="When it was hidden for ever; its row stays"),
        ),
        migrations.AddField(
            model_name="asset",
            name="gone_at",
            field=models.DateTimeField(null=True, help_text="When its objects were deleted, after that"),
        ),
        migrations.RunSQL(ASPECT, migrations.RunSQL.noop),
        migrations.RunSQL(MONTH, "DROP FUNCTION generations_month(uuid)"),
        migrations.RunSQL(TERMS, migrations.RunSQL.noop),
        migrations.RunSQL(TRIGGER, migrations.RunSQL.noop),
        migrations.RunSQL("UPDATE generations_asset SET terms = terms", migrations.RunSQL.noop),
        # No plan rests on how common a term is; two thousand values of statistics take minutes to gather.
        migrations.RunSQL(
            "ALTER TABLE generations_asset ALTER COLUMN terms SET STATISTICS 200",
            "ALTER TABLE generations_asset ALTER COLUMN terms SET STATISTICS 2000",
        ),
        migrations.RemoveIndex(model_name="asset", name="asset_terms"),
        migrations.AddIndex(
            model_name="asset",
            index=django.contrib.postgres.indexes.GinIndex(
                fastupdate=False, fields=["terms"], name="asset_terms"
            ),
        ),
        migrations.RemoveIndex(model_name="asset", name="asset_library"),
        migrations.AddIndex(
            model_name="asset",
            index=models.Index(
                condition=models.Q(trashed_at=None), fields=["project", "id"], name="asset_library"
            ),
        ),
        migrations.AddIndex(
            model_name="asset",
            index=models.Index(
                condition=models.Q(trashed_at__isnull=False, purged_at=None),
                fields=["project", "id"],
                name="asset_trash",
            ),
        ),
        migrations.AddIndex(
            model_name="asset",
            index=models.Index(
                condition=models.Q(trashed_at__isnull=False, gone_at=None),
                fields=["trashed_at"],
                name="asset_to_purge",
            ),
        ),
    ]
