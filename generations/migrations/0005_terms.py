"""Facets become terms of the search index, by the database itself: no writer can forget one."""

from __future__ import annotations

from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from generations.models.terms import Words, words_of

ASPECT = """
CREATE FUNCTION generations_aspect(width integer, height integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  -- Gateways round to whole blocks of pixels: 3 % either way is the same shape.
  SELECT coalesce((
    SELECT name FROM (VALUES ('1:1', 1.0), ('4:3', 4/3.0), ('3:4', 3/4.0), ('16:9', 16/9.0), ('9:16', 9/16.0),
                             ('3:2', 3/2.0), ('2:3', 2/3.0), ('21:9', 21/9.0)) shape (name, ratio)
    WHERE width::numeric / nullif(height, 0) BETWEEN ratio * 0.97 AND ratio * 1.03
    ORDER BY abs(width::numeric / height - ratio) LIMIT 1), 'other')
$$
"""

TERMS = """
CREATE FUNCTION generations_asset_terms() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.terms := array_to_tsvector(
    ARRAY(SELECT term FROM unnest(tsvector_to_array(coalesce(NEW.terms, ''::tsvector))) term
          WHERE left(term, 1) <> '=')
    || ARRAY[
      '=project:' || NEW.project_id,
      '=user:' || NEW.user_id,
      '=kind:' || NEW.kind,
      '=rating:' || NEW.rating,
      '=aspect:' || generations_aspect(NEW.width, NEW.height),
      CASE WHEN NEW.trashed_at IS NULL THEN '=kept' ELSE '=trashed' END]
    || CASE WHEN NEW.provider = '' THEN '{}' ELSE ARRAY['=provider:' || NEW.provider] END
    || CASE WHEN NEW.model = '' THEN '{}' ELSE ARRAY['=model:' || NEW.model] END
    || ARRAY(SELECT '=tag:' || tag FROM unnest(NEW.tags) tag)
    || ARRAY(SELECT '=favorite:' || person FROM unnest(NEW.favorite_of) person));
  RETURN NEW;
END $$
"""

TRIGGER = """
CREATE TRIGGER asset_terms BEFORE INSERT OR UPDATE OF
  terms, project_id, user_id, kind, rating, provider, model, tags, favorite_of, trashed_at, width, height
ON generations_asset FOR EACH ROW EXECUTE FUNCTION generations_asset_terms()
"""


def fill(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """Give the pictures that were there before their words."""
    assets: Any = apps.get_model("generations", "Asset").objects
    for asset in assets.only("prompt", "name").iterator(chunk_size=1000):
        assets.filter(id=asset.id).update(terms=Words(words_of(asset.prompt, asset.name)))


class Migration(migrations.Migration):
    dependencies = [("generations", "0004_library")]

    operations = [
        migrations.RunSQL(ASPECT, "DROP FUNCTION generations_aspect(integer, integer)"),
        migrations.RunSQL(TERMS, "DROP FUNCTION generations_asset_terms()"),
        migrations.RunSQL(TRIGGER, "DROP TRIGGER asset_terms ON generations_asset"),
        migrations.RunPython(fill, migrations.RunPython.noop),
        # Which terms are common decides whether the index of terms or that of dates is walked.
        migrations.RunSQL(
            "ALTER TABLE generations_asset ALTER COLUMN terms SET STATISTICS 2000",
            "ALTER TABLE generations_asset ALTER COLUMN terms SET STATISTICS -1",
        ),
    ]
