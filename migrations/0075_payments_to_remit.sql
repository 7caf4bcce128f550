-- What couriers still have to hand over is listed, whatever was paid back meanwhile. The projector
-- fills the column; the version of its payments is raised with this, so that they are rebuilt by
-- themselves.
ALTER TABLE payments_rows ADD COLUMN to_remit boolean NOT NULL DEFAULT false;
CREATE INDEX payments_rows_to_remit ON payments_rows (build, created_at, id) WHERE to_remit;

CREATE OR REPLACE VIEW payments AS
SELECT id, document, position, version, order_id, method, status, amount, currency, created_at,
       updated_at, build, unknown, dispute, to_remit
FROM payments_rows
WHERE build = (SELECT active_build FROM projections WHERE name = 'payments');
