-- The same as before (0240), in a language that keeps its plans: Postgres plans a function in SQL
-- anew with each call where it cannot be put in its caller's place, and neither of these can, for
-- the position of the WAL is volatile. Each batch and each step of a checkpoint calls one.
CREATE OR REPLACE FUNCTION log_timeline() RETURNS integer LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF pg_is_in_recovery() THEN
        RETURN NULL;
    END IF;
    RETURN ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::integer;
END
$$;

CREATE OR REPLACE FUNCTION log_in_force() RETURNS uuid LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT h.log_id FROM log_head h
            WHERE h.timeline IS NULL OR pg_is_in_recovery() OR h.timeline = log_timeline());
END
$$;
