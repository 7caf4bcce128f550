-- Whoever appends learns when it was recorded, and so has his events as the log holds them, without
-- reading them back.

-- Appends one batch in one call to the log `of_log`, decided when it ended at `believed`. Returns
-- the position before the batch and when it was recorded; or nothing but NULL, with nothing
-- written, if something is not as the writer believed: it then takes the head, looks at what is new
-- and calls again. Whoever `holds` the head already does not queue for it once more: behind him in
-- the queue stands somebody who waits for it.
--
-- The log may have grown since: then the streams that were read must still be at the versions they
-- were read at. Without these (NULL) the head itself must not have moved. `guesses` are streams
-- that were taken for empty without a look. What is appended needs no check: a version that is
-- taken, like a key that was seen before, violates a unique constraint.
--
-- The head is locked in a statement of its own, so that the statements after it see everything
-- committed before. The settings make every lookup go by index whatever the statistics say: on
-- young tables the planner would scan them whole, and compile each call for it.
CREATE FUNCTION append_batch(
    of_log uuid, believed bigint, holds boolean,
    read_streams text[], read_versions bigint[], guesses text[],
    keys text[], fingerprints uuid[], outcomes text[], offsets bigint[],
    streams text[], versions bigint[], types text[], schemas smallint[], slots smallint[],
    occurred timestamptz[], metadatas text[], datas text[],
    OUT head bigint, OUT recorded timestamptz
) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
SET jit = off SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
    id uuid;
    stale boolean;
BEGIN
    IF NOT holds THEN
        PERFORM queue_for_head();
    END IF;
    SELECT position, log_id INTO STRICT head, id FROM log_head FOR UPDATE;
    IF id <> of_log THEN
        RAISE EXCEPTION 'this is log %, and no longer %', id, of_log
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;

    IF head <> believed THEN
        IF read_streams IS NULL THEN
            head := NULL;
            RETURN;
        END IF;
        SELECT EXISTS (
            SELECT FROM unnest(read_streams, read_versions) AS read (stream, version)
            WHERE read.version IS DISTINCT FROM coalesce((
                SELECT e.version FROM events e WHERE e.stream = read.stream
                ORDER BY e.version DESC LIMIT 1
            ), 0)
        ) INTO stale;
        IF stale THEN
            head := NULL;
            RETURN;
        END IF;
    END IF;
    IF cardinality(guesses) > 0 THEN
        SELECT EXISTS (
            SELECT FROM unnest(guesses) AS guess (stream)
            WHERE EXISTS (SELECT FROM events e WHERE e.stream = guess.stream)
        ) INTO stale;
        IF stale THEN
            head := NULL;
            RETURN;
        END IF;
    END IF;

    -- One clock for the whole log, whichever process appends. It never goes back, whatever the
    -- clocks of the machines that were primary say.
    recorded := greatest(
        clock_timestamp(), (SELECT e.recorded_at FROM events e WHERE e.position = head)
    );
    INSERT INTO commands (key, fingerprint, outcome, position, recorded_at)
    SELECT key, fingerprint, outcome::json, head + after, recorded
    FROM unnest(keys, fingerprints, outcomes, offsets) AS new (key, fingerprint, outcome, after);

    IF cardinality(streams) > 0 THEN
        PERFORM set_config('commerce.appending', 'on', true);
        INSERT INTO events (position, stream, version, type, schema, slot, occurred_at, recorded_at,
                            metadata, data)
        SELECT head + n, stream, version, type, schema, slot, occurred_at, recorded,
               metadata::json, data::json
        FROM unnest(streams, versions, types, schemas, slots, occurred, metadatas, datas)
            WITH ORDINALITY
            AS new (stream, version, type, schema, slot, occurred_at, metadata, data, n);
        PERFORM set_config('commerce.appending', 'off', true);
        UPDATE log_head SET position = head + cardinality(streams);
        PERFORM pg_notify('log_head', (head + cardinality(streams))::text);
    END IF;
END
$$;

-- For programs of the build before, while both are in service.
CREATE OR REPLACE FUNCTION append(
    of_log uuid, believed bigint, holds boolean,
    read_streams text[], read_versions bigint[], guesses text[],
    keys text[], fingerprints uuid[], outcomes text[], offsets bigint[],
    streams text[], versions bigint[], types text[], schemas smallint[], slots smallint[],
    occurred timestamptz[], metadatas text[], datas text[]
) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT head FROM append_batch($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
                                  $16, $17, $18)
$$;

REVOKE EXECUTE ON FUNCTION append_batch(
    uuid, bigint, boolean, text[], bigint[], text[], text[], uuid[], text[], bigint[], text[],
    bigint[], text[], smallint[], smallint[], timestamptz[], text[], text[]
) FROM PUBLIC;
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'commerce_writer') THEN
        GRANT EXECUTE ON FUNCTION append_batch(
            uuid, bigint, boolean, text[], bigint[], text[], text[], uuid[], text[], bigint[],
            text[], bigint[], text[], smallint[], smallint[], timestamptz[], text[], text[]
        ) TO commerce_writer;
    END IF;
END
$$;
