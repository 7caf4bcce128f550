-- Those who work here, as the owner sees to them: invited, disabled, sent away.
ALTER TABLE people
    -- Whoever is disabled signs in no more.
    ADD COLUMN disabled_at timestamptz;

-- Of whom tokens are worth nothing that were given out before a moment. Read by all who take
-- tokens; gone once the last of those tokens has run out.
CREATE TABLE voided_tokens (
    person_id uuid PRIMARY KEY,
    before timestamptz NOT NULL
);

-- What lets somebody who was invited choose a password, once.
CREATE TABLE invitations (
    person_id uuid PRIMARY KEY REFERENCES people ON DELETE CASCADE,
    -- A digest of it.
    secret bytea NOT NULL UNIQUE,
    expires_at timestamptz NOT NULL
);

DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['commerce_writer', 'commerce_projector', 'commerce_reader',
                                'commerce_analyst'] LOOP
        CONTINUE WHEN NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role);
        EXECUTE format('REVOKE ALL ON voided_tokens, invitations FROM %I', role);
        IF role = 'commerce_writer' THEN
            EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE
                            ON voided_tokens, invitations TO %I', role);
        ELSIF role = 'commerce_reader' THEN
            EXECUTE format('GRANT SELECT ON voided_tokens TO %I', role);
        END IF;
    END LOOP;
END
$$;
