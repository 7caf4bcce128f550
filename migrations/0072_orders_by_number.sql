-- Orders can be found by the number that people read to each other, and listed by whether money is
-- still to be given back. The projector fills the columns; the version of its orders is raised with
-- this, so that they are rebuilt by themselves.
ALTER TABLE orders_rows
    -- The position at which it was placed.
    ADD COLUMN number bigint NOT NULL DEFAULT 0,
    -- In the currency of its total.
    ADD COLUMN to_refund numeric NOT NULL DEFAULT 0;
CREATE INDEX orders_rows_number ON orders_rows (build, number);
-- Of few orders at a time.
CREATE INDEX orders_rows_to_refund ON orders_rows (build, created_at, id) WHERE to_refund > 0;

CREATE OR REPLACE VIEW orders AS
SELECT id, document, position, version, status, payment_status, fulfilment_status, customer_id,
       total, currency, units, created_at, updated_at, build, number, to_refund
FROM orders_rows
WHERE build = (SELECT active_build FROM projections WHERE name = 'orders');
