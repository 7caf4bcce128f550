-- Who registered where mails are sent, and has not yet shown that the address is theirs: they
-- become somebody who signs in by the code that was mailed. Until then nobody does by that address,
-- so that signing in tells no more of it than registering did.
CREATE TABLE registrations (
    -- Of the code.
    digest bytea PRIMARY KEY,
    -- Who they will be.
    id uuid NOT NULL,
    email_digest bytea NOT NULL,
    email_sealed bytea NOT NULL,
    -- Argon2id, as a PHC string.
    password text NOT NULL,
    -- The language they are written to in.
    locale text,
    expires_at timestamptz NOT NULL
);
CREATE INDEX registrations_email ON registrations (email_digest, expires_at);
CREATE INDEX registrations_expires_at ON registrations (expires_at);

DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['commerce_writer', 'commerce_projector', 'commerce_reader',
                                'commerce_analyst'] LOOP
        CONTINUE WHEN NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role);
        EXECUTE format('REVOKE ALL ON registrations FROM %I', role);
        IF role = 'commerce_writer' THEN
            EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON registrations TO %I', role);
        END IF;
    END LOOP;
END
$$;
