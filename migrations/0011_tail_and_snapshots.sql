-- Appending and making durable become two steps, so that the next batch need not wait for the disk.
-- The tail is where the log ends for those who append; the head is where it ends for everybody
-- else: what is up to the head is durable. A writer moves the tail in a commit that does not wait
-- for the disk, and the head in one that does; Postgres writes its log in order, so the second
-- makes durable all that was appended before it. No reader ever sees what a crash could undo.

CREATE TABLE log_tail (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    position bigint NOT NULL CHECK (position >= 0)
);
INSERT INTO log_tail (position) SELECT position FROM log_head;

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

-- Appends one batch in one call, decided on a log that ended at `believed`. Returns the position
-- before the batch, or NULL, with nothing written, if something is not as the writer believed: it
-- then takes the tail, looks at what is new and calls again.
--
-- The log may have grown since: then the streams that were read must still be at the versions they
-- were read at. Without these (NULL) the tail itself must not have moved. `guesses` are streams
-- that were taken for empty without a look. What is appended needs no check: a version that is
-- taken, like a key that was seen before, violates a unique constraint.
--
-- The tail is locked in a statement of its own, so that the statements after it see everything
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
    tail bigint;
    stale boolean;
    -- One clock for the whole log, whichever process appends.
    now timestamptz;
BEGIN
    -- Never before the head, which programs of the release before this one move.
    SELECT greatest(t.position, h.position) INTO STRICT tail
    FROM log_tail t, log_head h FOR UPDATE OF t;

    IF tail <> believed THEN
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
    SELECT key, fingerprint, outcome::json, tail + after, now
    FROM unnest(keys, fingerprints, outcomes, offsets) AS new (key, fingerprint, outcome, after);

    INSERT INTO events (position, stream, version, type, schema, slot, occurred_at, recorded_at,
                        metadata, data)
    SELECT tail + n, stream, version, type, schema, slot, occurred_at, now, metadata::json, data::json
    FROM unnest(streams, versions, types, schemas, slots, occurred, metadatas, datas)
        WITH ORDINALITY AS new (stream, version, type, schema, slot, occurred_at, metadata, data, n);

    IF cardinality(streams) > 0 THEN
        UPDATE log_tail SET position = tail + cardinality(streams);
    END IF;
    RETURN tail;
END
$$;

-- For writers that meet where they write: waits for its turn, which is over when the session lets go
-- of its advisory locks, and tells what is new after `known`: at least one row, with the tail. A
-- turn is a courtesy that spares tries which would be in vain; the append checks all the same, and
-- who holds on to a turn for too long loses it.
CREATE FUNCTION take_turn(known bigint, news_max integer) RETURNS TABLE (
    tail bigint, "position" bigint, stream text, version bigint, type text, schema smallint,
    data text
) LANGUAGE plpgsql
SET jit = off SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
BEGIN
    PERFORM set_config('lock_timeout', '250ms', true);
    BEGIN
        -- Any number that nobody else locks.
        PERFORM pg_advisory_lock(5843602714);
    EXCEPTION WHEN lock_not_available THEN
        NULL;
    END;
    PERFORM set_config('lock_timeout', '0', true);
    -- Waits for the append of the turn before.
    PERFORM FROM log_tail FOR UPDATE;
    RETURN QUERY
    SELECT ends.at, e.position, e.stream, e.version, e.type, e.schema, e.data::text
    FROM (SELECT greatest(t.position, h.position) AS at FROM log_tail t, log_head h) AS ends
    LEFT JOIN events e ON e.position > known AND e.position <= ends.at
    ORDER BY e.position LIMIT news_max;
END
$$;

-- Shows the log to readers up to a position. To be called in a transaction of its own that waits
-- for the disk: it becomes visible, and with it the events, once everything before it is durable.
-- Writes in any case, and so makes durable also what was kept without an event.
CREATE FUNCTION reveal(until bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    former bigint;
BEGIN
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    SELECT position INTO STRICT former FROM log_head FOR UPDATE;
    UPDATE log_head SET position = greatest(former, until);
    IF until > former THEN
        PERFORM pg_notify('log_head', until::text);
    END IF;
END
$$;

-- The append of the release before this one, which may still be running beside it: it takes its
-- turn at the tail, and moves both in its one durable commit.
CREATE OR REPLACE FUNCTION append(
    read_streams text[], read_versions bigint[],
    keys text[], fingerprints uuid[], outcomes text[], offsets bigint[],
    streams text[], versions bigint[], types text[], schemas smallint[], slots smallint[],
    occurred timestamptz[], metadatas text[], datas text[]
) RETURNS bigint LANGUAGE plpgsql
SET jit = off SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
    head bigint;
    tail bigint;
BEGIN
    IF EXISTS (
        SELECT FROM unnest(keys) AS new (key)
        WHERE EXISTS (SELECT FROM commands c WHERE c.key = new.key)
    ) THEN
        RETURN NULL;
    END IF;
    -- What nobody can have seen at -1 is what the caller has not: every version is compared.
    head := append(-1, read_streams, read_versions, ARRAY[]::text[], keys, fingerprints, outcomes,
                   offsets, streams, versions, types, schemas, slots, occurred, metadatas, datas);
    IF head IS NOT NULL THEN
        SELECT position INTO STRICT tail FROM log_tail;
        PERFORM reveal(greatest(head, tail));
    END IF;
    RETURN head;
EXCEPTION WHEN unique_violation THEN
    RETURN NULL;
END
$$;
