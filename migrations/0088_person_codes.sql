-- Whether somebody's address was shown to be theirs, and the codes that were mailed to show it, or
-- to choose another password or address. A code is kept as a digest, and is good once.
ALTER TABLE people ADD COLUMN verified_at timestamptz;

CREATE TABLE person_codes (
    digest bytea PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES people ON DELETE CASCADE,
    purpose text NOT NULL,
    -- What it brings about, where that is more than the purpose says.
    sealed bytea,
    expires_at timestamptz NOT NULL
);
CREATE INDEX person_codes_person ON person_codes (person_id, purpose, expires_at);
CREATE INDEX person_codes_expires_at ON person_codes (expires_at);

DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['commerce_writer', 'commerce_projector', 'commerce_reader',
                                'commerce_analyst'] LOOP
        CONTINUE WHEN NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role);
        EXECUTE format('REVOKE ALL ON person_codes FROM %I', role);
        IF role = 'commerce_writer' THEN
            EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON person_codes TO %I', role);
        END IF;
    END LOOP;
END
$$;
