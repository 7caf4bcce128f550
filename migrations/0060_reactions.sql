-- What happens by itself after an event: how far the log was read for each reaction, what is to be
-- done, and which streams wait. Takes the place of `payment_process`, `payment_tasks` and
-- `payment_process_parked`; the sandbox's books stay as they are. Owned by the reactor.
--
-- The old tables stay until a later migration drops them: an older command-api may run beside a
-- newer one, or come back. It goes on to keep its own list from the log and to do what stands
-- there, as two of its kind always did, and neither list knows of the other. So a thing may be done
-- twice, under the same keys: the gateway does a request once (`<payment>:<request>`), a command
-- takes effect once (`p:<cause>:…`), what came of a request is recorded once, by its number, and
-- nobody lets go of an order or a payment twice. An older program that comes back after weeks reads
-- the log from where it left off, and finds all of it settled.

-- A row for each reaction; those whose rows stand at one position go on together. One of its own,
-- so that a program moves none of a reaction that it does not have.
CREATE TABLE reactions (
    name text PRIMARY KEY,
    position bigint NOT NULL,
    -- How often streams that waited were taken up. Who read the log meanwhile, and left out what
    -- stood in them, must read it again.
    taken_up bigint NOT NULL DEFAULT 0
);

-- One row for each thing to do: found by its due time, never kept in a timer.
CREATE TABLE reaction_tasks (
    reaction text NOT NULL,
    -- What it is about, as the reaction writes it.
    subject text NOT NULL,
    due_at timestamptz NOT NULL,
    -- The position of the event that asks for it: half of every key that is used for it.
    cause bigint NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    leased_until timestamptz,
    CONSTRAINT reaction_tasks_pkey PRIMARY KEY (reaction, subject)
);
CREATE INDEX reaction_tasks_due ON reaction_tasks (due_at);

-- Streams with an event that no program could read yet: nothing was made of it, nor of what stands
-- behind it in the stream up to the reaction's position.
CREATE TABLE reaction_waiting (
    reaction text NOT NULL,
    stream text NOT NULL,
    -- The event: its place in the stream, and in the log.
    version bigint NOT NULL,
    position bigint NOT NULL,
    reason text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT reaction_waiting_pkey PRIMARY KEY (reaction, stream)
);

-- Keeps an older program from moving on meanwhile, so that all is of one position.
SELECT position FROM payment_process FOR UPDATE;

INSERT INTO reactions (name, position)
SELECT name, position
FROM payment_process, unnest(ARRAY['ask_gateway', 'expire_order', 'expire_authorization']) AS name;

INSERT INTO reaction_tasks (reaction, subject, due_at, cause, attempts, leased_until)
SELECT kind, subject::text, due_at, cause, attempts, leased_until FROM payment_tasks;

-- What was behind a parked event in its stream was not held up by it. It is read again with it: the
-- latest word counts.
INSERT INTO reaction_waiting (reaction, stream, version, position, reason, since)
SELECT DISTINCT ON (r.name, e.stream) r.name, e.stream, e.version, p.position, p.reason, p.parked_at
FROM payment_process_parked p
JOIN events e USING (position)
JOIN (VALUES ('ask_gateway', 'payment'), ('expire_order', 'order'),
             ('expire_authorization', 'payment')) AS r (name, category)
    ON r.category = split_part(e.type, '.', 1)
ORDER BY r.name, e.stream, e.version;

-- For writers alone (0032).
DO $$
DECLARE
    role text;
BEGIN
    FOR role IN SELECT rolname FROM pg_roles
                WHERE rolname IN ('commerce_projector', 'commerce_reader', 'commerce_analyst') LOOP
        EXECUTE format('REVOKE ALL ON reactions, reaction_tasks, reaction_waiting FROM %I', role);
    END LOOP;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'commerce_writer') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON reactions, reaction_tasks, reaction_waiting
            TO commerce_writer;
    END IF;
END
$$;
