-- Whether a read is as fresh as was asked, as a part of the statement that reads: both are then of one
-- moment, without a transaction around them. A caller who hangs up between two statements of one would
-- leave its session in a snapshot that grows old under everybody who reads after him.

-- The build of a document belongs to what tells it from others: another one may show it otherwise.
CREATE OR REPLACE VIEW products AS
SELECT id, document, position, version, status, title, brand, category, created_at, updated_at, build
FROM products_rows
WHERE build = (SELECT active_build FROM projections WHERE name = 'products');

CREATE OR REPLACE VIEW stock AS
SELECT id, document, position, version, on_hand, available, created_at, updated_at, build
FROM stock_rows
WHERE build = (SELECT active_build FROM projections WHERE name = 'stock');

CREATE OR REPLACE VIEW carts AS
SELECT id, document, position, version, status, customer_id, created_at, updated_at, build
FROM carts_rows
WHERE build = (SELECT active_build FROM projections WHERE name = 'carts');

CREATE OR REPLACE VIEW orders AS
SELECT id, document, position, version, status, payment_status, fulfilment_status, customer_id,
       total, currency, units, created_at, updated_at, build
FROM orders_rows
WHERE build = (SELECT active_build FROM projections WHERE name = 'orders');

CREATE OR REPLACE VIEW payments AS
SELECT id, document, position, version, order_id, method, status, amount, currency, created_at,
       updated_at, build
FROM payments_rows
WHERE build = (SELECT active_build FROM projections WHERE name = 'payments');

-- Where a projection stands, in one row: which log it is and how far that has come; the position of
-- the slowest slot; and how many streams are parked that had events up to `wanted`.
--
-- Simple enough to become part of the statement that calls it.
CREATE FUNCTION standing(of_projection text, wanted bigint) RETURNS TABLE (
    log_id uuid, head bigint, standby boolean, "position" bigint, parked bigint
) LANGUAGE sql STABLE AS $$
    SELECT h.log_id, h.position, pg_is_in_recovery(),
           coalesce((SELECT min(s.position) FROM projection_slots s
                     WHERE s.projection = of_projection AND s.build = p.active_build), 0::bigint),
           (SELECT count(*) FROM parked_streams k
            WHERE k.projection = of_projection AND k.build = p.active_build AND k.position <= wanted)
    FROM log_head h LEFT JOIN projections p ON p.name = of_projection
$$;

-- The first parked stream with events up to `wanted` that a document lacks: its own, or that of a
-- payment or a parcel if it is an order, whose own events name them. Nothing is looked up but the
-- empty table while nothing is parked.
CREATE FUNCTION parked_of(of_projection text, of_stream text, wanted bigint) RETURNS TABLE (
    stream text, "position" bigint
) LANGUAGE sql STABLE AS $$
    SELECT k.stream, k.position FROM parked_streams k
    WHERE k.projection = of_projection AND k.position <= wanted
      AND k.build = (SELECT active_build FROM projections WHERE name = of_projection)
      AND (k.stream = of_stream OR k.stream = ANY (ARRAY(
          SELECT CASE e.type WHEN 'order.payment_started' THEN 'payment-' || (e.data ->> 'payment_id')
                             ELSE 'fulfilment-' || (e.data ->> 'fulfilment_id') END
          FROM events e
          WHERE of_stream LIKE 'order-%' AND e.stream = of_stream
            AND e.type IN ('order.payment_started', 'order.fulfilment_planned'))))
    ORDER BY k.position LIMIT 1
$$;
