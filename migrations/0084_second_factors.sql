-- Second factors: what an app on somebody's phone makes codes of (RFC 6238), sealed under the
-- master key, and codes for when the phone is gone.
CREATE TABLE second_factors (
    person_id uuid PRIMARY KEY REFERENCES people ON DELETE CASCADE,
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL,
    -- Asked for from then on: when a first code was right.
    confirmed_at timestamptz,
    -- The step of the last code that was taken: none is good twice.
    last_step bigint NOT NULL
);

CREATE TABLE recovery_codes (
    person_id uuid NOT NULL REFERENCES second_factors ON DELETE CASCADE,
    -- A keyed digest of it.
    digest bytea NOT NULL,
    PRIMARY KEY (person_id, digest)
);

DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['commerce_writer', 'commerce_projector', 'commerce_reader',
                                'commerce_analyst'] LOOP
        CONTINUE WHEN NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role);
        EXECUTE format('REVOKE ALL ON second_factors, recovery_codes FROM %I', role);
        IF role = 'commerce_writer' THEN
            EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE
                            ON second_factors, recovery_codes TO %I', role);
        END IF;
    END LOOP;
END
$$;
