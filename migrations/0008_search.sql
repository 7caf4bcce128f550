-- The searchable catalogue: what Meilisearch holds, and what Postgres searches in its place while
-- it is away.

CREATE TABLE search_documents_rows (
    build smallint NOT NULL,
    -- The product.
    id uuid NOT NULL,
    document json NOT NULL,
    position bigint NOT NULL,
    version bigint NOT NULL,
    -- Whether it is to be found: only what is published.
    listed boolean NOT NULL,
    in_stock boolean NOT NULL,
    -- Changed since Meilisearch last had it, and how often it has changed: only the revision that
    -- Meilisearch has taken is clean.
    dirty boolean NOT NULL,
    revision bigint NOT NULL DEFAULT 1,
    -- While it is dirty: Meilisearch may lack what happened to it from this position on. 0 if it may
    -- lack the document altogether, because it has lost its index.
    dirty_from bigint NOT NULL DEFAULT 0,
    -- Why Meilisearch will never take this revision; then it is not dirty.
    refused text,
    title text NOT NULL,
    brand text,
    category text[] NOT NULL,
    words tsvector NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT search_documents_rows_pkey PRIMARY KEY (build, id)
) WITH (fillfactor = 80);
CREATE INDEX search_documents_rows_dirty ON search_documents_rows (build, id) WHERE dirty;
CREATE INDEX search_documents_rows_dirty_from ON search_documents_rows (build, dirty_from)
    WHERE dirty;
-- To be counted, and compared with what Meilisearch holds.
CREATE INDEX search_documents_rows_sent ON search_documents_rows (build)
    WHERE listed AND NOT dirty AND refused IS NULL;
CREATE INDEX search_documents_rows_refused ON search_documents_rows (build, id)
    WHERE refused IS NOT NULL;
CREATE INDEX search_documents_rows_listed ON search_documents_rows (build, created_at, id)
    WHERE listed;
CREATE INDEX search_documents_rows_words ON search_documents_rows USING gin (words);

CREATE VIEW search_documents AS
SELECT id, document, position, version, listed, in_stock, dirty, dirty_from, refused, title, brand,
       category, words, created_at, updated_at
FROM search_documents_rows
WHERE build = (SELECT active_build FROM projections WHERE name = 'search');

-- Whose each SKU is and how many units of it may be sold. Nobody reads it but the projection.
CREATE TABLE search_stock_rows (
    build smallint NOT NULL,
    -- The SKU.
    id text COLLATE "C" NOT NULL,
    document json NOT NULL,
    CONSTRAINT search_stock_rows_pkey PRIMARY KEY (build, id)
) WITH (fillfactor = 80);
