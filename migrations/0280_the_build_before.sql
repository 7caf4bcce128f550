-- The build that readers saw before the present one, kept whole until it is dropped, or until
-- another switch puts another in its place.
ALTER TABLE projection_builds ADD COLUMN kept_at timestamptz;
-- The log that it was folded from.
ALTER TABLE projection_builds ADD COLUMN kept_log uuid;
-- One of each projection at most.
CREATE UNIQUE INDEX projection_builds_kept ON projection_builds (projection)
    WHERE kept_at IS NOT NULL;
