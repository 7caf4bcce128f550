-- Moves a checkpoint from within the statement that writes the rows, so that a batch of events that
-- comes to one statement is one round trip: `... WHERE (SELECT moved($n))`, looked at once, before
-- the first row. Null where the transaction began with it (`move_checkpoint`).
CREATE FUNCTION moved(step jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN step IS NULL OR move_checkpoint(
        step->>'projection', (step->>'build')::smallint, (step->>'slot_from')::smallint,
        (step->>'epoch')::bigint, (step->>'from')::bigint, (step->>'to')::bigint,
        (step->>'term_ms')::bigint);
END
$$;
