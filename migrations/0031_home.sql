-- Where the log is at home. A copy that was restored elsewhere has the original's log_id, and its
-- programs would take the original's events from NATS for their own; but it is not at home there,
-- and gets an id of its own before anybody trusts NATS.
ALTER TABLE log_head ADD COLUMN home text;

-- The server and the database one is connected to; the same on a server's replicas. NULL where the
-- server does not tell.
CREATE FUNCTION log_home() RETURNS text LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    RETURN (SELECT system_identifier::text || '/' ||
                   (SELECT oid FROM pg_database WHERE datname = current_database())
            FROM pg_control_system());
EXCEPTION WHEN insufficient_privilege THEN
    RETURN NULL;
END
$$;
UPDATE log_head SET home = log_home();

-- Gives the log a new id if it is not at home where it is, or in any case (`anew`). Returns the id
-- that it had and the one that it has.
CREATE FUNCTION settle_log(anew boolean, OUT former uuid, OUT current uuid, OUT head bigint)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    here text := log_home();
    due boolean;
BEGIN
    SELECT h.log_id, h.log_id, h.position, anew OR h.home IS DISTINCT FROM coalesce(here, h.home)
    INTO STRICT former, current, head, due FROM log_head h;
    IF NOT due THEN
        RETURN;
    END IF;
    -- Once more, now that no other process can do the same.
    SELECT h.log_id, h.log_id, h.position, anew OR h.home IS DISTINCT FROM coalesce(here, h.home)
    INTO STRICT former, current, head, due FROM log_head h FOR UPDATE;
    IF due THEN
        UPDATE log_head SET log_id = gen_random_uuid(), home = here RETURNING log_id INTO current;
    END IF;
END
$$;
