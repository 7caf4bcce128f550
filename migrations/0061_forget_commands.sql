-- What a command came to is kept for a term, and then forgotten: a few pages of the table at a
-- time, one stretch after the other, round and round. Owned by event-store.
--
-- By pages and not by an index on the time: an append would pay for that with every command, and
-- this costs it nothing. Not by partitions either: the key must be unique over all of them, for it
-- is by its key that a second try is found (docs/decisions/0022-answers-are-swept.md).

CREATE TABLE commands_sweep (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    -- The page of `commands` that is looked at next.
    page bigint NOT NULL DEFAULT 0
);
INSERT INTO commands_sweep DEFAULT VALUES;

-- Looks at the next `pages` of the table and forgets what is older than its term; nothing, where
-- somebody else is at it. Commands without a key (`g:`) are asked for by the writer alone, in the
-- seconds after it lost sight of them. What an import did is not forgotten: its files come again
-- after months, and nothing in them says that they were read before.
CREATE FUNCTION forget_commands(kept interval, kept_without_key interval, pages integer)
RETURNS TABLE (forgotten bigint, table_pages bigint) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    first bigint;
BEGIN
    -- What is lost is forgotten once more: not worth waiting for the disk.
    PERFORM set_config('synchronous_commit', 'off', true);
    SELECT page INTO first FROM commands_sweep FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    table_pages := pg_relation_size('commands') / current_setting('block_size')::bigint;
    IF first >= table_pages THEN
        first := 0;
    END IF;
    DELETE FROM commands
    WHERE ctid >= format('(%s,0)', first)::tid AND ctid < format('(%s,0)', first + pages)::tid
      AND NOT (key >= 'import:' AND key < 'import;')
      AND recorded_at < now() - CASE WHEN key >= 'g:' AND key < 'g;' THEN kept_without_key
                                     ELSE kept END;
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    UPDATE commands_sweep SET page = first + pages;
    RETURN NEXT;
END
$$;

-- For writers alone (0032), and by the function alone.
REVOKE EXECUTE ON FUNCTION forget_commands(interval, interval, integer) FROM PUBLIC;
DO $$
DECLARE
    role text;
BEGIN
    FOR role IN SELECT rolname FROM pg_roles
                WHERE rolname IN ('commerce_projector', 'commerce_reader', 'commerce_analyst') LOOP
        EXECUTE format('REVOKE ALL ON commands_sweep FROM %I', role);
    END LOOP;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'commerce_writer') THEN
        GRANT EXECUTE ON FUNCTION forget_commands(interval, interval, integer) TO commerce_writer;
    END IF;
END
$$;
