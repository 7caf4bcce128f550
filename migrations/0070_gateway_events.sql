-- What gateways sent without being asked, as it came, for as long as the reactor is told to keep
-- it: there to be looked at when a gateway and the log tell different stories. Owned by the
-- reactor.
CREATE TABLE gateway_events (
    gateway text NOT NULL,
    -- The gateway's name for it.
    event_id text NOT NULL,
    -- In the gateway's words.
    kind text NOT NULL,
    -- `told`, `nothing`, or the code with which the log refused it.
    outcome text NOT NULL,
    -- How often it was sent.
    times integer NOT NULL DEFAULT 1,
    received_at timestamptz NOT NULL DEFAULT now(),
    -- Byte for byte, for its signature is of these. May tell of persons.
    body bytea NOT NULL,
    CONSTRAINT gateway_events_pkey PRIMARY KEY (gateway, event_id)
);
CREATE INDEX gateway_events_received ON gateway_events (received_at);

-- For writers alone (0032).
DO $$
DECLARE
    role text;
BEGIN
    FOR role IN SELECT rolname FROM pg_roles
                WHERE rolname IN ('commerce_projector', 'commerce_reader', 'commerce_analyst') LOOP
        EXECUTE format('REVOKE ALL ON gateway_events FROM %I', role);
    END LOOP;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'commerce_writer') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON gateway_events TO commerce_writer;
    END IF;
END
$$;
