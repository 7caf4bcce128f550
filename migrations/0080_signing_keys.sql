-- The keys that the shop's own tokens are signed with: what verifies them for all who are asked,
-- what signs them for command-api alone, sealed under a master key that is not in the database.
CREATE TABLE signing_keys (
    id uuid PRIMARY KEY,
    algorithm text NOT NULL,
    -- As it stands in a JWK.
    public bytea NOT NULL,
    -- PKCS #8, sealed.
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- From then on it signs nothing; what it signed is good until it runs out.
    retired_at timestamptz
);

DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['commerce_writer', 'commerce_projector', 'commerce_reader',
                                'commerce_analyst'] LOOP
        CONTINUE WHEN NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role);
        EXECUTE format('REVOKE ALL ON signing_keys FROM %I', role);
        IF role = 'commerce_writer' THEN
            EXECUTE format('GRANT SELECT, INSERT, UPDATE ON signing_keys TO %I', role);
        ELSIF role = 'commerce_reader' THEN
            EXECUTE format('GRANT SELECT (id, algorithm, public, created_at, retired_at)
                            ON signing_keys TO %I', role);
        END IF;
    END LOOP;
END
$$;
