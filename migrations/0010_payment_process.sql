-- The payment process: how far it has read the log, and what it has to do. Owned by command-api.

CREATE TABLE payment_process (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    position bigint NOT NULL
);
INSERT INTO payment_process (position) VALUES (0);

-- One row for each thing to do: found by its due time, never kept in a timer.
CREATE TABLE payment_tasks (
    kind text NOT NULL CHECK (kind IN ('ask_gateway', 'expire_order', 'expire_authorization')),
    -- The payment, or the order for expire_order.
    subject uuid NOT NULL,
    due_at timestamptz NOT NULL,
    -- The position of the event that asks for it: half of every key the process uses.
    cause bigint NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    leased_until timestamptz,
    CONSTRAINT payment_tasks_pkey PRIMARY KEY (kind, subject)
);
CREATE INDEX payment_tasks_due ON payment_tasks (due_at);

-- Events the process should have understood and could not. Nothing is skipped in silence.
CREATE TABLE payment_process_parked (
    position bigint PRIMARY KEY,
    reason text NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT now()
);

-- The sandbox gateway's own memory: it stands for a company elsewhere, which remembers what it did
-- under which key. Nothing but the sandbox reads or writes it.
CREATE TABLE sandbox_gateway (
    key text PRIMARY KEY,
    operation text NOT NULL,
    amount numeric NOT NULL,
    currency text NOT NULL,
    declined text,
    done_at timestamptz NOT NULL DEFAULT now()
);
