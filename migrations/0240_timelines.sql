-- A log that may have lost its end goes on under another id. A replica that was promoted, and a
-- server that was put back to an earlier point, begin a new timeline of Postgres: whoever followed
-- the one before may have seen events that never happened here. What both have in common is kept,
-- so that those who saw no more than that may go on.

-- The timeline that the log was last written in. NULL where it was not written since this column
-- is there, or where the server does not tell.
ALTER TABLE log_head ADD COLUMN timeline integer;

-- Ids that the log had before, in its own place, and the last position that each has in common with
-- what came after. A copy that came to another home has none: who follows the original must not go
-- on with it.
CREATE TABLE log_lineage (
    log_id uuid PRIMARY KEY,
    head bigint NOT NULL,
    ended_at timestamptz NOT NULL DEFAULT now()
);
REVOKE INSERT, UPDATE, DELETE ON log_lineage FROM commerce_projector;
GRANT SELECT ON log_lineage TO commerce_writer, commerce_projector, commerce_reader;

-- The timeline that this server writes; NULL on a replica, which writes none. Fails where the
-- server does not tell.
CREATE FUNCTION log_timeline() RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN NOT pg_is_in_recovery() THEN
        ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::integer
    END
$$;

-- The id of the log, if it is in the timeline in which it was last written; a replica goes by what
-- its primary wrote. NULL where it is not: what is there has yet to get another id, and nothing
-- that was seen before is to be built upon meanwhile.
CREATE FUNCTION log_in_force() RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT h.log_id FROM log_head h
    WHERE h.timeline IS NULL OR pg_is_in_recovery() OR h.timeline = log_timeline()
$$;

-- Gives the log a new id if it is not at home where it is, if it is in another timeline, or in any
-- case (`anew`). Returns the id that it had and the one that it has.
CREATE OR REPLACE FUNCTION settle_log(
    anew boolean, OUT former uuid, OUT current uuid, OUT head bigint
) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    here text := log_home();
    line integer;
    is_copy boolean;
    has_turned boolean;
BEGIN
    BEGIN
        line := log_timeline();
    EXCEPTION WHEN feature_not_supported OR insufficient_privilege OR undefined_function THEN
        line := NULL;
    END;
    SELECT h.log_id, h.log_id, h.position, h.home IS DISTINCT FROM coalesce(here, h.home),
           h.timeline IS DISTINCT FROM coalesce(line, h.timeline)
    INTO STRICT former, current, head, is_copy, has_turned FROM log_head h;
    IF NOT (anew OR is_copy OR has_turned) THEN
        RETURN;
    END IF;
    -- Once more, now that no other process can do the same.
    SELECT h.log_id, h.log_id, h.position, h.home IS DISTINCT FROM coalesce(here, h.home),
           h.timeline IS NOT NULL AND h.timeline <> coalesce(line, h.timeline)
    INTO STRICT former, current, head, is_copy, has_turned FROM log_head h FOR UPDATE;
    IF is_copy OR anew THEN
        -- Whose files were copied may go on beside the original, which nobody is to mistake it for.
        DELETE FROM log_lineage;
    ELSIF has_turned THEN
        -- Of those before, what a restore took away is common no longer.
        UPDATE log_lineage AS l SET head = settle_log.head WHERE l.head > settle_log.head;
        INSERT INTO log_lineage AS l (log_id, head) VALUES (former, settle_log.head);
        -- As many as anybody will come back with.
        DELETE FROM log_lineage WHERE log_id IN (
            SELECT l.log_id FROM log_lineage l ORDER BY l.ended_at DESC OFFSET 1000);
    ELSE
        -- It is in the timeline in which it was: nobody had written that down.
        UPDATE log_head SET timeline = line;
        RETURN;
    END IF;
    UPDATE log_head SET log_id = gen_random_uuid(), home = here, timeline = line
    RETURNING log_id INTO current;
END
$$;

-- Appends one batch in one call to the log `of_log`, decided when it ended at `believed`. Returns
-- the position before the batch and when it was recorded; or nothing but NULL, with nothing
-- written, if something is not as the writer believed: it then takes the head, looks at what is new
-- and calls again. Whoever `holds` the head already does not queue for it once more: behind him in
-- the queue stands somebody who waits for it.
-- The log may be another one meanwhile, or its server in another timeline: then it fails.
--
-- The log may have grown since: then the streams that were read must still be at the versions they
-- were read at. Without these (NULL) the head itself must not have moved. `guesses` are streams
-- that were taken for empty without a look. What is appended needs no check: a version that is
-- taken, like a key that was seen before, violates a unique constraint.
--
-- The head is locked in a statement of its own, so that the statements after it see everything
-- committed before. The settings make every lookup go by index whatever the statistics say: on
-- young tables the planner would scan them whole, and compile each call for it.
CREATE OR REPLACE FUNCTION append_batch(
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
    line integer;
    stale boolean;
BEGIN
    IF NOT holds THEN
        PERFORM queue_for_head();
    END IF;
    SELECT h.position, h.log_id, h.timeline INTO STRICT head, id, line FROM log_head h FOR UPDATE;
    IF id <> of_log THEN
        RAISE EXCEPTION 'this is log %, and no longer %', id, of_log
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    -- Whoever is still connected, as through a pooler, may have decided on what never happened.
    IF line <> log_timeline() THEN
        RAISE EXCEPTION 'the server has begun another timeline'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'a writer that connects anew gives the log another id';
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

-- The step of a checkpoint, as before (0021), for events that were read of the log `of_log`: where
-- it is another one by now, or has yet to become one, what was read may never have happened. Older
-- programs do not say which log theirs is.
DROP FUNCTION move_checkpoint(text, smallint, smallint, bigint, bigint, bigint, bigint);
CREATE FUNCTION move_checkpoint(
    of_projection text, of_build smallint, of_slot_from smallint, by_epoch bigint,
    position_from bigint, position_to bigint, term_ms bigint, of_log uuid DEFAULT NULL
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true),
            set_config('idle_in_transaction_session_timeout', term_ms::text, true);
    UPDATE projection_slots SET position = position_to, updated_at = clock_timestamp(),
        lease_until = clock_timestamp() + term_ms * interval '1 millisecond'
    WHERE projection = of_projection AND build = of_build AND slot_from = of_slot_from
      AND epoch = by_epoch AND position = position_from
      AND (of_log IS NULL OR of_log = log_in_force());
    IF NOT FOUND THEN
        PERFORM set_config('transaction_read_only', 'on', true);
        RETURN false;
    END IF;
    RETURN true;
END
$$;

CREATE OR REPLACE FUNCTION moved(step jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN step IS NULL OR move_checkpoint(
        step->>'projection', (step->>'build')::smallint, (step->>'slot_from')::smallint,
        (step->>'epoch')::bigint, (step->>'from')::bigint, (step->>'to')::bigint,
        (step->>'term_ms')::bigint, (step->>'log_id')::uuid);
END
$$;
