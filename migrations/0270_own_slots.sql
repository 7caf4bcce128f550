-- A document waits for its own slot, a list for the slowest: `of_slot` is NULL for all of them.
CREATE FUNCTION standing(of_projection text, wanted bigint, of_slot smallint)
RETURNS TABLE (log_id uuid, head bigint, standby boolean, "position" bigint, parked bigint)
LANGUAGE sql STABLE AS $$
    SELECT h.log_id, h.position, pg_is_in_recovery(),
           coalesce((SELECT min(s.position) FROM projection_slots s
                     WHERE s.projection = of_projection AND s.build = p.active_build
                       AND (of_slot IS NULL OR of_slot BETWEEN s.slot_from AND s.slot_to)), 0),
           (SELECT count(*) FROM parked_streams k
            WHERE k.projection = of_projection AND k.build = p.active_build
              AND k.position <= wanted)
    FROM log_head h LEFT JOIN projections p ON p.name = of_projection
$$;
