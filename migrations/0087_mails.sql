-- Mails that wait, and what became of them. To whom and about what is sealed under the key of the
-- person they are for, and forgotten once they are sent, or with the person.
CREATE TABLE mails (
    id uuid PRIMARY KEY,
    subject uuid NOT NULL,
    template text NOT NULL,
    sealed bytea,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'failed')),
    attempts integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL,
    leased_until timestamptz,
    -- What the server said, without whom it was said of.
    last_error text,
    created_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX mails_due ON mails (due_at) WHERE state = 'waiting';
CREATE INDEX mails_ended ON mails (ended_at) WHERE state <> 'waiting';
CREATE INDEX mails_subject ON mails (subject, template, created_at);

DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['commerce_writer', 'commerce_projector', 'commerce_reader',
                                'commerce_analyst'] LOOP
        CONTINUE WHEN NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role);
        EXECUTE format('REVOKE ALL ON mails FROM %I', role);
        IF role = 'commerce_writer' THEN
            EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON mails TO %I', role);
        END IF;
    END LOOP;
END
$$;
