-- What came of what was done to a projection by hand, and when it was over.
ALTER TABLE projection_actions ADD COLUMN ended_at timestamptz;
ALTER TABLE projection_actions ADD COLUMN outcome json;

-- The projector asks who they are that do it over HTTP, as query-api does: it reads what verifies
-- tokens and keys, and writes when a key was used.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'commerce_projector') THEN
        GRANT SELECT (id, algorithm, public, created_at, retired_at) ON signing_keys
            TO commerce_projector;
        GRANT SELECT ON voided_tokens TO commerce_projector;
        GRANT SELECT, UPDATE (used_at) ON api_keys TO commerce_projector;
    END IF;
END
$$;
