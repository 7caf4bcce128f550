-- The catalogue, one document a product.
--
-- The columns beside a document are copies of its fields, there to filter and sort by. Documents
-- are json, not jsonb: they are served as they stand.

CREATE TABLE products_rows (
    build smallint NOT NULL,
    id uuid NOT NULL,
    document json NOT NULL,
    position bigint NOT NULL,
    version bigint NOT NULL,
    status text NOT NULL,
    title text NOT NULL,
    brand text,
    -- The path, the widest name first.
    category text[] NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT products_rows_pkey PRIMARY KEY (build, id)
) WITH (fillfactor = 80);
CREATE INDEX products_rows_created ON products_rows (build, created_at, id);
CREATE INDEX products_rows_status_created ON products_rows (build, status, created_at, id);
CREATE INDEX products_rows_status_title ON products_rows (build, status, title, id);
CREATE INDEX products_rows_brand_created ON products_rows (build, brand, created_at, id)
    WHERE brand IS NOT NULL;
CREATE INDEX products_rows_category ON products_rows USING gin (category);

CREATE VIEW products AS
SELECT id, document, position, version, status, title, brand, category, created_at, updated_at
FROM products_rows
WHERE build = (SELECT active_build FROM projections WHERE name = 'products');
