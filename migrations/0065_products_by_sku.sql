-- Products are found by SKU and by barcode, and the lines of an open cart are shown with what they
-- are today. The projector fills the columns; the version of its products goes up with this, so
-- that they are rebuilt by themselves.
ALTER TABLE products_rows
    -- The SKUs it has: none once it is archived and has freed them.
    ADD COLUMN skus text[] COLLATE "C" NOT NULL DEFAULT '{}',
    ADD COLUMN barcodes text[] COLLATE "C" NOT NULL DEFAULT '{}';
CREATE INDEX products_rows_skus ON products_rows USING gin (skus);
CREATE INDEX products_rows_barcodes ON products_rows USING gin (barcodes);

CREATE OR REPLACE VIEW products AS
SELECT id, document, position, version, status, title, brand, category, created_at, updated_at,
       build, title_key, skus, barcodes
FROM products_rows
WHERE build = (SELECT active_build FROM projections WHERE name = 'products');

-- A cart, and of an open one what is known of each line's SKU, in the order of the lines:
-- `domain/src/page/cart.rs` reads it and says what it means.
CREATE VIEW carts_today AS
SELECT c.id, c.position, c.version, c.build,
       json_build_object('cart', c.document, 'known', CASE WHEN c.status = 'open' THEN (
           SELECT json_agg(json_build_object('sold', p.sold, 'available',
                                             coalesce(s.available, 0)) ORDER BY l.number)
           FROM json_array_elements(c.document -> 'lines') WITH ORDINALITY AS l (line, number)
           CROSS JOIN LATERAL (SELECT (l.line ->> 'sku') COLLATE "C" AS sku) AS of
           LEFT JOIN stock s ON s.id = of.sku
           LEFT JOIN LATERAL (
               SELECT json_build_object('product_id', o.id, 'status', o.status, 'title', o.title,
                                        'image', o.document #> '{media,0,url}',
                                        'variant', v.variant) AS sold
               FROM products o
               CROSS JOIN LATERAL json_array_elements(o.document -> 'variants') AS v (variant)
               WHERE o.skus @> ARRAY[of.sku] AND v.variant ->> 'sku' = of.sku
               LIMIT 1
           ) AS p ON true
       ) END) AS document
FROM carts c;
