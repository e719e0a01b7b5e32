"""What every generation ends with, in two statements of ``billing.ledger``.

The hold first, and its budgets, then the transfers, and the wallet last, so that a hot wallet is locked
for as short as may be. It is SQL because the same through the ORM takes six statements.
"""

SETTLED = """
UPDATE billing_hold h SET settled_at = statement_timestamp(), captured = %(captured)s
WHERE generation_id = %(generation)s AND settled_at IS NULL
RETURNING id, amount, EXISTS (SELECT FROM billing_budgetperiod_holds WHERE hold_id = h.id)
"""
BOOKED = """
WITH held AS (SELECT * FROM billing_hold WHERE id = %(hold)s),
moved AS (
  SELECT id, 'capture' AS kind, 'spend:' || provider AS target, amount, provider, model, pictures,
    cost, left(raw, 200) AS raw, elsewhere
  FROM unnest(%(ids)s::uuid[], %(provider)s::text[], %(model)s::text[], %(pictures)s::int[],
    %(amount)s::bigint[], %(provider_cost)s::bigint[], %(provider_cost_raw)s::text[],
    %(elsewhere_cost)s::bigint[]) AS line (id, provider, model, pictures, amount, cost, raw, elsewhere)
  UNION ALL
  SELECT %(release)s::uuid, 'release', 'wallet:available', amount - %(captured)s, '', '', 0, NULL, '', NULL
  FROM held WHERE amount > %(captured)s
), booked AS (
  INSERT INTO billing_transfer (id, kind, wallet_id, hold_id, source, target, amount, memo,
    generation_id, project_id, provider, model, pictures, provider_cost, provider_cost_raw, elsewhere_cost)
  SELECT moved.id, kind, wallet_id, held.id, 'wallet:held', target, moved.amount, '',
    generation_id, project_id, provider, model, pictures, cost, raw, elsewhere FROM moved, held
  RETURNING id
)
UPDATE billing_wallet w SET held = w.held - held.amount, spent = w.spent + %(captured)s,
  available = w.available + held.amount - %(captured)s
FROM held, (SELECT count(*) FROM booked) AS all_booked WHERE w.id = held.wallet_id
RETURNING w.id
"""
