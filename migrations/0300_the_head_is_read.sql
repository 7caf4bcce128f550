-- The head of the log is where its last event stands, and is no longer written beside it. The row
-- that each batch updated was what grew while somebody looked: behind a snapshot that stays open (a
-- dump, an analyst's long query, a replica's) no version of it could go, and every append and every
-- look at the head walked through all of them. It is only locked now, which leaves no version
-- behind, and a batch writes one row less.
--
-- `log_head` stays what everybody reads, as a view: programs of the build before notice nothing.
-- Renaming waits, as `migrate` does, for whoever is in a transaction with it, and writes no row.
ALTER TABLE log_head RENAME TO log_identity;
ALTER TABLE log_identity RENAME CONSTRAINT log_head_pkey TO log_identity_pkey;
ALTER TABLE log_identity RENAME CONSTRAINT log_head_only_one_check TO log_identity_only_one_check;
ALTER TABLE log_identity DROP COLUMN position;

-- Which log it is, and where it ends.
CREATE VIEW log_head AS
SELECT i.only_one,
       coalesce((SELECT e.position FROM events e ORDER BY e.position DESC LIMIT 1), 0) AS position,
       i.log_id, i.home, i.timeline
FROM log_identity i;

COMMENT ON VIEW log_head IS 'How far the log has come: one row.';
COMMENT ON COLUMN log_head.only_one IS 'Holds it to one row.';
COMMENT ON COLUMN log_head.position IS 'The position of the last event.';
COMMENT ON COLUMN log_head.log_id IS 'Which log it is; a copy gets another.';
COMMENT ON COLUMN log_head.home IS 'The server and the database that it lives in.';
COMMENT ON COLUMN log_head.timeline IS 'The timeline of Postgres in which it was last written.';
COMMENT ON TABLE log_identity IS 'Which log it is: one row, which is locked by whoever appends.';

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'commerce_projector') THEN
        REVOKE INSERT, UPDATE, DELETE ON log_head FROM commerce_projector;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'commerce_writer') THEN
        GRANT SELECT ON log_head TO commerce_writer;
    END IF;
END
$$;

-- As before (0271), of the row alone: the view would have the log itself locked for it.
CREATE OR REPLACE FUNCTION log_in_force() RETURNS uuid LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT i.log_id FROM log_identity i
            WHERE i.timeline IS NULL OR pg_is_in_recovery() OR i.timeline = log_timeline());
END
$$;

-- Takes the head until the end of the transaction: nobody else can append meanwhile. Where it is,
-- is for a statement after this one to say: this one may see what was before it had to wait.
CREATE OR REPLACE FUNCTION hold_head() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM queue_for_head();
    PERFORM FROM log_identity FOR UPDATE;
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
    before timestamptz;
    stale boolean;
BEGIN
    IF NOT holds THEN
        PERFORM queue_for_head();
    END IF;
    SELECT i.log_id, i.timeline INTO STRICT id, line FROM log_identity i FOR UPDATE;
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

    -- Where it ends, and when that was. One step from the end of an index.
    SELECT e.position, e.recorded_at INTO head, before
    FROM events e ORDER BY e.position DESC LIMIT 1;
    head := coalesce(head, 0);
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
    recorded := greatest(clock_timestamp(), before);
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
        PERFORM pg_notify('log_head', (head + cardinality(streams))::text);
    END IF;
END
$$;

-- For writers that meet where they write: waits for its turn and tells what is new after `known`:
-- first a row with the head alone, then the events, unless they are more than `news_max`, and no
-- further than `news_bytes_max` of them: what they hold is read while nobody else can append. A
-- turn is a courtesy that spares tries which would be in vain; the append checks all the same.
--
-- It is over with end_turn, or when nothing was heard of its holder for two seconds: Postgres then
-- ends the session. It begins last, when nothing can go wrong any more, for an error would leave it
-- without that bound.
CREATE OR REPLACE FUNCTION take_turn(
    known bigint, news_max integer, news_bytes_max bigint
) RETURNS TABLE (
    head bigint, "position" bigint, stream text, version bigint, type text, schema smallint,
    data text
) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
DECLARE
    bytes bigint := 0;
BEGIN
    -- Locks a row and changes nothing: not worth waiting for the disk.
    PERFORM set_config('synchronous_commit', 'off', true);
    PERFORM queue_for_head();
    -- Waits for the append of the turn before.
    PERFORM FROM log_identity FOR UPDATE;
    SELECT h.position INTO STRICT head FROM log_head h;
    RETURN NEXT;
    IF head - known BETWEEN 1 AND news_max THEN
        FOR "position", stream, version, type, schema, data IN
            SELECT e.position, e.stream, e.version, e.type, e.schema, e.data::text
            FROM events e WHERE e.position > known AND e.position <= known + news_max
            ORDER BY e.position
        LOOP
            bytes := bytes + octet_length(data);
            EXIT WHEN bytes > news_bytes_max;
            RETURN NEXT;
        END LOOP;
    END IF;
    PERFORM set_config('idle_session_timeout', '2s', false);
    -- Beyond this transaction, until the turn ends; at once, for we hold it already.
    PERFORM pg_try_advisory_lock(5843602714);
END
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
    PERFORM FROM log_identity FOR UPDATE;
    SELECT h.log_id, h.log_id, h.position, h.home IS DISTINCT FROM coalesce(here, h.home),
           h.timeline IS NOT NULL AND h.timeline <> coalesce(line, h.timeline)
    INTO STRICT former, current, head, is_copy, has_turned FROM log_head h;
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
        UPDATE log_identity SET timeline = line;
        RETURN;
    END IF;
    UPDATE log_identity SET log_id = gen_random_uuid(), home = here, timeline = line
    RETURNING log_id INTO current;
END
$$;
