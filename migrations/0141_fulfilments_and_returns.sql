-- Parcels and returns by themselves, beside those in their orders' documents: for lists of what is
-- to be packed, sent, looked at.
CREATE TABLE fulfilments_rows (
    build smallint NOT NULL,
    id uuid NOT NULL,
    document json NOT NULL,
    position bigint NOT NULL,
    version bigint NOT NULL,
    order_id uuid NOT NULL,
    status text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT fulfilments_rows_pkey PRIMARY KEY (build, id)
) WITH (fillfactor = 70);
CREATE INDEX fulfilments_rows_order ON fulfilments_rows (build, order_id);
CREATE INDEX fulfilments_rows_created ON fulfilments_rows (build, created_at, id);
CREATE INDEX fulfilments_rows_status_created ON fulfilments_rows (build, status, created_at, id);

CREATE VIEW fulfilments AS
SELECT id, document, position, version, order_id, status, created_at, updated_at, build
FROM fulfilments_rows
WHERE build = (SELECT active_build FROM projections WHERE name = 'fulfilments');

CREATE TABLE returns_rows (
    build smallint NOT NULL,
    id uuid NOT NULL,
    document json NOT NULL,
    position bigint NOT NULL,
    version bigint NOT NULL,
    order_id uuid NOT NULL,
    status text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT returns_rows_pkey PRIMARY KEY (build, id)
) WITH (fillfactor = 70);
CREATE INDEX returns_rows_order ON returns_rows (build, order_id);
CREATE INDEX returns_rows_created ON returns_rows (build, created_at, id);
CREATE INDEX returns_rows_status_created ON returns_rows (build, status, created_at, id);

CREATE VIEW returns AS
SELECT id, document, position, version, order_id, status, created_at, updated_at, build
FROM returns_rows
WHERE build = (SELECT active_build FROM projections WHERE name = 'returns');
