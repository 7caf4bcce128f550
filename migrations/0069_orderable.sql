-- Whether a SKU can be had at all, now or later, as everybody may see it: some are sold beyond what
-- is there. A document of before lacks the figure, for nobody had set it.
CREATE OR REPLACE VIEW stock_on_offer AS
SELECT s.id, shown.available,
       json_build_object('id', s.id, 'in_stock', shown.available > 0,
                         'available', shown.available, 'or_more', known.available > 10,
                         'orderable', known.available + known.beyond > 0) AS document
FROM search_stock_rows s
CROSS JOIN LATERAL (SELECT (s.document ->> 'units')::bigint AS available,
                           coalesce((s.document ->> 'backorder_max')::bigint, 0) AS beyond) AS known
CROSS JOIN LATERAL (SELECT least(greatest(known.available, 0), 10) AS available) AS shown
JOIN search_documents_rows d ON d.build = s.build AND d.id = (s.document ->> 'product_id')::uuid
WHERE s.build = (SELECT active_build FROM projections WHERE name = 'search') AND d.listed;
