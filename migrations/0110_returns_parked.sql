-- A return that is parked makes its order late too, as payments and parcels do: orders are made of
-- returns as well, and this function did not know them.
--
-- The first parked stream with events up to `wanted` that a document lacks: its own, or if it is an
-- order that of one of its parts, which its own events name. A line for each kind of part; a test
-- asks for all that the projection of orders reads. Nothing is looked up but the empty table while
-- nothing is parked.
CREATE OR REPLACE FUNCTION parked_of(of_projection text, of_stream text, wanted bigint)
RETURNS TABLE (stream text, "position" bigint) LANGUAGE sql STABLE AS $$
    SELECT k.stream, k.position FROM parked_streams k
    WHERE k.projection = of_projection AND k.position <= wanted
      AND k.build = (SELECT active_build FROM projections WHERE name = of_projection)
      AND (k.stream = of_stream OR k.stream = ANY (ARRAY(
          SELECT part.category || '-' || (e.data ->> part.named)
          FROM events e JOIN (VALUES
              ('order.payment_started', 'payment', 'payment_id'),
              ('order.fulfilment_planned', 'fulfilment', 'fulfilment_id'),
              ('order.return_opened', 'return', 'return_id')
          ) AS part (type, category, named) ON part.type = e.type
          WHERE of_stream LIKE 'order-%' AND e.stream = of_stream)))
    ORDER BY k.position LIMIT 1
$$;
