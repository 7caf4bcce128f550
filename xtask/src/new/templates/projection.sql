-- The read model `quince`: one document a damson. Owned by the projector.

CREATE TABLE quince_rows (
    build smallint NOT NULL,
    id uuid NOT NULL,
    document json NOT NULL,
    position bigint NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT quince_rows_pkey PRIMARY KEY (build, id)
) WITH (fillfactor = 70);
CREATE INDEX quince_rows_created ON quince_rows (build, created_at, id);

-- Of the build that readers see.
CREATE VIEW quince AS
SELECT id, document, position, version, created_at, updated_at, build
FROM quince_rows
WHERE build = (SELECT active_build FROM projections WHERE name = 'quince');
