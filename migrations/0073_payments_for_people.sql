-- Payments that a person has to see to are listed: those of which nobody knows what a gateway did,
-- and those that are disputed. The projector fills the columns; the version of its payments is
-- raised with this, so that they are rebuilt by themselves.
ALTER TABLE payments_rows
    -- Whether the answer to its last request was lost.
    ADD COLUMN unknown boolean NOT NULL DEFAULT false,
    -- How far its latest dispute has come; none where there is none.
    ADD COLUMN dispute text COLLATE "C";
-- Of few payments at a time.
CREATE INDEX payments_rows_unknown ON payments_rows (build, created_at, id) WHERE unknown;
CREATE INDEX payments_rows_dispute ON payments_rows (build, dispute, created_at, id)
    WHERE dispute IS NOT NULL;

CREATE OR REPLACE VIEW payments AS
SELECT id, document, position, version, order_id, method, status, amount, currency, created_at,
       updated_at, build, unknown, dispute
FROM payments_rows
WHERE build = (SELECT active_build FROM projections WHERE name = 'payments');
