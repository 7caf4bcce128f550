-- What those who look after projections need.

-- The event of a newer program that a checkpoint stands before: it waits for an upgrade of the
-- projector. Passed, it means nothing any more.
ALTER TABLE projection_slots ADD COLUMN waits_at bigint;
-- Who has handed the lease over, and until when it leaves the lease to others.
ALTER TABLE projection_slots ADD COLUMN released_by text;
ALTER TABLE projection_slots ADD COLUMN released_until timestamptz;

CREATE OR REPLACE VIEW projection_positions AS
SELECT p.name, p.active_build AS build, s.slot_from, s.slot_to, s.position, s.owner, s.lease_until,
       s.updated_at, s.waits_at
FROM projections p
JOIN projection_slots s ON s.projection = p.name AND s.build = p.active_build;

-- Events that somebody decided to leave out of a projection, whatever its build.
CREATE TABLE skipped_events (
    projection text NOT NULL,
    position bigint NOT NULL,
    stream text NOT NULL,
    -- In the words of whoever did it.
    reason text NOT NULL,
    skipped_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT skipped_events_pkey PRIMARY KEY (projection, position),
    CONSTRAINT skipped_events_projection_fkey FOREIGN KEY (projection)
        REFERENCES projections (name)
);

-- Whose turn it is to send the documents of a build to the search engine: the epoch of the lease
-- under which it is done. Kept apart from the checkpoint, so that neither waits for the other.
ALTER TABLE projection_builds ADD COLUMN sender bigint NOT NULL DEFAULT 0;
