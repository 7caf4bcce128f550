-- Carts, one document each.

CREATE TABLE carts_rows (
    build smallint NOT NULL,
    id uuid NOT NULL,
    document json NOT NULL,
    position bigint NOT NULL,
    version bigint NOT NULL,
    status text NOT NULL,
    customer_id uuid,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT carts_rows_pkey PRIMARY KEY (build, id)
) WITH (fillfactor = 70);
CREATE INDEX carts_rows_customer ON carts_rows (build, customer_id, created_at, id)
    WHERE customer_id IS NOT NULL;

CREATE VIEW carts AS
SELECT id, document, position, version, status, customer_id, created_at, updated_at
FROM carts_rows
WHERE build = (SELECT active_build FROM projections WHERE name = 'carts');
