"""What every generation begins with, and what it ends with: statements of ``billing.ledger``.

The hold first, and its budgets, then the transfers, and the wallet last, so that a hot wallet is locked
for as short as may be. It is SQL because the same through the ORM takes three times as many statements.
"""

HELD = """
WITH limited AS (
  SELECT 1 FROM billing_budget WHERE NOT %(reserved)s AND (
    scope = 'person' AND subject_id = %(user)s OR scope = 'project' AND subject_id = %(project)s
    OR scope = 'key' AND subject_id = %(key)s)
), held AS (
  INSERT INTO billing_hold (id, wallet_id, generation_id, project_id, amount, captured, refunded, sandbox)
  SELECT %(hold)s, id, %(generation)s, %(project)s, %(amount)s, 0, 0, %(sandbox)s FROM billing_wallet
  WHERE user_id = %(user)s AND NOT EXISTS (SELECT FROM limited)
  RETURNING id, wallet_id, opened_at
), booked AS (
  INSERT INTO billing_transfer (id, kind, wallet_id, hold_id, source, target, amount, memo,
    generation_id, project_id, provider, model, pictures, provider_cost_raw, sandbox)
  SELECT %(transfer)s, 'hold', wallet_id, id, 'wallet:available', 'wallet:held', %(amount)s, '',
    %(generation)s, %(project)s, %(provider)s, %(model)s, 0, '', %(sandbox)s FROM held
  RETURNING wallet_id
), taken AS (
  UPDATE billing_wallet SET available = available - %(amount)s, held = held + %(amount)s FROM booked
  WHERE id = booked.wallet_id AND available >= %(amount)s RETURNING id
)
SELECT EXISTS (SELECT FROM limited), (SELECT id FROM taken), (SELECT opened_at FROM held)
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
    generation_id, project_id, provider, model, pictures, provider_cost, provider_cost_raw, elsewhere_cost,
    sandbox)
  SELECT moved.id, kind, wallet_id, held.id, 'wallet:held', target, moved.amount, '',
    generation_id, project_id, provider, model, pictures, cost, raw, elsewhere, sandbox FROM moved, held
  RETURNING id
)
UPDATE billing_wallet w SET held = w.held - held.amount, spent = w.spent + %(captured)s,
  available = w.available + held.amount - %(captured)s
FROM held, (SELECT count(*) FROM booked) AS all_booked WHERE w.id = held.wallet_id
RETURNING w.id
"""
