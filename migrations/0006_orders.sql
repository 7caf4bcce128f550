-- Orders with their payments and parcels, one document an order; and payments by themselves.

CREATE TABLE orders_rows (
    build smallint NOT NULL,
    id uuid NOT NULL,
    document json NOT NULL,
    position bigint NOT NULL,
    -- Of the order's own stream.
    version bigint NOT NULL,
    status text NOT NULL,
    payment_status text NOT NULL,
    fulfilment_status text NOT NULL,
    customer_id uuid,
    total numeric NOT NULL,
    currency text NOT NULL,
    units bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT orders_rows_pkey PRIMARY KEY (build, id)
) WITH (fillfactor = 70);
CREATE INDEX orders_rows_created ON orders_rows (build, created_at, id);
CREATE INDEX orders_rows_status_created ON orders_rows (build, status, created_at, id);
CREATE INDEX orders_rows_payment_created ON orders_rows (build, payment_status, created_at, id);
CREATE INDEX orders_rows_fulfilment_created
    ON orders_rows (build, fulfilment_status, created_at, id);
CREATE INDEX orders_rows_total ON orders_rows (build, total, id);
CREATE INDEX orders_rows_customer ON orders_rows (build, customer_id, created_at, id)
    WHERE customer_id IS NOT NULL;

CREATE VIEW orders AS
SELECT id, document, position, version, status, payment_status, fulfilment_status, customer_id,
       total, currency, units, created_at, updated_at
FROM orders_rows
WHERE build = (SELECT active_build FROM projections WHERE name = 'orders');

CREATE TABLE payments_rows (
    build smallint NOT NULL,
    id uuid NOT NULL,
    document json NOT NULL,
    position bigint NOT NULL,
    version bigint NOT NULL,
    order_id uuid NOT NULL,
    method text NOT NULL,
    status text NOT NULL,
    amount numeric NOT NULL,
    currency text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT payments_rows_pkey PRIMARY KEY (build, id)
) WITH (fillfactor = 70);
CREATE INDEX payments_rows_order ON payments_rows (build, order_id);
CREATE INDEX payments_rows_created ON payments_rows (build, created_at, id);
CREATE INDEX payments_rows_status_created ON payments_rows (build, status, created_at, id);

CREATE VIEW payments AS
SELECT id, document, position, version, order_id, method, status, amount, currency, created_at,
       updated_at
FROM payments_rows
WHERE build = (SELECT active_build FROM projections WHERE name = 'payments');
