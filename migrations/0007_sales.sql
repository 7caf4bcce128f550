-- Sales, one document a day (UTC) and currency.

CREATE TABLE sales_rows (
    build smallint NOT NULL,
    -- The day and the currency: 2026-03-01-EUR.
    id text COLLATE "C" NOT NULL,
    document json NOT NULL,
    position bigint NOT NULL,
    -- Events folded: a day has no stream of its own.
    version bigint NOT NULL,
    day date NOT NULL,
    currency text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT sales_rows_pkey PRIMARY KEY (build, id)
) WITH (fillfactor = 70);
CREATE INDEX sales_rows_day ON sales_rows (build, day, currency);

CREATE VIEW sales AS
SELECT id, document, position, version, day, currency, created_at, updated_at
FROM sales_rows
WHERE build = (SELECT active_build FROM projections WHERE name = 'sales');

-- What must be remembered of an order so that one that was cancelled and refunded is taken off the
-- day's net once. Nobody reads it but the projection.
CREATE TABLE sales_orders_rows (
    build smallint NOT NULL,
    id uuid NOT NULL,
    document json NOT NULL,
    CONSTRAINT sales_orders_rows_pkey PRIMARY KEY (build, id)
) WITH (fillfactor = 80);
