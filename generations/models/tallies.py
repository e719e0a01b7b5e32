"""Counting whole projects beforehand where that takes too long for a page: seconds for a million."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import connection, transaction

from accounts import rows
from generations.models.collection import Tally

LARGE = 10_000
EVERY = timedelta(minutes=10)
"""A project is counted no more often than this."""

# A project is due when it is large and something was made or done in it since it was counted.
# Whether one that was never counted is large is asked only while something happens there.
_DUE = """
SELECT project.id FROM accounts_project AS project
LEFT JOIN LATERAL (
  SELECT counted_at AS at FROM generations_tally WHERE project_id = project.id AND facet = 'pictures'
) AS counted ON true
LEFT JOIN LATERAL (
  SELECT created_at AS at FROM generations_asset WHERE project_id = project.id AND trashed_at IS NULL
  ORDER BY id DESC LIMIT 1) AS newest ON true
LEFT JOIN LATERAL (
  SELECT at FROM accounts_auditevent WHERE project_id = project.id ORDER BY id DESC LIMIT 1) AS done ON true
WHERE greatest(newest.at, done.at) > coalesce(counted.at, now() - interval '1 hour')
AND CASE WHEN counted.at IS NULL THEN (
    SELECT count(*) > %(large)s FROM (SELECT 1 FROM generations_asset
      WHERE project_id = project.id AND trashed_at IS NULL LIMIT %(large)s + 1) AS sample)
  ELSE counted.at < statement_timestamp() - %(every)s::interval END
ORDER BY counted.at NULLS FIRST LIMIT 1
"""

_COUNT = """
INSERT INTO generations_tally (project_id, facet, value, pictures, counted_at)
SELECT %(project)s, facet, value, pictures, statement_timestamp() FROM (
  SELECT CASE WHEN grouping(user_id) = 0 THEN 'user' WHEN grouping(provider) = 0 THEN 'provider'
      WHEN grouping(model) = 0 THEN 'model' WHEN grouping(kind) = 0 THEN 'kind'
      WHEN grouping(rating) = 0 THEN 'rating' WHEN grouping(aspect) = 0 THEN 'aspect'
      WHEN grouping(month) = 0 THEN 'month' ELSE 'pictures' END AS facet,
    coalesce(user_id::text, provider, model, kind, rating::text, aspect, month, '') AS value,
    count(*) AS pictures
  FROM (SELECT user_id, provider, model, kind, rating, generations_aspect(width, height) AS aspect,
      generations_month(id) AS month FROM generations_asset
      WHERE project_id = %(project)s AND trashed_at IS NULL) AS kept
  GROUP BY GROUPING SETS ((user_id), (provider), (model), (kind), (rating), (aspect), (month), ())
  UNION ALL
  SELECT 'tag', tag, count(*) FROM generations_asset, unnest(tags) AS tag
  WHERE project_id = %(project)s AND trashed_at IS NULL GROUP BY tag
  UNION ALL
  SELECT 'favorite', person::text, count(*) FROM generations_asset, unnest(favorite_of) AS person
  WHERE project_id = %(project)s AND trashed_at IS NULL GROUP BY person
  UNION ALL
  SELECT 'collection', item.collection_id::text, count(*) FROM generations_collectionitem AS item
  JOIN generations_collection AS collection ON collection.id = item.collection_id
  JOIN generations_asset AS asset ON asset.id = item.asset_id
  WHERE collection.project_id = %(project)s AND collection.deleted_at IS NULL AND asset.trashed_at IS NULL
  GROUP BY item.collection_id
) AS counted
WHERE pictures > 0 AND NOT (facet IN ('provider', 'model') AND value = '')
"""


def recount() -> UUID | None:
    """Count the one project that has waited longest, if any is due; which it was."""
    found = rows.read(_DUE, {"large": LARGE, "every": EVERY})
    if not found:
        return None
    project: UUID = found[0][0]
    count(project)
    return project


@transaction.atomic
def count(project: UUID) -> None:
    """Count one project. Two at once leave the later count; one that became small has none."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '10min'")
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))", [f"tally {project}"])
        Tally.objects.filter(project_id=project).delete()
        cursor.execute(_COUNT, {"project": project})
        total = Tally.objects.filter(project_id=project, facet="pictures").first()
        if total is None or total.pictures <= LARGE:
            Tally.objects.filter(project_id=project).delete()
