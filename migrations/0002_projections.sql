-- Projections: what readers see, built from the log by the projector.
--
-- Every read model keeps its rows by build. A rebuild writes the next build beside the one that is
-- read; readers go through views of the active build, so that the switch is the update of one row.

CREATE TABLE projections (
    name text NOT NULL,
    -- The build that readers see.
    active_build smallint NOT NULL CHECK (active_build > 0),
    -- The last one that was ever made. A number is never used twice: rows that a broken rebuild left
    -- behind can not become part of another build.
    last_build smallint NOT NULL DEFAULT 1,
    CONSTRAINT projections_pkey PRIMARY KEY (name)
);

CREATE TABLE projection_builds (
    projection text NOT NULL,
    build smallint NOT NULL,
    -- The version of the program that folds it. A newer program must not write to it: it rebuilds.
    version integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT projection_builds_pkey PRIMARY KEY (projection, build),
    CONSTRAINT projection_builds_projection_fkey FOREIGN KEY (projection)
        REFERENCES projections (name)
);

-- How far each build has come, for a range of slots. It is advanced in the transaction that writes
-- the rows, by whoever holds the lease; the epoch counts the holders, so that one who slept
-- through the end of its lease finds its epoch gone.
CREATE TABLE projection_slots (
    projection text NOT NULL,
    build smallint NOT NULL,
    slot_from smallint NOT NULL,
    slot_to smallint NOT NULL,
    -- Of the last event folded; all before it are folded too.
    position bigint NOT NULL DEFAULT 0 CHECK (position >= 0),
    epoch bigint NOT NULL DEFAULT 0,
    owner text,
    lease_until timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT projection_slots_pkey PRIMARY KEY (projection, build, slot_from),
    CONSTRAINT projection_slots_build_fkey FOREIGN KEY (projection, build)
        REFERENCES projection_builds (projection, build) ON DELETE CASCADE,
    CONSTRAINT projection_slots_range CHECK (slot_from >= 0 AND slot_to >= slot_from AND slot_to < 256)
) WITH (fillfactor = 50);

-- Streams that a build could not go on with. Their events wait; the rest of the log goes on.
CREATE TABLE parked_streams (
    projection text NOT NULL,
    build smallint NOT NULL,
    stream text NOT NULL,
    -- Of the first event that waits, in the log and in its stream.
    position bigint NOT NULL,
    version bigint NOT NULL,
    -- The parked stream this one waits for; null if it is itself at fault.
    behind text,
    reason text NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT parked_streams_pkey PRIMARY KEY (projection, build, stream),
    CONSTRAINT parked_streams_build_fkey FOREIGN KEY (projection, build)
        REFERENCES projection_builds (projection, build) ON DELETE CASCADE
);

-- Messages on the bus that were no events. Nothing waits for them: what they should have been was
-- read from the log. Kept so that somebody asks where they came from.
CREATE TABLE parked_messages (
    sequence bigint NOT NULL,
    reason text NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT parked_messages_pkey PRIMARY KEY (sequence)
);

-- How far the builds that readers see have come.
CREATE VIEW projection_positions AS
SELECT p.name, p.active_build AS build, s.slot_from, s.slot_to, s.position, s.owner, s.lease_until,
       s.updated_at
FROM projections p
JOIN projection_slots s ON s.projection = p.name AND s.build = p.active_build;
