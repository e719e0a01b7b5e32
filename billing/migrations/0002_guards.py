"""Transfers and prices are never changed: the database refuses, whoever asks."""

from django.db import migrations

GUARD = """
CREATE FUNCTION billing_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% on % is refused: book another row instead', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER transfer_never_changes BEFORE UPDATE OR DELETE ON billing_transfer
  FOR EACH ROW EXECUTE FUNCTION billing_refuse_change();
CREATE TRIGGER transfer_never_truncated BEFORE TRUNCATE ON billing_transfer
  FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse_change();
CREATE TRIGGER hold_never_deleted BEFORE DELETE ON billing_hold
  FOR EACH ROW EXECUTE FUNCTION billing_refuse_change();
CREATE TRIGGER price_never_changes BEFORE UPDATE OF model, provider, unit, effective_from OR DELETE
  ON billing_price FOR EACH ROW EXECUTE FUNCTION billing_refuse_change();
CREATE TRIGGER price_never_truncated BEFORE TRUNCATE ON billing_price
  FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse_change();

CREATE FUNCTION billing_hold_settles_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.settled_at IS NOT NULL AND (NEW.settled_at, NEW.captured) IS DISTINCT FROM (OLD.settled_at, OLD.captured)
     OR (NEW.amount, NEW.wallet_id, NEW.generation_id) IS DISTINCT FROM (OLD.amount, OLD.wallet_id, OLD.generation_id)
  THEN
    RAISE EXCEPTION 'a hold is settled once and its amount never changes' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER hold_settles_once BEFORE UPDATE ON billing_hold
  FOR EACH ROW EXECUTE FUNCTION billing_hold_settles_once();

ALTER TABLE billing_wallet SET (fillfactor = 70);
"""

UNDO = """
ALTER TABLE billing_wallet RESET (fillfactor);
DROP TRIGGER hold_settles_once ON billing_hold;
DROP TRIGGER price_never_truncated ON billing_price;
DROP TRIGGER price_never_changes ON billing_price;
DROP TRIGGER hold_never_deleted ON billing_hold;
DROP TRIGGER transfer_never_truncated ON billing_transfer;
DROP TRIGGER transfer_never_changes ON billing_transfer;
DROP FUNCTION billing_hold_settles_once();
DROP FUNCTION billing_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]
    operations = [migrations.RunSQL(GUARD, UNDO)]
