-- What Postgres filters and sorts by while it searches in Meilisearch's place: columns, instead of
-- taking the JSON of every document apart on the server that appends. The projector fills them; the
-- version of its search projection is raised with this, so that it is rebuilt by itself.
ALTER TABLE search_documents_rows
    -- Brand, category names, attributes and options, folded as Meilisearch folds them.
    ADD COLUMN keys text[] COLLATE "C" NOT NULL DEFAULT '{}',
    -- The lowest price by currency.
    ADD COLUMN price jsonb NOT NULL DEFAULT '{}',
    -- The folded title.
    ADD COLUMN title_key text COLLATE "C" NOT NULL DEFAULT '',
    -- Seconds since 1970, as Meilisearch sorts.
    ADD COLUMN created_ts bigint NOT NULL DEFAULT 0;
CREATE INDEX search_documents_rows_keys ON search_documents_rows USING gin (keys);
CREATE INDEX search_documents_rows_listed_created ON search_documents_rows (build, created_ts, id)
    WHERE listed;
CREATE INDEX search_documents_rows_listed_title ON search_documents_rows (build, title_key, id)
    WHERE listed;

CREATE OR REPLACE VIEW search_documents AS
SELECT id, document, position, version, listed, in_stock, dirty, dirty_from, refused, title, brand,
       category, words, created_at, updated_at, keys, price, title_key, created_ts
FROM search_documents_rows
WHERE build = (SELECT active_build FROM projections WHERE name = 'search');

-- Stock as everybody may see it: of SKUs that a published product sells, without how many there are
-- beyond ten, for that and its changes tell what a shop sells.
CREATE VIEW stock_on_offer AS
SELECT s.id, shown.available,
       json_build_object('id', s.id, 'in_stock', shown.available > 0,
                         'available', shown.available, 'or_more', known.available > 10) AS document
FROM search_stock_rows s
CROSS JOIN LATERAL (SELECT (s.document ->> 'units')::bigint AS available) AS known
CROSS JOIN LATERAL (SELECT least(greatest(known.available, 0), 10) AS available) AS shown
JOIN search_documents_rows d ON d.build = s.build AND d.id = (s.document ->> 'product_id')::uuid
WHERE s.build = (SELECT active_build FROM projections WHERE name = 'search') AND d.listed;
