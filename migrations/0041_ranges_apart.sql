-- Two ranges of slots of a build that overlap would fold the same events twice.
CREATE EXTENSION IF NOT EXISTS btree_gist;
ALTER TABLE projection_slots ADD CONSTRAINT projection_slots_apart EXCLUDE USING gist (
    projection WITH =, build WITH =, int4range(slot_from, slot_to, '[]') WITH &&);
