-- Keys of programs. What is kept of one is a digest: it has more bits than anybody can try.
CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    -- How it begins, by which people tell keys apart.
    hint text NOT NULL,
    role text NOT NULL,
    -- Where it may be used, beginnings of paths; everywhere its role may, where there is none.
    scopes text[] NOT NULL,
    secret bytea NOT NULL UNIQUE,
    -- The one before it, which is good for a while longer.
    previous bytea UNIQUE,
    previous_until timestamptz,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    used_at timestamptz
);

DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['commerce_writer', 'commerce_projector', 'commerce_reader',
                                'commerce_analyst'] LOOP
        CONTINUE WHEN NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role);
        EXECUTE format('REVOKE ALL ON api_keys FROM %I', role);
        IF role = 'commerce_writer' THEN
            EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON api_keys TO %I', role);
        ELSIF role = 'commerce_reader' THEN
            -- That a key was used is the one thing that a reader writes.
            EXECUTE format('GRANT SELECT, UPDATE (used_at) ON api_keys TO %I', role);
        END IF;
    END LOOP;
END
$$;
