-- Locations, one document a location.

CREATE TABLE locations_rows (
    build smallint NOT NULL,
    -- The code.
    id text COLLATE "C" NOT NULL,
    document json NOT NULL,
    position bigint NOT NULL,
    version bigint NOT NULL,
    sellable boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT locations_rows_pkey PRIMARY KEY (build, id)
) WITH (fillfactor = 70);

CREATE VIEW locations AS
SELECT id, document, position, version, sellable, created_at, updated_at, build
FROM locations_rows
WHERE build = (SELECT active_build FROM projections WHERE name = 'locations');

-- What is running out, and what was promised beyond what is there.
ALTER TABLE stock_rows
    -- Whether no more units may be sold than the threshold says.
    ADD COLUMN low boolean NOT NULL DEFAULT false,
    -- Units promised that are not there.
    ADD COLUMN short bigint NOT NULL DEFAULT 0;
CREATE INDEX stock_rows_low ON stock_rows (build, id) WHERE low;
CREATE INDEX stock_rows_short ON stock_rows (build, id) WHERE short > 0;

CREATE OR REPLACE VIEW stock AS
SELECT id, document, position, version, on_hand, available, created_at, updated_at, build, low,
       short
FROM stock_rows
WHERE build = (SELECT active_build FROM projections WHERE name = 'stock');
