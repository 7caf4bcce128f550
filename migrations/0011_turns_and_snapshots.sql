-- A writer follows the log: what it has in memory is current up to a position. As long as that is
-- the head, nothing it believes can be stale and nothing has to be looked up before appending. The
-- append of the release before this one stays for programs that still run.

-- Folds of long streams, so that their first command does not read them whole. A cache: every row
-- may be deleted at any time.
CREATE TABLE snapshots (
    stream text COLLATE "C" NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    -- Of the state's shape and of the fold that made it: others are passed over.
    schema integer NOT NULL,
    state json NOT NULL,
    taken_at timestamptz NOT NULL,
    CONSTRAINT snapshots_pkey PRIMARY KEY (stream)
);

-- Whoever wants the head queues for it, until the end of the transaction: locks on the row alone
-- are given to whoever is quicker, and a process that is always quicker would keep it. A courtesy:
-- nobody waits for long on one who has stalled, for the row decides.
CREATE FUNCTION queue_for_head() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- Any number that nobody else locks.
    IF pg_try_advisory_xact_lock(5843602714) THEN
        RETURN;
    END IF;
    PERFORM set_config('lock_timeout', '250ms', true);
    BEGIN
        PERFORM pg_advisory_xact_lock(5843602714);
    EXCEPTION WHEN lock_not_available THEN
        NULL;
    END;
    PERFORM set_config('lock_timeout', '0', true);
END
$$;

-- Appends one batch in one call, decided on a log that ended at `believed`. Returns the position
-- before the batch, or NULL, with nothing written, if something is not as the writer believed: it
-- then takes the head, looks at what is new and calls again.
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
    believed bigint, read_streams text[], read_versions bigint[], guesses text[],
    keys text[], fingerprints uuid[], outcomes text[], offsets bigint[],
    streams text[], versions bigint[], types text[], schemas smallint[], slots smallint[],
    occurred timestamptz[], metadatas text[], datas text[]
) RETURNS bigint LANGUAGE plpgsql
SET jit = off SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
    head bigint;
    stale boolean;
    -- One clock for the whole log, whichever process appends.
    now timestamptz;
BEGIN
    PERFORM queue_for_head();
    SELECT position INTO STRICT head FROM log_head FOR UPDATE;

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

    now := clock_timestamp();
    INSERT INTO commands (key, fingerprint, outcome, position, recorded_at)
    SELECT key, fingerprint, outcome::json, head + after, now
    FROM unnest(keys, fingerprints, outcomes, offsets) AS new (key, fingerprint, outcome, after);

    INSERT INTO events (position, stream, version, type, schema, slot, occurred_at, recorded_at,
                        metadata, data)
    SELECT head + n, stream, version, type, schema, slot, occurred_at, now, metadata::json, data::json
    FROM unnest(streams, versions, types, schemas, slots, occurred, metadatas, datas)
        WITH ORDINALITY AS new (stream, version, type, schema, slot, occurred_at, metadata, data, n);

    IF cardinality(streams) > 0 THEN
        UPDATE log_head SET position = head + cardinality(streams);
        PERFORM pg_notify('log_head', (head + cardinality(streams))::text);
    END IF;
    RETURN head;
END
$$;

-- For writers that meet where they write: waits for its turn, which is over when the session lets go
-- of its place in the queue, and tells what is new after `known`: at least one row, with the head. A
-- turn is a courtesy that spares tries which would be in vain; the append checks all the same, and
-- who holds on to a turn for too long loses it.
CREATE FUNCTION take_turn(known bigint, news_max integer) RETURNS TABLE (
    head bigint, "position" bigint, stream text, version bigint, type text, schema smallint,
    data text
) LANGUAGE plpgsql
SET jit = off SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
BEGIN
    -- Locks a row and changes nothing: not worth waiting for the disk.
    PERFORM set_config('synchronous_commit', 'off', true);
    PERFORM queue_for_head();
    -- Beyond this transaction, until the turn ends; at once, for we hold it already.
    PERFORM pg_try_advisory_lock(5843602714);
    -- Waits for the append of the turn before.
    PERFORM FROM log_head FOR UPDATE;
    RETURN QUERY
    SELECT h.position, e.position, e.stream, e.version, e.type, e.schema, e.data::text
    FROM log_head h LEFT JOIN events e ON e.position > known
    ORDER BY e.position LIMIT news_max;
END
$$;
