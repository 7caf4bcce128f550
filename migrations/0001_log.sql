-- The log: what happened, in the order in which it was committed. The truth of the shop.

-- One row. Whoever locks it appends; the commit unlocks it. Hence positions have no gaps and
-- stand in commit order. log_id tells a restored or emptied log from the one NATS knows.
CREATE TABLE log_head (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    position bigint NOT NULL CHECK (position >= 0),
    log_id uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO log_head (position) VALUES (0);

CREATE TABLE events (
    position bigint NOT NULL,
    -- "C": in the order of bytes, which no update of the system's locales can change below an index.
    stream text COLLATE "C" NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    type text NOT NULL,
    schema smallint NOT NULL,
    slot smallint NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    -- json, not jsonb: kept byte for byte as written, and cheaper to write and to pass on.
    metadata json NOT NULL,
    data json NOT NULL,
    CONSTRAINT events_pkey PRIMARY KEY (position),
    CONSTRAINT events_stream_version_key UNIQUE (stream, version)
);

-- What each command came to, kept in the same transaction as its events: a retry under the same
-- key gets the same answer, and an append whose outcome was lost is looked up here.
CREATE TABLE commands (
    key text COLLATE "C" NOT NULL,
    fingerprint uuid NOT NULL,
    outcome json NOT NULL,
    -- Of its last event; of the head at the time where it made none.
    position bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT commands_pkey PRIMARY KEY (key)
);

-- History is not edited, by anybody: not by the services, not by their owner, not by a replica.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the log is append-only: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE events ENABLE ALWAYS TRIGGER events_append_only;

-- Appends one batch in one call. Returns the position before the batch, or NULL, with nothing
-- written, if a stream has moved on or a key was seen before: the writer then looks at what is
-- new while it holds the head, and calls again.
--
-- The head is locked in a statement of its own, so that the statements after it see everything
-- committed before. The settings make every lookup go by index whatever the statistics say: on
-- young tables the planner would scan them whole, and compile each call for it.
CREATE FUNCTION append(
    read_streams text[], read_versions bigint[],
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
    SELECT position INTO STRICT head FROM log_head FOR UPDATE;

    SELECT EXISTS (
        SELECT FROM unnest(read_streams, read_versions) AS believed (stream, version)
        WHERE believed.version IS DISTINCT FROM coalesce((
            SELECT e.version FROM events e WHERE e.stream = believed.stream
            ORDER BY e.version DESC LIMIT 1
        ), 0)
    ) OR EXISTS (
        SELECT FROM unnest(keys) AS new (key)
        WHERE EXISTS (SELECT FROM commands c WHERE c.key = new.key)
    ) INTO stale;
    IF stale THEN
        RETURN NULL;
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
