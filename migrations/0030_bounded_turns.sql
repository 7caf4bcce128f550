-- What holds the head back is bounded, whatever became of its holder: a process that is frozen, a
-- machine without power, a network that swallows all. And only append() appends.
--
-- The functions of 0011 with what that takes. Those they replace stay, as another name for them,
-- until no program of the build before runs any more; the one of 0001 goes.

DROP FUNCTION append(
    text[], bigint[], text[], uuid[], text[], bigint[], text[], bigint[], text[], smallint[],
    smallint[], timestamptz[], text[], text[]
);

-- Whoever wants the head queues for it, until the end of the transaction: locks on the row alone
-- are given to whoever is quicker, and a process that is always quicker would keep it. A courtesy:
-- nobody waits for long on one who has stalled, for the row decides. Whatever lock_timeout the role
-- has is in force again afterwards.
CREATE OR REPLACE FUNCTION queue_for_head() RETURNS void LANGUAGE plpgsql
SET lock_timeout = '250ms'
AS $$
BEGIN
    -- Any number that nobody else locks.
    IF pg_try_advisory_xact_lock(5843602714) THEN
        RETURN;
    END IF;
    BEGIN
        PERFORM pg_advisory_xact_lock(5843602714);
    EXCEPTION WHEN lock_not_available THEN
        NULL;
    END;
END
$$;

-- Takes the head until the end of the transaction: nobody else can append meanwhile.
CREATE FUNCTION hold_head() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM queue_for_head();
    PERFORM FROM log_head FOR UPDATE;
END
$$;

-- Appends one batch in one call to the log `of_log`, decided when it ended at `believed`. Returns the
-- position before the batch, or NULL, with nothing written, if something is not as the writer
-- believed: it then takes the head, looks at what is new and calls again. Whoever `holds` the head
-- already does not queue for it once more: behind him in the queue stands somebody who waits for it.
--
-- The log may have grown since: then the streams that were read must still be at the versions they
-- were read at. Without these (NULL) the head itself must not have moved. `guesses` are streams
-- that were taken for empty without a look. What is appended needs no check: a version that is
-- taken, like a key that was seen before, violates a unique constraint.
--
-- The head is locked in a statement of its own, so that the statements after it see everything
-- committed before. The settings make every lookup go by index whatever the statistics say: on
-- young tables the planner would scan them whole, and compile each call for it.
CREATE FUNCTION append(
    of_log uuid, believed bigint, holds boolean,
    read_streams text[], read_versions bigint[], guesses text[],
    keys text[], fingerprints uuid[], outcomes text[], offsets bigint[],
    streams text[], versions bigint[], types text[], schemas smallint[], slots smallint[],
    occurred timestamptz[], metadatas text[], datas text[]
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
SET jit = off SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
    head bigint;
    id uuid;
    stale boolean;
    -- One clock for the whole log, whichever process appends.
    now timestamptz;
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
            RETURN NULL;
        END IF;
        SELECT EXISTS (
            SELECT FROM unnest(read_streams, read_versions) AS read (stream, version)
            WHERE read.version IS DISTINCT FROM coalesce((
                SELECT e.version FROM events e WHERE e.stream = read.stream
                ORDER BY e.version DESC LIMIT 1
            ), 0)
        ) INTO stale;
        IF stale THEN
            RETURN NULL;
        END IF;
    END IF;
    IF cardinality(guesses) > 0 THEN
        SELECT EXISTS (
            SELECT FROM unnest(guesses) AS guess (stream)
            WHERE EXISTS (SELECT FROM events e WHERE e.stream = guess.stream)
        ) INTO stale;
        IF stale THEN
            RETURN NULL;
        END IF;
    END IF;

    -- It never goes back, whatever the clocks of the machines that were primary say.
    now := greatest(clock_timestamp(), (SELECT e.recorded_at FROM events e WHERE e.position = head));
    INSERT INTO commands (key, fingerprint, outcome, position, recorded_at)
    SELECT key, fingerprint, outcome::json, head + after, now
    FROM unnest(keys, fingerprints, outcomes, offsets) AS new (key, fingerprint, outcome, after);

    IF cardinality(streams) > 0 THEN
        PERFORM set_config('commerce.appending', 'on', true);
        INSERT INTO events (position, stream, version, type, schema, slot, occurred_at, recorded_at,
                            metadata, data)
        SELECT head + n, stream, version, type, schema, slot, occurred_at, now, metadata::json,
               data::json
        FROM unnest(streams, versions, types, schemas, slots, occurred, metadatas, datas)
            WITH ORDINALITY AS new (stream, version, type, schema, slot, occurred_at, metadata, data, n);
        PERFORM set_config('commerce.appending', 'off', true);
        UPDATE log_head SET position = head + cardinality(streams);
        PERFORM pg_notify('log_head', (head + cardinality(streams))::text);
    END IF;
    RETURN head;
END
$$;

-- An event that was inserted by hand has a position that the head knows nothing of: the next append
-- finds it taken, and so does every one after it. Not for replicas, which repeat what was appended.
CREATE TRIGGER events_by_append BEFORE INSERT ON events
    FOR EACH STATEMENT WHEN (current_setting('commerce.appending', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION refuse_change();

-- For writers that meet where they write: waits for its turn and tells what is new after `known`:
-- first a row with the head alone, then the events, unless they are more than `news_max`, and no
-- further than `news_bytes_max` of them: what they hold is read while nobody else can append. A turn
-- is a courtesy that spares tries which would be in vain; the append checks all the same.
--
-- It is over with end_turn, or when nothing was heard of its holder for two seconds: Postgres then
-- ends the session. It begins last, when nothing can go wrong any more, for an error would leave it
-- without that bound.
CREATE FUNCTION take_turn(known bigint, news_max integer, news_bytes_max bigint) RETURNS TABLE (
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
    SELECT h.position INTO STRICT head FROM log_head h FOR UPDATE;
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

-- Lets the next writer take its turn.
CREATE FUNCTION end_turn() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_unlock_all(), set_config('idle_session_timeout', '0', false);
    RETURN true;
END
$$;

-- For programs of the build before, while both are in service. They take all news for granted, and
-- leave the bound of a turn behind: a session of theirs that idles for two seconds is ended.
CREATE OR REPLACE FUNCTION append(
    believed bigint, read_streams text[], read_versions bigint[], guesses text[],
    keys text[], fingerprints uuid[], outcomes text[], offsets bigint[],
    streams text[], versions bigint[], types text[], schemas smallint[], slots smallint[],
    occurred timestamptz[], metadatas text[], datas text[]
) RETURNS bigint LANGUAGE sql AS $$
    SELECT append(log_id, $1, false, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
                  $16)
    FROM log_head
$$;
CREATE OR REPLACE FUNCTION take_turn(known bigint, news_max integer) RETURNS TABLE (
    head bigint, "position" bigint, stream text, version bigint, type text, schema smallint,
    data text
) LANGUAGE sql AS $$
    SELECT * FROM take_turn($1, $2, 9223372036854775807)
$$;
