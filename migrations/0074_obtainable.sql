-- Checkout takes what may be promised beyond what is there, so a cart has to say so of its lines:
-- `domain/src/page/cart.rs` reads this and says what it means. Older programs pass the figure by.
CREATE OR REPLACE VIEW carts_today AS
SELECT c.id, c.position, c.version, c.build,
       json_build_object('cart', c.document, 'known', CASE WHEN c.status = 'open' THEN (
           SELECT json_agg(json_build_object('sold', p.sold, 'available', coalesce(s.available, 0),
                      'obtainable', greatest(0, coalesce(s.available, 0)
                          + coalesce((s.document ->> 'backorder_max')::bigint, 0)))
                          ORDER BY l.number)
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
