-- Who signed in, failed to, or got another password or second factor, for a term: for themselves
-- and for those who keep the programs running.
CREATE TABLE sign_ins (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- All zeros where nobody has the e-mail that was tried.
    person_id uuid NOT NULL,
    happened_at timestamptz NOT NULL,
    what text NOT NULL,
    -- From where, without what tells one caller from the next.
    network text
);
CREATE INDEX sign_ins_person ON sign_ins (person_id, id);
CREATE INDEX sign_ins_happened_at ON sign_ins (happened_at);

DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['commerce_writer', 'commerce_projector', 'commerce_reader',
                                'commerce_analyst'] LOOP
        CONTINUE WHEN NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role);
        EXECUTE format('REVOKE ALL ON sign_ins FROM %I', role);
        IF role = 'commerce_writer' THEN
            EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON sign_ins TO %I', role);
        END IF;
    END LOOP;
END
$$;
