-- Moves a checkpoint, as the beginning of the transaction that writes the rows, in the same round
-- trip. Where the lease is somebody else's, or the checkpoint not where the worker left it, it says
-- so and the transaction can no longer write: an error would leave the session in a transaction
-- that whoever began it does not know of.
CREATE FUNCTION move_checkpoint(
    of_projection text, of_build smallint, of_slot_from smallint, by_epoch bigint,
    position_from bigint, position_to bigint, term_ms bigint
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true),
            set_config('idle_in_transaction_session_timeout', term_ms::text, true);
    UPDATE projection_slots SET position = position_to, updated_at = clock_timestamp(),
        lease_until = clock_timestamp() + term_ms * interval '1 millisecond'
    WHERE projection = of_projection AND build = of_build AND slot_from = of_slot_from
      AND epoch = by_epoch AND position = position_from;
    IF NOT FOUND THEN
        PERFORM set_config('transaction_read_only', 'on', true);
        RETURN false;
    END IF;
    RETURN true;
END
$$;
