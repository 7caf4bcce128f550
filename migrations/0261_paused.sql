-- A projection that is paused is worked on by nobody until somebody resumes it.
ALTER TABLE projections ADD COLUMN paused_at timestamptz;

-- What people did to a projection by hand, for whoever asks later.
CREATE TABLE projection_actions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    projection text NOT NULL,
    action text NOT NULL,
    detail text,
    done_by text NOT NULL,
    done_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
