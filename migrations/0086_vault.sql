-- What is known of people, sealed for each of them under a key of their own, which is sealed under
-- the master key: no event, no read model and no index holds it. Who is forgotten loses the key.
CREATE TABLE vault_keys (
    -- A customer, a guest, or who is in one record alone.
    subject uuid PRIMARY KEY,
    sealed bytea NOT NULL,
    -- The customer whom a guest turned out to be: forgotten with them.
    customer uuid,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX vault_keys_customer ON vault_keys (customer) WHERE customer IS NOT NULL;

-- Who was forgotten, for readers to be told so, and to forget them again in what was restored.
CREATE TABLE vault_erased (
    subject uuid PRIMARY KEY,
    erased_at timestamptz NOT NULL
);

CREATE TABLE vault_records (
    id uuid PRIMARY KEY,
    subject uuid NOT NULL,
    kind text NOT NULL,
    -- None of who was forgotten.
    sealed bytea,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    -- Whether it is in its person's list.
    listed boolean NOT NULL DEFAULT true,
    -- Whether an order refers to it, or is about to: it stays as it is.
    in_use boolean NOT NULL DEFAULT false,
    -- When it is swept, unless it is in use; never, where it is kept for good.
    kept_until timestamptz
);
CREATE INDEX vault_records_subject ON vault_records (subject, kind);
CREATE INDEX vault_records_kept_until ON vault_records (kept_until) WHERE NOT in_use;

-- Keyed digests of words about people, by which a record is found without being read.
CREATE TABLE vault_index (
    digest bytea NOT NULL,
    record_id uuid NOT NULL REFERENCES vault_records ON DELETE CASCADE,
    PRIMARY KEY (digest, record_id)
);
CREATE INDEX vault_index_record ON vault_index (record_id);

DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['commerce_writer', 'commerce_projector', 'commerce_reader',
                                'commerce_analyst'] LOOP
        CONTINUE WHEN NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role);
        EXECUTE format('REVOKE ALL ON vault_keys, vault_erased, vault_records, vault_index
                        FROM %I', role);
        IF role = 'commerce_writer' THEN
            EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE
                            ON vault_keys, vault_erased, vault_records, vault_index TO %I', role);
        ELSIF role = 'commerce_reader' THEN
            -- Who finds does not read.
            EXECUTE format('GRANT SELECT (id, subject, kind) ON vault_records TO %I', role);
            EXECUTE format('GRANT SELECT ON vault_index TO %I', role);
        END IF;
    END LOOP;
END
$$;
