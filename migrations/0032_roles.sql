-- Roles to connect as, by what a program may do; deploy/README.md says how. They are of the whole
-- server: another database may have made them, or be making them now. Who may not make roles
-- connects as the owner, as before.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['commerce_writer', 'commerce_projector', 'commerce_reader',
                                'commerce_analyst'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', name);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN
            NULL;
        END;
    END LOOP;
END
$$;

-- What runs with the rights of the log's owner is for writers alone.
REVOKE EXECUTE ON FUNCTION hold_head(), take_turn(bigint, integer, bigint), settle_log(boolean),
    append(uuid, bigint, boolean, text[], bigint[], text[], text[], uuid[], text[], bigint[], text[],
           bigint[], text[], smallint[], smallint[], timestamptz[], text[], text[])
FROM PUBLIC;

-- Grants, to those of the roles that are there.
CREATE FUNCTION grant_to(role text, rights text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
        EXECUTE format('GRANT %s TO %I', rights, role);
    END IF;
END
$$;

SELECT grant_to(role, 'USAGE ON SCHEMA public')
FROM unnest(ARRAY['commerce_writer', 'commerce_projector', 'commerce_reader', 'commerce_analyst'])
    AS role;

-- command-api: reads the log, and appends by append() alone.
SELECT grant_to('commerce_writer', rights) FROM unnest(ARRAY[
    'SELECT ON events, commands, log_head',
    'SELECT, INSERT, UPDATE, DELETE ON snapshots, payment_process, payment_tasks,
        payment_process_parked, sandbox_gateway',
    'EXECUTE ON FUNCTION hold_head(), take_turn(bigint, integer, bigint), settle_log(boolean),
        append(uuid, bigint, boolean, text[], bigint[], text[], text[], uuid[], text[], bigint[],
               text[], bigint[], text[], smallint[], smallint[], timestamptz[], text[], text[])'
]) AS rights;

-- projector: reads the log, and writes everything that comes from it.
SELECT grant_to('commerce_projector', format('SELECT, INSERT, UPDATE, DELETE ON %I', relname))
FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')
  AND relname NOT IN ('events', 'commands', 'log_head', 'snapshots', 'payment_process',
                      'payment_tasks', 'payment_process_parked', 'sandbox_gateway',
                      '_sqlx_migrations');
SELECT grant_to('commerce_projector', 'SELECT ON events, log_head');

-- query-api: reads the log and what comes from it.
SELECT grant_to('commerce_reader', format('SELECT ON %I', relname))
FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')
  AND relname NOT IN ('commands', 'snapshots', 'payment_process', 'payment_tasks',
                      'payment_process_parked', 'sandbox_gateway');

-- People: the log, and the views of what comes from it.
SELECT grant_to('commerce_analyst', format('SELECT ON %I', relname))
FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND (relkind = 'v' OR relname IN ('events', 'log_head'));

-- Every program looks whether the schema is its own.
SELECT grant_to(role, 'SELECT ON _sqlx_migrations')
FROM unnest(ARRAY['commerce_writer', 'commerce_projector']) AS role
WHERE to_regclass('_sqlx_migrations') IS NOT NULL;

DROP FUNCTION grant_to(text, text);

-- What is added from here on is made by the projector and read by all; where a table is not, its
-- migration says so.
DO $$
BEGIN
    ALTER DEFAULT PRIVILEGES IN SCHEMA public
        GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO commerce_projector;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public
        GRANT SELECT ON TABLES TO commerce_reader, commerce_analyst;
EXCEPTION WHEN undefined_object THEN
    NULL;
END
$$;
