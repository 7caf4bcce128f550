-- Who works on a projection, or would: each process that runs it says so every second. Those that
-- have slots give some to those that have none (projector/src/sharing).
CREATE TABLE projection_members (
    projection text NOT NULL,
    member text NOT NULL,
    seen_until timestamptz NOT NULL,
    CONSTRAINT projection_members_pkey PRIMARY KEY (projection, member)
) WITH (fillfactor = 50);

-- The ranges of a build are apart (0041) and have all slots together: what is cut off a range is a
-- range, and what is joined was. Looked at when the transaction ends, and not when a checkpoint
-- moves.
CREATE FUNCTION slots_are_whole() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of record := coalesce(NEW, OLD);
    slots bigint;
BEGIN
    SELECT sum(slot_to - slot_from + 1) INTO slots FROM projection_slots
    WHERE projection = of.projection AND build = of.build;
    IF slots <> 256 THEN
        RAISE EXCEPTION 'build % of % has % slots and not 256', of.build, of.projection, slots
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER projection_slots_whole
    AFTER INSERT OR DELETE OR UPDATE OF slot_from, slot_to ON projection_slots
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slots_are_whole();
