-- Who is told of events over HTTP, how far the log was read for them, and what is to be sent.
-- Configuration and work to do, no events: the log says what happened, and is the queue in front of
-- these. Owned by `webhook`.
CREATE TABLE webhook_subscriptions (
    id uuid PRIMARY KEY,
    url text NOT NULL,
    -- Names of events, or `order.*` for all of a kind.
    event_types text[] NOT NULL,
    description text NOT NULL,
    -- active, paused, disabled; deleted until what was sent to it is gone too.
    state text NOT NULL,
    -- Why it is disabled.
    reason text,
    -- The log it was made for. A copy of the database has another, elsewhere, and tells nobody.
    log_id uuid NOT NULL,
    -- It is told of what comes after this position.
    began_after bigint NOT NULL,
    -- What signs, and for a while what signed before; sealed.
    secret bytea NOT NULL,
    previous_secret bytea,
    previous_until timestamptz,
    -- Until when the receiver wants to be left alone.
    rests_until timestamptz,
    -- How many replays there were.
    replays integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- How far the log was read for a subscription: 0 goes on for ever, the others are replays, which
-- end. Each with a place of its own: one that has too much to send waits in the log.
CREATE TABLE webhook_readings (
    subscription_id uuid NOT NULL REFERENCES webhook_subscriptions ON DELETE CASCADE,
    replay integer NOT NULL,
    position bigint NOT NULL,
    until_position bigint,
    CONSTRAINT webhook_readings_pkey PRIMARY KEY (subscription_id, replay)
);
-- One replay at a time.
CREATE UNIQUE INDEX webhook_readings_replay ON webhook_readings (subscription_id)
    WHERE replay > 0;

-- An event to be told to a subscription, or told, or given up.
CREATE TABLE webhook_deliveries (
    subscription_id uuid NOT NULL REFERENCES webhook_subscriptions,
    position bigint NOT NULL,
    replay integer NOT NULL,
    type text NOT NULL,
    -- pending, delivered, failed.
    state text NOT NULL DEFAULT 'pending',
    attempts integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT now(),
    leased_until timestamptz,
    -- Of the last attempt: the receiver's status, and what it said or what went wrong.
    status smallint,
    error text,
    attempted_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (subscription_id, position, replay)
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (subscription_id, due_at, position)
    WHERE state = 'pending';
CREATE INDEX webhook_deliveries_leased ON webhook_deliveries (subscription_id, leased_until)
    WHERE leased_until IS NOT NULL;
CREATE INDEX webhook_deliveries_by_state
    ON webhook_deliveries (subscription_id, state, position DESC, replay DESC);
CREATE INDEX webhook_deliveries_ended_at ON webhook_deliveries (subscription_id, ended_at)
    WHERE state <> 'pending';

DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['commerce_writer', 'commerce_projector', 'commerce_reader',
                                'commerce_analyst'] LOOP
        CONTINUE WHEN NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role);
        EXECUTE format('REVOKE ALL ON webhook_subscriptions, webhook_readings, webhook_deliveries
                        FROM %I', role);
        IF role = 'commerce_writer' THEN
            EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE
                            ON webhook_subscriptions, webhook_readings, webhook_deliveries TO %I',
                           role);
        END IF;
    END LOOP;
END
$$;
