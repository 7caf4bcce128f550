-- People who sign in. Their e-mail is sealed under the master key, and found by a keyed digest of
-- it: who has the database has neither. Credentials are no events.
CREATE TABLE people (
    id uuid PRIMARY KEY,
    -- What they do for the shop; none of a customer.
    role text,
    email_digest bytea NOT NULL UNIQUE,
    email_sealed bytea NOT NULL,
    -- Argon2id, as a PHC string.
    password text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Tries to sign in that failed, by address, whether somebody has it or not: no answer tells.
CREATE TABLE sign_in_failures (
    email_digest bytea PRIMARY KEY,
    failures integer NOT NULL,
    last_at timestamptz NOT NULL
);
CREATE INDEX sign_in_failures_last_at ON sign_in_failures (last_at);

CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES people ON DELETE CASCADE,
    -- Digests of the refresh token that is good, and of the one before it.
    secret bytea NOT NULL,
    previous bytea,
    created_at timestamptz NOT NULL,
    used_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_person ON sessions (person_id);
CREATE INDEX sessions_expires_at ON sessions (expires_at);

DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['commerce_writer', 'commerce_projector', 'commerce_reader',
                                'commerce_analyst'] LOOP
        CONTINUE WHEN NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role);
        EXECUTE format('REVOKE ALL ON people, sign_in_failures, sessions FROM %I', role);
        IF role = 'commerce_writer' THEN
            EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE
                            ON people, sign_in_failures, sessions TO %I', role);
        END IF;
    END LOOP;
END
$$;
