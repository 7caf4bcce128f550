-- Stock, one document a SKU.

CREATE TABLE stock_rows (
    build smallint NOT NULL,
    -- The SKU.
    id text COLLATE "C" NOT NULL,
    document json NOT NULL,
    position bigint NOT NULL,
    version bigint NOT NULL,
    -- Units over all locations.
    on_hand bigint NOT NULL,
    available bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT stock_rows_pkey PRIMARY KEY (build, id)
) WITH (fillfactor = 70);
CREATE INDEX stock_rows_available ON stock_rows (build, available, id);

CREATE VIEW stock AS
SELECT id, document, position, version, on_hand, available, created_at, updated_at
FROM stock_rows
WHERE build = (SELECT active_build FROM projections WHERE name = 'stock');
