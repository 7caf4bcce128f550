-- The database as the migrations have made it, to be read. Made by `cargo xtask schema`, never
-- edited, and run by nobody; the migrations say why things are as they are.

CREATE EXTENSION btree_gist;

CREATE TABLE api_keys (
    id uuid NOT NULL,
    name text NOT NULL,
    hint text NOT NULL,
    role text NOT NULL,
    scopes text[] NOT NULL,
    secret bytea NOT NULL,
    previous bytea,
    previous_until timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    used_at timestamp with time zone,
    CONSTRAINT api_keys_pkey PRIMARY KEY (id),
    CONSTRAINT api_keys_previous_key UNIQUE (previous),
    CONSTRAINT api_keys_secret_key UNIQUE (secret)
);

CREATE TABLE carts_rows (
    build smallint NOT NULL,
    id uuid NOT NULL,
    document json NOT NULL,
    "position" bigint NOT NULL,
    version bigint NOT NULL,
    status text NOT NULL,
    customer_id uuid,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT carts_rows_pkey PRIMARY KEY (build, id)
) WITH (fillfactor=70);
CREATE INDEX carts_rows_customer ON carts_rows USING btree (build, customer_id, created_at, id) WHERE customer_id IS NOT NULL;

CREATE TABLE commands (
    key text COLLATE "C" NOT NULL,
    fingerprint uuid NOT NULL,
    outcome json NOT NULL,
    "position" bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    CONSTRAINT commands_pkey PRIMARY KEY (key)
);

CREATE TABLE commands_sweep (
    only_one boolean DEFAULT true NOT NULL,
    page bigint DEFAULT 0 NOT NULL,
    CONSTRAINT commands_sweep_pkey PRIMARY KEY (only_one),
    CONSTRAINT commands_sweep_only_one_check CHECK (only_one)
);

CREATE TABLE events (
    "position" bigint NOT NULL,
    stream text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    type text NOT NULL,
    schema smallint NOT NULL,
    slot smallint NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    metadata json NOT NULL,
    data json NOT NULL,
    CONSTRAINT events_pkey PRIMARY KEY ("position"),
    CONSTRAINT events_stream_version_key UNIQUE (stream, version),
    CONSTRAINT events_version_check CHECK (version > 0)
);
CREATE INDEX events_orders_by_address ON events USING btree ((data ->> 'address_id'::text)) WHERE type = ANY (ARRAY['order.placed'::text, 'order.address_changed'::text]);
CREATE INDEX events_orders_by_whose ON events USING btree (COALESCE(data ->> 'customer_id'::text, data ->> 'guest_id'::text)) WHERE type = ANY (ARRAY['order.placed'::text, 'order.assigned'::text]);
CREATE TRIGGER events_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE events ENABLE ALWAYS TRIGGER events_append_only;
CREATE TRIGGER events_by_append BEFORE INSERT ON events FOR EACH STATEMENT WHEN (current_setting('commerce.appending'::text, true) IS DISTINCT FROM 'on'::text) EXECUTE FUNCTION refuse_change();
COMMENT ON TABLE events IS 'Everything that happened, in the order of its positions. The payload of each type is described in /events.schema.json of query-api.';
COMMENT ON COLUMN events."position" IS 'Its place in the log, from 1, without gaps.';
COMMENT ON COLUMN events.stream IS 'What it happened to: its kind and its id, such as order-<id>, or stock-<SKU>, which names the SKU.';
COMMENT ON COLUMN events.version IS 'Its place among all that happened to that.';
COMMENT ON COLUMN events.type IS 'What happened.';
COMMENT ON COLUMN events.schema IS 'In which edition the payload is written.';
COMMENT ON COLUMN events.slot IS 'One of 256 parts of the log, by what it happened to.';
COMMENT ON COLUMN events.occurred_at IS 'When it happened.';
COMMENT ON COLUMN events.recorded_at IS 'When it was appended; later than it happened where it was imported.';
COMMENT ON COLUMN events.metadata IS 'Where it came from: command, actor, correlation, cause.';
COMMENT ON COLUMN events.data IS 'What happened, by its type.';

CREATE TABLE fulfilments_rows (
    build smallint NOT NULL,
    id uuid NOT NULL,
    document json NOT NULL,
    "position" bigint NOT NULL,
    version bigint NOT NULL,
    order_id uuid NOT NULL,
    status text COLLATE "C" NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    location text COLLATE "C",
    CONSTRAINT fulfilments_rows_pkey PRIMARY KEY (build, id)
) WITH (fillfactor=70);
CREATE INDEX fulfilments_rows_created ON fulfilments_rows USING btree (build, created_at, id);
CREATE INDEX fulfilments_rows_location_created ON fulfilments_rows USING btree (build, location, created_at, id);
CREATE INDEX fulfilments_rows_order ON fulfilments_rows USING btree (build, order_id);
CREATE INDEX fulfilments_rows_status_created ON fulfilments_rows USING btree (build, status, created_at, id);
COMMENT ON TABLE fulfilments_rows IS 'Parcels, of each edition: ask the view fulfilments.';
COMMENT ON COLUMN fulfilments_rows.build IS 'Which edition of the rows; a view shows the one that readers see.';
COMMENT ON COLUMN fulfilments_rows.id IS 'Its id.';
COMMENT ON COLUMN fulfilments_rows.document IS 'All of it, as query-api serves it.';
COMMENT ON COLUMN fulfilments_rows."position" IS 'The position of the last event in it.';
COMMENT ON COLUMN fulfilments_rows.version IS 'The version of its own stream.';
COMMENT ON COLUMN fulfilments_rows.order_id IS 'Whose parcel.';
COMMENT ON COLUMN fulfilments_rows.status IS 'Where it stands.';
COMMENT ON COLUMN fulfilments_rows.created_at IS 'When it came to be.';
COMMENT ON COLUMN fulfilments_rows.updated_at IS 'When it last changed.';
COMMENT ON COLUMN fulfilments_rows.location IS 'Where it leaves or left from.';

CREATE TABLE gateway_events (
    gateway text NOT NULL,
    event_id text NOT NULL,
    kind text NOT NULL,
    outcome text NOT NULL,
    times integer DEFAULT 1 NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    body bytea,
    CONSTRAINT gateway_events_pkey PRIMARY KEY (gateway, event_id)
);
CREATE INDEX gateway_events_received ON gateway_events USING btree (received_at);

CREATE TABLE invitations (
    person_id uuid NOT NULL,
    secret bytea NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT invitations_pkey PRIMARY KEY (person_id),
    CONSTRAINT invitations_secret_key UNIQUE (secret),
    CONSTRAINT invitations_person_id_fkey FOREIGN KEY (person_id) REFERENCES people(id) ON DELETE CASCADE
);

CREATE TABLE locations_rows (
    build smallint NOT NULL,
    id text COLLATE "C" NOT NULL,
    document json NOT NULL,
    "position" bigint NOT NULL,
    version bigint NOT NULL,
    sellable boolean NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT locations_rows_pkey PRIMARY KEY (build, id)
) WITH (fillfactor=70);
COMMENT ON TABLE locations_rows IS 'Locations, of each edition: ask the view locations.';
COMMENT ON COLUMN locations_rows.build IS 'Which edition of the rows; a view shows the one that readers see.';
COMMENT ON COLUMN locations_rows.id IS 'The code of the location.';
COMMENT ON COLUMN locations_rows.document IS 'All of it, as query-api serves it.';
COMMENT ON COLUMN locations_rows."position" IS 'The position of the last event in it.';
COMMENT ON COLUMN locations_rows.version IS 'The version of its own stream.';
COMMENT ON COLUMN locations_rows.sellable IS 'Whether what lies there is for sale.';
COMMENT ON COLUMN locations_rows.created_at IS 'When it came to be.';
COMMENT ON COLUMN locations_rows.updated_at IS 'When it last changed.';

CREATE TABLE log_identity (
    only_one boolean DEFAULT true NOT NULL,
    log_id uuid DEFAULT gen_random_uuid() NOT NULL,
    home text,
    timeline integer,
    CONSTRAINT log_identity_pkey PRIMARY KEY (only_one),
    CONSTRAINT log_identity_only_one_check CHECK (only_one)
);
COMMENT ON TABLE log_identity IS 'Which log it is: one row, which is locked by whoever appends.';
COMMENT ON COLUMN log_identity.only_one IS 'Holds it to one row.';
COMMENT ON COLUMN log_identity.log_id IS 'Which log it is; a copy gets another.';
COMMENT ON COLUMN log_identity.home IS 'The server and the database that it lives in.';
COMMENT ON COLUMN log_identity.timeline IS 'The timeline of Postgres in which it was last written.';

CREATE TABLE log_lineage (
    log_id uuid NOT NULL,
    head bigint NOT NULL,
    ended_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT log_lineage_pkey PRIMARY KEY (log_id)
);
COMMENT ON TABLE log_lineage IS 'The ids the log had before, and what it has in common with each.';
COMMENT ON COLUMN log_lineage.log_id IS 'An id that the log had before.';
COMMENT ON COLUMN log_lineage.head IS 'Up to which position it is the same.';
COMMENT ON COLUMN log_lineage.ended_at IS 'When it got another.';

CREATE TABLE mails (
    id uuid NOT NULL,
    subject uuid NOT NULL,
    template text NOT NULL,
    sealed bytea,
    state text DEFAULT 'waiting'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone NOT NULL,
    leased_until timestamp with time zone,
    last_error text,
    created_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    recipient bytea,
    CONSTRAINT mails_pkey PRIMARY KEY (id),
    CONSTRAINT mails_state_check CHECK (state = ANY (ARRAY['waiting'::text, 'sent'::text, 'failed'::text]))
);
CREATE INDEX mails_due ON mails USING btree (due_at) WHERE state = 'waiting'::text;
CREATE INDEX mails_ended ON mails USING btree (ended_at) WHERE state <> 'waiting'::text;
CREATE INDEX mails_recipient ON mails USING btree (recipient, template, created_at) WHERE recipient IS NOT NULL;
CREATE INDEX mails_recipient_created_at ON mails USING btree (created_at) WHERE recipient IS NOT NULL;
CREATE INDEX mails_subject ON mails USING btree (subject, template, created_at);

CREATE TABLE orders_rows (
    build smallint NOT NULL,
    id uuid NOT NULL,
    document json NOT NULL,
    "position" bigint NOT NULL,
    version bigint NOT NULL,
    status text COLLATE "C" NOT NULL,
    payment_status text COLLATE "C" NOT NULL,
    fulfilment_status text COLLATE "C" NOT NULL,
    customer_id uuid,
    total numeric NOT NULL,
    currency text COLLATE "C" NOT NULL,
    units bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    number bigint DEFAULT 0 NOT NULL,
    to_refund numeric DEFAULT 0 NOT NULL,
    address_id uuid,
    skus text[] COLLATE "C" DEFAULT '{}'::text[] NOT NULL,
    tracking_keys text[] COLLATE "C" DEFAULT '{}'::text[] NOT NULL,
    CONSTRAINT orders_rows_pkey PRIMARY KEY (build, id)
) WITH (fillfactor=70, toast_tuple_target=8160);
CREATE INDEX orders_rows_address ON orders_rows USING btree (build, address_id) WHERE address_id IS NOT NULL;
CREATE INDEX orders_rows_created ON orders_rows USING btree (build, created_at, id);
CREATE INDEX orders_rows_currency_total ON orders_rows USING btree (build, currency, total, id);
CREATE INDEX orders_rows_customer ON orders_rows USING btree (build, customer_id, created_at, id) WHERE customer_id IS NOT NULL;
CREATE INDEX orders_rows_found ON orders_rows USING gin (skus, tracking_keys);
CREATE INDEX orders_rows_fulfilment_created ON orders_rows USING btree (build, fulfilment_status, created_at, id);
CREATE INDEX orders_rows_number ON orders_rows USING btree (build, number);
CREATE INDEX orders_rows_payment_created ON orders_rows USING btree (build, payment_status, created_at, id);
CREATE INDEX orders_rows_status_created ON orders_rows USING btree (build, status, created_at, id);
CREATE INDEX orders_rows_to_refund ON orders_rows USING btree (build, created_at, id) WHERE to_refund > 0::numeric;
CREATE INDEX orders_rows_total ON orders_rows USING btree (build, total, id);

CREATE TABLE parked_messages (
    sequence bigint NOT NULL,
    reason text NOT NULL,
    seen_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT parked_messages_pkey PRIMARY KEY (sequence)
);

CREATE TABLE parked_streams (
    projection text NOT NULL,
    build smallint NOT NULL,
    stream text NOT NULL,
    "position" bigint NOT NULL,
    version bigint NOT NULL,
    behind text,
    reason text NOT NULL,
    parked_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT parked_streams_pkey PRIMARY KEY (projection, build, stream),
    CONSTRAINT parked_streams_build_fkey FOREIGN KEY (projection, build) REFERENCES projection_builds(projection, build) ON DELETE CASCADE
);

CREATE TABLE payments_rows (
    build smallint NOT NULL,
    id uuid NOT NULL,
    document json NOT NULL,
    "position" bigint NOT NULL,
    version bigint NOT NULL,
    order_id uuid NOT NULL,
    method text NOT NULL,
    status text COLLATE "C" NOT NULL,
    amount numeric NOT NULL,
    currency text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    unknown boolean DEFAULT false NOT NULL,
    dispute text COLLATE "C",
    to_remit boolean DEFAULT false NOT NULL,
    CONSTRAINT payments_rows_pkey PRIMARY KEY (build, id)
) WITH (fillfactor=70);
CREATE INDEX payments_rows_created ON payments_rows USING btree (build, created_at, id);
CREATE INDEX payments_rows_dispute ON payments_rows USING btree (build, dispute, created_at, id) WHERE dispute IS NOT NULL;
CREATE INDEX payments_rows_order ON payments_rows USING btree (build, order_id);
CREATE INDEX payments_rows_status_created ON payments_rows USING btree (build, status, created_at, id);
CREATE INDEX payments_rows_to_remit ON payments_rows USING btree (build, created_at, id) WHERE to_remit;
CREATE INDEX payments_rows_unknown ON payments_rows USING btree (build, created_at, id) WHERE unknown;

CREATE TABLE people (
    id uuid NOT NULL,
    role text,
    email_digest bytea NOT NULL,
    email_sealed bytea NOT NULL,
    password text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    disabled_at timestamp with time zone,
    verified_at timestamp with time zone,
    CONSTRAINT people_pkey PRIMARY KEY (id),
    CONSTRAINT people_email_digest_key UNIQUE (email_digest)
);

CREATE TABLE person_codes (
    digest bytea NOT NULL,
    person_id uuid NOT NULL,
    purpose text NOT NULL,
    sealed bytea,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT person_codes_pkey PRIMARY KEY (digest),
    CONSTRAINT person_codes_person_id_fkey FOREIGN KEY (person_id) REFERENCES people(id) ON DELETE CASCADE
);
CREATE INDEX person_codes_expires_at ON person_codes USING btree (expires_at);
CREATE INDEX person_codes_person ON person_codes USING btree (person_id, purpose, expires_at);

CREATE TABLE products_rows (
    build smallint NOT NULL,
    id uuid NOT NULL,
    document json NOT NULL,
    "position" bigint NOT NULL,
    version bigint NOT NULL,
    status text COLLATE "C" NOT NULL,
    title text NOT NULL,
    brand text COLLATE "C",
    category text[] COLLATE "C" NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    title_key text COLLATE "C" DEFAULT ''::text NOT NULL,
    skus text[] COLLATE "C" DEFAULT '{}'::text[] NOT NULL,
    barcodes text[] COLLATE "C" DEFAULT '{}'::text[] NOT NULL,
    title_keys bytea[] DEFAULT '{}'::bytea[] NOT NULL,
    brand_key text COLLATE "C",
    category_keys text[] COLLATE "C",
    CONSTRAINT products_rows_pkey PRIMARY KEY (build, id)
) WITH (fillfactor=80);
CREATE INDEX products_rows_barcodes ON products_rows USING gin (barcodes);
CREATE INDEX products_rows_brand_created ON products_rows USING btree (build, brand, created_at, id) WHERE brand IS NOT NULL;
CREATE INDEX products_rows_brand_key_created ON products_rows USING btree (build, COALESCE(brand_key, lower(btrim(brand))), created_at, id);
CREATE INDEX products_rows_category ON products_rows USING gin (category);
CREATE INDEX products_rows_category_keys ON products_rows USING gin (COALESCE(category_keys, category));
CREATE INDEX products_rows_created ON products_rows USING btree (build, created_at, id);
CREATE INDEX products_rows_skus ON products_rows USING gin (skus);
CREATE INDEX products_rows_status_created ON products_rows USING btree (build, status, created_at, id);
CREATE INDEX products_rows_status_title_key ON products_rows USING btree (build, status, title_key, id);
CREATE INDEX products_rows_title_cs ON products_rows USING btree (build, status, COALESCE(title_keys[2], '\x'::bytea), id);
CREATE INDEX products_rows_title_da ON products_rows USING btree (build, status, COALESCE(title_keys[3], '\x'::bytea), id);
CREATE INDEX products_rows_title_el ON products_rows USING btree (build, status, COALESCE(title_keys[5], '\x'::bytea), id);
CREATE INDEX products_rows_title_es ON products_rows USING btree (build, status, COALESCE(title_keys[10], '\x'::bytea), id);
CREATE INDEX products_rows_title_fi ON products_rows USING btree (build, status, COALESCE(title_keys[4], '\x'::bytea), id);
CREATE INDEX products_rows_title_ja ON products_rows USING btree (build, status, COALESCE(title_keys[6], '\x'::bytea), id);
CREATE INDEX products_rows_title_nb ON products_rows USING btree (build, status, COALESCE(title_keys[7], '\x'::bytea), id);
CREATE INDEX products_rows_title_pl ON products_rows USING btree (build, status, COALESCE(title_keys[8], '\x'::bytea), id);
CREATE INDEX products_rows_title_root ON products_rows USING btree (build, status, COALESCE(title_keys[1], '\x'::bytea), id);
CREATE INDEX products_rows_title_ru ON products_rows USING btree (build, status, COALESCE(title_keys[9], '\x'::bytea), id);
CREATE INDEX products_rows_title_sv ON products_rows USING btree (build, status, COALESCE(title_keys[11], '\x'::bytea), id);
CREATE INDEX products_rows_title_tr ON products_rows USING btree (build, status, COALESCE(title_keys[12], '\x'::bytea), id);
CREATE INDEX products_rows_title_uk ON products_rows USING btree (build, status, COALESCE(title_keys[13], '\x'::bytea), id);

CREATE TABLE projection_actions (
    id bigint NOT NULL,
    projection text NOT NULL,
    action text NOT NULL,
    detail text,
    done_by text NOT NULL,
    done_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    ended_at timestamp with time zone,
    outcome json,
    CONSTRAINT projection_actions_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE projection_actions IS 'What was done to projections by hand.';
COMMENT ON COLUMN projection_actions.id IS 'In the order in which they were begun.';
COMMENT ON COLUMN projection_actions.projection IS 'To which.';
COMMENT ON COLUMN projection_actions.action IS 'What.';
COMMENT ON COLUMN projection_actions.detail IS 'With what.';
COMMENT ON COLUMN projection_actions.done_by IS 'By whom.';
COMMENT ON COLUMN projection_actions.done_at IS 'When it was begun.';
COMMENT ON COLUMN projection_actions.ended_at IS 'When it ended.';
COMMENT ON COLUMN projection_actions.outcome IS 'What came of it.';

CREATE TABLE projection_builds (
    projection text NOT NULL,
    build smallint NOT NULL,
    version integer NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    sends boolean DEFAULT true NOT NULL,
    sender bigint DEFAULT 0 NOT NULL,
    kept_at timestamp with time zone,
    kept_log uuid,
    CONSTRAINT projection_builds_pkey PRIMARY KEY (projection, build),
    CONSTRAINT projection_builds_projection_fkey FOREIGN KEY (projection) REFERENCES projections(name)
);
CREATE UNIQUE INDEX projection_builds_kept ON projection_builds USING btree (projection) WHERE kept_at IS NOT NULL;

CREATE TABLE projection_members (
    projection text NOT NULL,
    member text NOT NULL,
    seen_until timestamp with time zone NOT NULL,
    CONSTRAINT projection_members_pkey PRIMARY KEY (projection, member)
) WITH (fillfactor=50);
COMMENT ON TABLE projection_members IS 'The processes that run projections.';
COMMENT ON COLUMN projection_members.projection IS 'Which projection.';
COMMENT ON COLUMN projection_members.member IS 'Which process runs it.';
COMMENT ON COLUMN projection_members.seen_until IS 'Until when it is taken to live.';

CREATE TABLE projection_slots (
    projection text NOT NULL,
    build smallint NOT NULL,
    slot_from smallint NOT NULL,
    slot_to smallint NOT NULL,
    "position" bigint DEFAULT 0 NOT NULL,
    epoch bigint DEFAULT 0 NOT NULL,
    owner text,
    lease_until timestamp with time zone,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    waits_at bigint,
    released_by text,
    released_until timestamp with time zone,
    CONSTRAINT projection_slots_pkey PRIMARY KEY (projection, build, slot_from),
    CONSTRAINT projection_slots_apart EXCLUDE USING gist (projection WITH =, build WITH =, int4range(slot_from::integer, slot_to::integer, '[]'::text) WITH &&),
    CONSTRAINT projection_slots_build_fkey FOREIGN KEY (projection, build) REFERENCES projection_builds(projection, build) ON DELETE CASCADE,
    CONSTRAINT projection_slots_position_check CHECK ("position" >= 0),
    CONSTRAINT projection_slots_range CHECK (slot_from >= 0 AND slot_to >= slot_from AND slot_to < 256)
) WITH (fillfactor=50);
CREATE CONSTRAINT TRIGGER projection_slots_whole AFTER INSERT OR DELETE OR UPDATE OF slot_from, slot_to ON projection_slots DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slots_are_whole();

CREATE TABLE projections (
    name text NOT NULL,
    active_build smallint NOT NULL,
    last_build smallint DEFAULT 1 NOT NULL,
    paused_at timestamp with time zone,
    CONSTRAINT projections_pkey PRIMARY KEY (name),
    CONSTRAINT projections_active_build_check CHECK (active_build > 0)
);

CREATE TABLE reaction_tasks (
    reaction text NOT NULL,
    subject text NOT NULL,
    due_at timestamp with time zone NOT NULL,
    cause bigint NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    leased_until timestamp with time zone,
    CONSTRAINT reaction_tasks_pkey PRIMARY KEY (reaction, subject)
);
CREATE INDEX reaction_tasks_due ON reaction_tasks USING btree (due_at);

CREATE TABLE reaction_waiting (
    reaction text NOT NULL,
    stream text NOT NULL,
    version bigint NOT NULL,
    "position" bigint NOT NULL,
    reason text NOT NULL,
    since timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT reaction_waiting_pkey PRIMARY KEY (reaction, stream)
);

CREATE TABLE reactions (
    name text NOT NULL,
    "position" bigint NOT NULL,
    taken_up bigint DEFAULT 0 NOT NULL,
    CONSTRAINT reactions_pkey PRIMARY KEY (name)
);

CREATE TABLE recovery_codes (
    person_id uuid NOT NULL,
    digest bytea NOT NULL,
    CONSTRAINT recovery_codes_pkey PRIMARY KEY (person_id, digest),
    CONSTRAINT recovery_codes_person_id_fkey FOREIGN KEY (person_id) REFERENCES second_factors(person_id) ON DELETE CASCADE
);

CREATE TABLE registrations (
    digest bytea NOT NULL,
    id uuid NOT NULL,
    email_digest bytea NOT NULL,
    email_sealed bytea NOT NULL,
    password text NOT NULL,
    locale text,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT registrations_pkey PRIMARY KEY (digest)
);
CREATE INDEX registrations_email ON registrations USING btree (email_digest, expires_at);
CREATE INDEX registrations_expires_at ON registrations USING btree (expires_at);

CREATE TABLE returns_rows (
    build smallint NOT NULL,
    id uuid NOT NULL,
    document json NOT NULL,
    "position" bigint NOT NULL,
    version bigint NOT NULL,
    order_id uuid NOT NULL,
    status text COLLATE "C" NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT returns_rows_pkey PRIMARY KEY (build, id)
) WITH (fillfactor=70);
CREATE INDEX returns_rows_created ON returns_rows USING btree (build, created_at, id);
CREATE INDEX returns_rows_order ON returns_rows USING btree (build, order_id);
CREATE INDEX returns_rows_status_created ON returns_rows USING btree (build, status, created_at, id);
COMMENT ON TABLE returns_rows IS 'Returns, of each edition: ask the view returns.';
COMMENT ON COLUMN returns_rows.build IS 'Which edition of the rows; a view shows the one that readers see.';
COMMENT ON COLUMN returns_rows.id IS 'Its id.';
COMMENT ON COLUMN returns_rows.document IS 'All of it, as query-api serves it.';
COMMENT ON COLUMN returns_rows."position" IS 'The position of the last event in it.';
COMMENT ON COLUMN returns_rows.version IS 'The version of its own stream.';
COMMENT ON COLUMN returns_rows.order_id IS 'What of it comes back.';
COMMENT ON COLUMN returns_rows.status IS 'Where it stands.';
COMMENT ON COLUMN returns_rows.created_at IS 'When it came to be.';
COMMENT ON COLUMN returns_rows.updated_at IS 'When it last changed.';

CREATE TABLE sales_orders_rows (
    build smallint NOT NULL,
    id uuid NOT NULL,
    document json NOT NULL,
    CONSTRAINT sales_orders_rows_pkey PRIMARY KEY (build, id)
) WITH (fillfactor=80);

CREATE TABLE sales_rows (
    build smallint NOT NULL,
    id text COLLATE "C" NOT NULL,
    document json NOT NULL,
    "position" bigint NOT NULL,
    version bigint NOT NULL,
    day date NOT NULL,
    currency text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT sales_rows_pkey PRIMARY KEY (build, id)
) WITH (fillfactor=70);
CREATE INDEX sales_rows_day_id ON sales_rows USING btree (build, day, id);

CREATE TABLE sandbox_gateway (
    key text NOT NULL,
    operation text NOT NULL,
    amount numeric NOT NULL,
    currency text NOT NULL,
    declined text,
    done_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT sandbox_gateway_pkey PRIMARY KEY (key)
);

CREATE TABLE search_documents_rows (
    build smallint NOT NULL,
    id uuid NOT NULL,
    document json NOT NULL,
    "position" bigint NOT NULL,
    version bigint NOT NULL,
    listed boolean NOT NULL,
    in_stock boolean NOT NULL,
    dirty boolean NOT NULL,
    revision bigint DEFAULT 1 NOT NULL,
    dirty_from bigint DEFAULT 0 NOT NULL,
    refused text,
    title text NOT NULL,
    brand text,
    category text[] NOT NULL,
    words tsvector NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    keys text[] COLLATE "C" DEFAULT '{}'::text[] NOT NULL,
    price jsonb DEFAULT '{}'::jsonb NOT NULL,
    title_key text COLLATE "C" DEFAULT ''::text NOT NULL,
    created_ts bigint DEFAULT 0 NOT NULL,
    CONSTRAINT search_documents_rows_pkey PRIMARY KEY (build, id)
) WITH (fillfactor=80);
CREATE INDEX search_documents_rows_dirty ON search_documents_rows USING btree (build, id) WHERE dirty;
CREATE INDEX search_documents_rows_dirty_from ON search_documents_rows USING btree (build, dirty_from) WHERE dirty;
CREATE INDEX search_documents_rows_keys ON search_documents_rows USING gin (keys);
CREATE INDEX search_documents_rows_listed ON search_documents_rows USING btree (build, created_at, id) WHERE listed;
CREATE INDEX search_documents_rows_listed_created ON search_documents_rows USING btree (build, created_ts, id) WHERE listed;
CREATE INDEX search_documents_rows_listed_title ON search_documents_rows USING btree (build, title_key, id) WHERE listed;
CREATE INDEX search_documents_rows_refused ON search_documents_rows USING btree (build, id) WHERE refused IS NOT NULL;
CREATE INDEX search_documents_rows_sent ON search_documents_rows USING btree (build) WHERE listed AND NOT dirty AND refused IS NULL;
CREATE INDEX search_documents_rows_words ON search_documents_rows USING gin (words);

CREATE TABLE search_stock_rows (
    build smallint NOT NULL,
    id text COLLATE "C" NOT NULL,
    document json NOT NULL,
    CONSTRAINT search_stock_rows_pkey PRIMARY KEY (build, id)
) WITH (fillfactor=80);

CREATE TABLE second_factors (
    person_id uuid NOT NULL,
    sealed bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    confirmed_at timestamp with time zone,
    last_step bigint NOT NULL,
    CONSTRAINT second_factors_pkey PRIMARY KEY (person_id),
    CONSTRAINT second_factors_person_id_fkey FOREIGN KEY (person_id) REFERENCES people(id) ON DELETE CASCADE
);

CREATE TABLE sessions (
    id uuid NOT NULL,
    person_id uuid NOT NULL,
    secret bytea NOT NULL,
    previous bytea,
    created_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    family bytea,
    replaced_at timestamp with time zone,
    access_until timestamp with time zone,
    CONSTRAINT sessions_pkey PRIMARY KEY (id),
    CONSTRAINT sessions_person_id_fkey FOREIGN KEY (person_id) REFERENCES people(id) ON DELETE CASCADE
);
CREATE INDEX sessions_expires_at ON sessions USING btree (expires_at);
CREATE INDEX sessions_person ON sessions USING btree (person_id);

CREATE TABLE sign_in_failures (
    email_digest bytea NOT NULL,
    failures integer NOT NULL,
    last_at timestamp with time zone NOT NULL,
    CONSTRAINT sign_in_failures_pkey PRIMARY KEY (email_digest)
);
CREATE INDEX sign_in_failures_last_at ON sign_in_failures USING btree (last_at);

CREATE TABLE sign_ins (
    id bigint NOT NULL,
    person_id uuid NOT NULL,
    happened_at timestamp with time zone NOT NULL,
    what text NOT NULL,
    network text,
    CONSTRAINT sign_ins_pkey PRIMARY KEY (id)
);
CREATE INDEX sign_ins_happened_at ON sign_ins USING btree (happened_at);
CREATE INDEX sign_ins_person ON sign_ins USING btree (person_id, id);

CREATE TABLE signing_keys (
    id uuid NOT NULL,
    algorithm text NOT NULL,
    public bytea NOT NULL,
    sealed bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    retired_at timestamp with time zone,
    CONSTRAINT signing_keys_pkey PRIMARY KEY (id)
);

CREATE TABLE skipped_events (
    projection text NOT NULL,
    "position" bigint NOT NULL,
    stream text NOT NULL,
    reason text NOT NULL,
    skipped_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT skipped_events_pkey PRIMARY KEY (projection, "position"),
    CONSTRAINT skipped_events_projection_fkey FOREIGN KEY (projection) REFERENCES projections(name)
);
COMMENT ON TABLE skipped_events IS 'Events that were left out of a projection for good.';
COMMENT ON COLUMN skipped_events.projection IS 'Out of which projection.';
COMMENT ON COLUMN skipped_events."position" IS 'Which event.';
COMMENT ON COLUMN skipped_events.stream IS 'What it happened to.';
COMMENT ON COLUMN skipped_events.reason IS 'Why.';
COMMENT ON COLUMN skipped_events.skipped_at IS 'When.';

CREATE TABLE snapshots (
    stream text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    schema integer NOT NULL,
    state json NOT NULL,
    taken_at timestamp with time zone NOT NULL,
    CONSTRAINT snapshots_pkey PRIMARY KEY (stream),
    CONSTRAINT snapshots_version_check CHECK (version > 0)
);

CREATE TABLE stock_rows (
    build smallint NOT NULL,
    id text COLLATE "C" NOT NULL,
    document json NOT NULL,
    "position" bigint NOT NULL,
    version bigint NOT NULL,
    on_hand bigint NOT NULL,
    available bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    low boolean DEFAULT false NOT NULL,
    short bigint DEFAULT 0 NOT NULL,
    CONSTRAINT stock_rows_pkey PRIMARY KEY (build, id)
) WITH (fillfactor=70);
CREATE INDEX stock_rows_available ON stock_rows USING btree (build, available, id);
CREATE INDEX stock_rows_low ON stock_rows USING btree (build, id) WHERE low;
CREATE INDEX stock_rows_short ON stock_rows USING btree (build, id) WHERE short > 0;

CREATE TABLE vault_check (
    one boolean DEFAULT true NOT NULL,
    sealed bytea NOT NULL,
    index_digest bytea,
    CONSTRAINT vault_check_pkey PRIMARY KEY (one),
    CONSTRAINT vault_check_one_check CHECK (one)
);

CREATE TABLE vault_erased (
    subject uuid NOT NULL,
    erased_at timestamp with time zone NOT NULL,
    CONSTRAINT vault_erased_pkey PRIMARY KEY (subject)
);

CREATE TABLE vault_index (
    digest bytea NOT NULL,
    record_id uuid NOT NULL,
    CONSTRAINT vault_index_pkey PRIMARY KEY (digest, record_id),
    CONSTRAINT vault_index_record_id_fkey FOREIGN KEY (record_id) REFERENCES vault_records(id) ON DELETE CASCADE
);
CREATE INDEX vault_index_record ON vault_index USING btree (record_id);

CREATE TABLE vault_keys (
    subject uuid NOT NULL,
    sealed bytea NOT NULL,
    customer uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT vault_keys_pkey PRIMARY KEY (subject)
);
CREATE INDEX vault_keys_customer ON vault_keys USING btree (customer) WHERE customer IS NOT NULL;

CREATE TABLE vault_records (
    id uuid NOT NULL,
    subject uuid NOT NULL,
    kind text NOT NULL,
    sealed bytea,
    created_at timestamp with time zone NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    listed boolean DEFAULT true NOT NULL,
    in_use boolean DEFAULT false NOT NULL,
    kept_until timestamp with time zone,
    CONSTRAINT vault_records_pkey PRIMARY KEY (id)
);
CREATE INDEX vault_records_kept_until ON vault_records USING btree (kept_until) WHERE NOT in_use;
CREATE INDEX vault_records_subject ON vault_records USING btree (subject, kind);

CREATE TABLE voided_tokens (
    person_id uuid NOT NULL,
    before timestamp with time zone NOT NULL,
    until timestamp with time zone DEFAULT (now() + '60 days'::interval) NOT NULL,
    has_account boolean DEFAULT true NOT NULL,
    CONSTRAINT voided_tokens_pkey PRIMARY KEY (person_id)
);
CREATE INDEX voided_tokens_until ON voided_tokens USING btree (until);

CREATE TABLE webhook_deliveries (
    subscription_id uuid NOT NULL,
    "position" bigint NOT NULL,
    replay integer NOT NULL,
    type text NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    leased_until timestamp with time zone,
    status smallint,
    error text,
    attempted_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (subscription_id, "position", replay),
    CONSTRAINT webhook_deliveries_subscription_id_fkey FOREIGN KEY (subscription_id) REFERENCES webhook_subscriptions(id)
);
CREATE INDEX webhook_deliveries_by_state ON webhook_deliveries USING btree (subscription_id, state, "position" DESC, replay DESC);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries USING btree (subscription_id, due_at, "position") WHERE state = 'pending'::text;
CREATE INDEX webhook_deliveries_ended_at ON webhook_deliveries USING btree (subscription_id, ended_at) WHERE state <> 'pending'::text;
CREATE INDEX webhook_deliveries_leased ON webhook_deliveries USING btree (subscription_id, leased_until) WHERE leased_until IS NOT NULL;

CREATE TABLE webhook_readings (
    subscription_id uuid NOT NULL,
    replay integer NOT NULL,
    "position" bigint NOT NULL,
    until_position bigint,
    CONSTRAINT webhook_readings_pkey PRIMARY KEY (subscription_id, replay),
    CONSTRAINT webhook_readings_subscription_id_fkey FOREIGN KEY (subscription_id) REFERENCES webhook_subscriptions(id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX webhook_readings_replay ON webhook_readings USING btree (subscription_id) WHERE replay > 0;

CREATE TABLE webhook_subscriptions (
    id uuid NOT NULL,
    url text NOT NULL,
    event_types text[] NOT NULL,
    description text NOT NULL,
    state text NOT NULL,
    reason text,
    log_id uuid NOT NULL,
    began_after bigint NOT NULL,
    secret bytea NOT NULL,
    previous_secret bytea,
    previous_until timestamp with time zone,
    rests_until timestamp with time zone,
    replays integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT webhook_subscriptions_pkey PRIMARY KEY (id)
);

CREATE VIEW carts AS
 SELECT id,
    document,
    "position",
    version,
    status,
    customer_id,
    created_at,
    updated_at,
    build
   FROM carts_rows
  WHERE build = (( SELECT projections.active_build
           FROM projections
          WHERE projections.name = 'carts'::text));
COMMENT ON VIEW carts IS 'Carts, as they were left.';
COMMENT ON COLUMN carts.id IS 'Its id.';
COMMENT ON COLUMN carts.document IS 'All of it, as query-api serves it.';
COMMENT ON COLUMN carts."position" IS 'The position of the last event in it.';
COMMENT ON COLUMN carts.version IS 'The version of its own stream.';
COMMENT ON COLUMN carts.status IS 'open, checked_out, merged or abandoned.';
COMMENT ON COLUMN carts.customer_id IS 'Whose it is, unless a guest''s.';
COMMENT ON COLUMN carts.created_at IS 'When it came to be.';
COMMENT ON COLUMN carts.updated_at IS 'When it last changed.';
COMMENT ON COLUMN carts.build IS 'Which edition of the rows; a view shows the one that readers see.';

CREATE VIEW carts_today AS
 SELECT c.id,
    c."position",
    c.version,
    c.build,
    json_build_object('cart', c.document, 'known',
        CASE
            WHEN c.status = 'open'::text THEN ( SELECT json_agg(json_build_object('sold', p.sold, 'available', COALESCE(s.available, 0::bigint), 'obtainable', GREATEST(0::bigint, COALESCE(s.available, 0::bigint) + COALESCE((s.document ->> 'backorder_max'::text)::bigint, 0::bigint))) ORDER BY l.number) AS json_agg
               FROM json_array_elements(c.document -> 'lines'::text) WITH ORDINALITY l(line, number)
                 CROSS JOIN LATERAL ( SELECT (l.line ->> 'sku'::text) COLLATE "C" AS sku) of
                 LEFT JOIN stock s ON s.id = of.sku
                 LEFT JOIN LATERAL ( SELECT json_build_object('product_id', o.id, 'status', o.status, 'title', o.title, 'image', o.document #> '{media,0,url}'::text[], 'variant', v.variant) AS sold
                       FROM products o
                         CROSS JOIN LATERAL json_array_elements(o.document -> 'variants'::text) v(variant)
                      WHERE o.skus @> ARRAY[of.sku] AND (v.variant ->> 'sku'::text) = of.sku
                     LIMIT 1) p ON true)
            ELSE NULL::json
        END) AS document
   FROM carts c;
COMMENT ON VIEW carts_today IS 'Carts with what their lines cost and whether they are there now.';
COMMENT ON COLUMN carts_today.id IS 'Its id.';
COMMENT ON COLUMN carts_today."position" IS 'The position of the last event in it.';
COMMENT ON COLUMN carts_today.version IS 'The version of its own stream.';
COMMENT ON COLUMN carts_today.build IS 'Which edition of the rows; a view shows the one that readers see.';
COMMENT ON COLUMN carts_today.document IS 'All of it, as query-api serves it.';

CREATE VIEW fulfilments AS
 SELECT id,
    document,
    "position",
    version,
    order_id,
    status,
    created_at,
    updated_at,
    build,
    location
   FROM fulfilments_rows
  WHERE build = (( SELECT projections.active_build
           FROM projections
          WHERE projections.name = 'fulfilments'::text));
COMMENT ON VIEW fulfilments IS 'Parcels.';
COMMENT ON COLUMN fulfilments.id IS 'Its id.';
COMMENT ON COLUMN fulfilments.document IS 'All of it, as query-api serves it.';
COMMENT ON COLUMN fulfilments."position" IS 'The position of the last event in it.';
COMMENT ON COLUMN fulfilments.version IS 'The version of its own stream.';
COMMENT ON COLUMN fulfilments.order_id IS 'Whose parcel.';
COMMENT ON COLUMN fulfilments.status IS 'Where it stands.';
COMMENT ON COLUMN fulfilments.created_at IS 'When it came to be.';
COMMENT ON COLUMN fulfilments.updated_at IS 'When it last changed.';
COMMENT ON COLUMN fulfilments.build IS 'Which edition of the rows; a view shows the one that readers see.';
COMMENT ON COLUMN fulfilments.location IS 'Where it leaves or left from.';

CREATE VIEW locations AS
 SELECT id,
    document,
    "position",
    version,
    sellable,
    created_at,
    updated_at,
    build
   FROM locations_rows
  WHERE build = (( SELECT projections.active_build
           FROM projections
          WHERE projections.name = 'locations'::text));
COMMENT ON VIEW locations IS 'Where stock may lie.';
COMMENT ON COLUMN locations.id IS 'The code of the location.';
COMMENT ON COLUMN locations.document IS 'All of it, as query-api serves it.';
COMMENT ON COLUMN locations."position" IS 'The position of the last event in it.';
COMMENT ON COLUMN locations.version IS 'The version of its own stream.';
COMMENT ON COLUMN locations.sellable IS 'Whether what lies there is for sale.';
COMMENT ON COLUMN locations.created_at IS 'When it came to be.';
COMMENT ON COLUMN locations.updated_at IS 'When it last changed.';
COMMENT ON COLUMN locations.build IS 'Which edition of the rows; a view shows the one that readers see.';

CREATE VIEW log_head AS
 SELECT i.only_one,
    COALESCE(( SELECT e."position"
           FROM events e
          ORDER BY e."position" DESC
         LIMIT 1), 0::bigint) AS "position",
    i.log_id,
    i.home,
    i.timeline
   FROM log_identity i;
COMMENT ON VIEW log_head IS 'How far the log has come: one row.';
COMMENT ON COLUMN log_head.only_one IS 'Holds it to one row.';
COMMENT ON COLUMN log_head."position" IS 'The position of the last event.';
COMMENT ON COLUMN log_head.log_id IS 'Which log it is; a copy gets another.';
COMMENT ON COLUMN log_head.home IS 'The server and the database that it lives in.';
COMMENT ON COLUMN log_head.timeline IS 'The timeline of Postgres in which it was last written.';

CREATE VIEW orders AS
 SELECT id,
    document,
    "position",
    version,
    status,
    payment_status,
    fulfilment_status,
    customer_id,
    total,
    currency,
    units,
    created_at,
    updated_at,
    build,
    number,
    to_refund,
    address_id,
    skus,
    tracking_keys
   FROM orders_rows
  WHERE build = (( SELECT projections.active_build
           FROM projections
          WHERE projections.name = 'orders'::text));
COMMENT ON VIEW orders IS 'Orders, with their payments, parcels and returns in the document.';
COMMENT ON COLUMN orders.id IS 'Its id.';
COMMENT ON COLUMN orders.document IS 'All of it, as query-api serves it.';
COMMENT ON COLUMN orders."position" IS 'The position of the last event in it.';
COMMENT ON COLUMN orders.version IS 'The version of its own stream.';
COMMENT ON COLUMN orders.status IS 'Where it stands in its life: pending, confirmed, completed or cancelled.';
COMMENT ON COLUMN orders.payment_status IS 'What has come of paying.';
COMMENT ON COLUMN orders.fulfilment_status IS 'What has come of sending.';
COMMENT ON COLUMN orders.customer_id IS 'Whose it is, unless a guest''s.';
COMMENT ON COLUMN orders.total IS 'The sum of the lines, as they were bought.';
COMMENT ON COLUMN orders.currency IS 'What its amounts are in (ISO 4217).';
COMMENT ON COLUMN orders.units IS 'Units of all lines, as they were bought.';
COMMENT ON COLUMN orders.created_at IS 'When it came to be.';
COMMENT ON COLUMN orders.updated_at IS 'When it last changed.';
COMMENT ON COLUMN orders.build IS 'Which edition of the rows; a view shows the one that readers see.';
COMMENT ON COLUMN orders.number IS 'Its number, for people: the position at which it was placed.';
COMMENT ON COLUMN orders.to_refund IS 'What of that which was paid is to be given back.';
COMMENT ON COLUMN orders.address_id IS 'Where it goes: a record of the vault.';
COMMENT ON COLUMN orders.skus IS 'The SKUs of its lines.';
COMMENT ON COLUMN orders.tracking_keys IS 'The tracking codes of its parcels, in capitals, without spaces.';

CREATE VIEW payments AS
 SELECT id,
    document,
    "position",
    version,
    order_id,
    method,
    status,
    amount,
    currency,
    created_at,
    updated_at,
    build,
    unknown,
    dispute,
    to_remit
   FROM payments_rows
  WHERE build = (( SELECT projections.active_build
           FROM projections
          WHERE projections.name = 'payments'::text));
COMMENT ON VIEW payments IS 'Payments.';
COMMENT ON COLUMN payments.id IS 'Its id.';
COMMENT ON COLUMN payments.document IS 'All of it, as query-api serves it.';
COMMENT ON COLUMN payments."position" IS 'The position of the last event in it.';
COMMENT ON COLUMN payments.version IS 'The version of its own stream.';
COMMENT ON COLUMN payments.order_id IS 'What is paid.';
COMMENT ON COLUMN payments.method IS 'How: card, cash_on_delivery, external or one of a gateway.';
COMMENT ON COLUMN payments.status IS 'Where it stands.';
COMMENT ON COLUMN payments.amount IS 'How much is to be paid.';
COMMENT ON COLUMN payments.currency IS 'What its amounts are in (ISO 4217).';
COMMENT ON COLUMN payments.created_at IS 'When it came to be.';
COMMENT ON COLUMN payments.updated_at IS 'When it last changed.';
COMMENT ON COLUMN payments.build IS 'Which edition of the rows; a view shows the one that readers see.';
COMMENT ON COLUMN payments.unknown IS 'Whether a gateway''s answer was lost, and nobody knows yet what it did.';
COMMENT ON COLUMN payments.dispute IS 'How far the latest dispute has come; nothing without one.';
COMMENT ON COLUMN payments.to_remit IS 'Whether cash that was collected is still to be handed over.';

CREATE VIEW products AS
 SELECT id,
    document,
    "position",
    version,
    status,
    title,
    brand,
    category,
    created_at,
    updated_at,
    build,
    title_key,
    skus,
    barcodes,
    COALESCE(title_keys[1], '\x'::bytea) AS title_root,
    COALESCE(title_keys[2], '\x'::bytea) AS title_cs,
    COALESCE(title_keys[3], '\x'::bytea) AS title_da,
    COALESCE(title_keys[4], '\x'::bytea) AS title_fi,
    COALESCE(title_keys[5], '\x'::bytea) AS title_el,
    COALESCE(title_keys[6], '\x'::bytea) AS title_ja,
    COALESCE(title_keys[7], '\x'::bytea) AS title_nb,
    COALESCE(title_keys[8], '\x'::bytea) AS title_pl,
    COALESCE(title_keys[9], '\x'::bytea) AS title_ru,
    COALESCE(title_keys[10], '\x'::bytea) AS title_es,
    COALESCE(title_keys[11], '\x'::bytea) AS title_sv,
    COALESCE(title_keys[12], '\x'::bytea) AS title_tr,
    COALESCE(title_keys[13], '\x'::bytea) AS title_uk,
    COALESCE(brand_key, lower(btrim(brand))) AS brand_key,
    COALESCE(category_keys, category) AS category_keys
   FROM products_rows
  WHERE build = (( SELECT projections.active_build
           FROM projections
          WHERE projections.name = 'products'::text));
COMMENT ON VIEW products IS 'Products with their variants, in any status.';
COMMENT ON COLUMN products.id IS 'Its id.';
COMMENT ON COLUMN products.document IS 'All of it, as query-api serves it.';
COMMENT ON COLUMN products."position" IS 'The position of the last event in it.';
COMMENT ON COLUMN products.version IS 'The version of its own stream.';
COMMENT ON COLUMN products.status IS 'draft, published or archived.';
COMMENT ON COLUMN products.title IS 'What it is called.';
COMMENT ON COLUMN products.brand IS 'Whose product it is.';
COMMENT ON COLUMN products.category IS 'What it is among, the widest first.';
COMMENT ON COLUMN products.created_at IS 'When it came to be.';
COMMENT ON COLUMN products.updated_at IS 'When it last changed.';
COMMENT ON COLUMN products.build IS 'Which edition of the rows; a view shows the one that readers see.';
COMMENT ON COLUMN products.title_key IS 'Its title as an older program sorts by it.';
COMMENT ON COLUMN products.skus IS 'The SKUs of its variants.';
COMMENT ON COLUMN products.barcodes IS 'The barcodes of its variants.';
COMMENT ON COLUMN products.title_root IS 'The title, as it is sorted by: in the order of most languages.';
COMMENT ON COLUMN products.title_cs IS 'The title, as it is sorted by: in the order of cs.';
COMMENT ON COLUMN products.title_da IS 'The title, as it is sorted by: in the order of da.';
COMMENT ON COLUMN products.title_fi IS 'The title, as it is sorted by: in the order of fi.';
COMMENT ON COLUMN products.title_el IS 'The title, as it is sorted by: in the order of el.';
COMMENT ON COLUMN products.title_ja IS 'The title, as it is sorted by: in the order of ja.';
COMMENT ON COLUMN products.title_nb IS 'The title, as it is sorted by: in the order of nb.';
COMMENT ON COLUMN products.title_pl IS 'The title, as it is sorted by: in the order of pl.';
COMMENT ON COLUMN products.title_ru IS 'The title, as it is sorted by: in the order of ru.';
COMMENT ON COLUMN products.title_es IS 'The title, as it is sorted by: in the order of es.';
COMMENT ON COLUMN products.title_sv IS 'The title, as it is sorted by: in the order of sv.';
COMMENT ON COLUMN products.title_tr IS 'The title, as it is sorted by: in the order of tr.';
COMMENT ON COLUMN products.title_uk IS 'The title, as it is sorted by: in the order of uk.';
COMMENT ON COLUMN products.brand_key IS 'Its brand, as it is found in any spelling.';
COMMENT ON COLUMN products.category_keys IS 'Its categories, as they are found in any spelling.';

CREATE VIEW projection_positions AS
 SELECT p.name,
    p.active_build AS build,
    s.slot_from,
    s.slot_to,
    s."position",
    s.owner,
    s.lease_until,
    s.updated_at,
    s.waits_at
   FROM projections p
     JOIN projection_slots s ON s.projection = p.name AND s.build = p.active_build;
COMMENT ON VIEW projection_positions IS 'How far each projection has folded the log.';
COMMENT ON COLUMN projection_positions.name IS 'Which projection.';
COMMENT ON COLUMN projection_positions.build IS 'The edition that readers see.';
COMMENT ON COLUMN projection_positions.slot_from IS 'The first slot of this part of it.';
COMMENT ON COLUMN projection_positions.slot_to IS 'The last one.';
COMMENT ON COLUMN projection_positions."position" IS 'Up to where the log is in it.';
COMMENT ON COLUMN projection_positions.owner IS 'Who writes it.';
COMMENT ON COLUMN projection_positions.lease_until IS 'Until when that is so.';
COMMENT ON COLUMN projection_positions.updated_at IS 'When it last moved.';
COMMENT ON COLUMN projection_positions.waits_at IS 'The event before which it stands, which only a newer program reads.';

CREATE VIEW returns AS
 SELECT id,
    document,
    "position",
    version,
    order_id,
    status,
    created_at,
    updated_at,
    build
   FROM returns_rows
  WHERE build = (( SELECT projections.active_build
           FROM projections
          WHERE projections.name = 'returns'::text));
COMMENT ON VIEW returns IS 'Goods that come back.';
COMMENT ON COLUMN returns.id IS 'Its id.';
COMMENT ON COLUMN returns.document IS 'All of it, as query-api serves it.';
COMMENT ON COLUMN returns."position" IS 'The position of the last event in it.';
COMMENT ON COLUMN returns.version IS 'The version of its own stream.';
COMMENT ON COLUMN returns.order_id IS 'What of it comes back.';
COMMENT ON COLUMN returns.status IS 'Where it stands.';
COMMENT ON COLUMN returns.created_at IS 'When it came to be.';
COMMENT ON COLUMN returns.updated_at IS 'When it last changed.';
COMMENT ON COLUMN returns.build IS 'Which edition of the rows; a view shows the one that readers see.';

CREATE VIEW sales AS
 SELECT id,
    document,
    "position",
    version,
    day,
    currency,
    created_at,
    updated_at
   FROM sales_rows
  WHERE build = (( SELECT projections.active_build
           FROM projections
          WHERE projections.name = 'sales'::text));
COMMENT ON VIEW sales IS 'What was sold, by day (UTC) and currency.';
COMMENT ON COLUMN sales.id IS 'Day and currency.';
COMMENT ON COLUMN sales.document IS 'All of it, as query-api serves it.';
COMMENT ON COLUMN sales."position" IS 'The position of the last event in it.';
COMMENT ON COLUMN sales.version IS 'The version of its own stream.';
COMMENT ON COLUMN sales.day IS 'The day (UTC).';
COMMENT ON COLUMN sales.currency IS 'What its amounts are in (ISO 4217).';
COMMENT ON COLUMN sales.created_at IS 'When it came to be.';
COMMENT ON COLUMN sales.updated_at IS 'When it last changed.';

CREATE VIEW search_documents AS
 SELECT id,
    document,
    "position",
    version,
    listed,
    in_stock,
    dirty,
    dirty_from,
    refused,
    title,
    brand,
    category,
    words,
    created_at,
    updated_at,
    keys,
    price,
    title_key,
    created_ts
   FROM search_documents_rows
  WHERE build = (( SELECT projections.active_build
           FROM projections
          WHERE projections.name = 'search'::text));
COMMENT ON VIEW search_documents IS 'What the search finds, as it is sent to Meilisearch.';
COMMENT ON COLUMN search_documents.id IS 'Its id.';
COMMENT ON COLUMN search_documents.document IS 'All of it, as query-api serves it.';
COMMENT ON COLUMN search_documents."position" IS 'The position of the last event in it.';
COMMENT ON COLUMN search_documents.version IS 'The version of its own stream.';
COMMENT ON COLUMN search_documents.listed IS 'Whether the search finds it.';
COMMENT ON COLUMN search_documents.in_stock IS 'Whether any of it is there.';
COMMENT ON COLUMN search_documents.dirty IS 'Whether it is yet to be sent to Meilisearch.';
COMMENT ON COLUMN search_documents.dirty_from IS 'Since which position it is.';
COMMENT ON COLUMN search_documents.refused IS 'Why Meilisearch did not take it.';
COMMENT ON COLUMN search_documents.title IS 'What it is called.';
COMMENT ON COLUMN search_documents.brand IS 'Whose product it is.';
COMMENT ON COLUMN search_documents.category IS 'What it is among, the widest first.';
COMMENT ON COLUMN search_documents.words IS 'The words it is found by.';
COMMENT ON COLUMN search_documents.created_at IS 'When it came to be.';
COMMENT ON COLUMN search_documents.updated_at IS 'When it last changed.';
COMMENT ON COLUMN search_documents.keys IS 'What it is filtered by.';
COMMENT ON COLUMN search_documents.price IS 'The lowest price of each currency.';
COMMENT ON COLUMN search_documents.title_key IS 'Its title, as it is sorted by.';
COMMENT ON COLUMN search_documents.created_ts IS 'When it came to be, in seconds since 1970.';

CREATE VIEW stock AS
 SELECT id,
    document,
    "position",
    version,
    on_hand,
    available,
    created_at,
    updated_at,
    build,
    low,
    short
   FROM stock_rows
  WHERE build = (( SELECT projections.active_build
           FROM projections
          WHERE projections.name = 'stock'::text));
COMMENT ON VIEW stock IS 'What is there of each SKU.';
COMMENT ON COLUMN stock.id IS 'The SKU.';
COMMENT ON COLUMN stock.document IS 'All of it, as query-api serves it.';
COMMENT ON COLUMN stock."position" IS 'The position of the last event in it.';
COMMENT ON COLUMN stock.version IS 'The version of its own stream.';
COMMENT ON COLUMN stock.on_hand IS 'Units that are there, at all locations.';
COMMENT ON COLUMN stock.available IS 'Units that may be sold.';
COMMENT ON COLUMN stock.created_at IS 'When it came to be.';
COMMENT ON COLUMN stock.updated_at IS 'When it last changed.';
COMMENT ON COLUMN stock.build IS 'Which edition of the rows; a view shows the one that readers see.';
COMMENT ON COLUMN stock.low IS 'Whether few are left.';
COMMENT ON COLUMN stock.short IS 'Units that are promised and not there.';

CREATE VIEW stock_on_offer AS
 SELECT s.id,
    shown.available,
    json_build_object('id', s.id, 'in_stock', shown.available > 0, 'available', shown.available, 'or_more', known.available > 10, 'orderable', (known.available + known.beyond) > 0) AS document
   FROM search_stock_rows s
     CROSS JOIN LATERAL ( SELECT (s.document ->> 'units'::text)::bigint AS available,
            COALESCE((s.document ->> 'backorder_max'::text)::bigint, 0::bigint) AS beyond) known
     CROSS JOIN LATERAL ( SELECT LEAST(GREATEST(known.available, 0::bigint), 10::bigint) AS available) shown
     JOIN search_documents_rows d ON d.build = s.build AND d.id = ((s.document ->> 'product_id'::text)::uuid)
  WHERE s.build = (( SELECT projections.active_build
           FROM projections
          WHERE projections.name = 'search'::text)) AND d.listed;
COMMENT ON VIEW stock_on_offer IS 'What everybody sees of a SKU that is for sale.';
COMMENT ON COLUMN stock_on_offer.id IS 'The SKU.';
COMMENT ON COLUMN stock_on_offer.available IS 'Units that may be sold, ten at most.';
COMMENT ON COLUMN stock_on_offer.document IS 'All of it, as query-api serves it.';

CREATE FUNCTION append_batch(of_log uuid, believed bigint, holds boolean, read_streams text[], read_versions bigint[], guesses text[], keys text[], fingerprints uuid[], outcomes text[], offsets bigint[], streams text[], versions bigint[], types text[], schemas smallint[], slots smallint[], occurred timestamp with time zone[], metadatas text[], datas text[], OUT head bigint, OUT recorded timestamp with time zone)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
 SET jit TO 'off'
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
DECLARE
    id uuid;
    line integer;
    before timestamptz;
    stale boolean;
BEGIN
    IF NOT holds THEN
        PERFORM queue_for_head();
    END IF;
    SELECT i.log_id, i.timeline INTO STRICT id, line FROM log_identity i FOR UPDATE;
    IF id <> of_log THEN
        RAISE EXCEPTION 'this is log %, and no longer %', id, of_log
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    -- Whoever is still connected, as through a pooler, may have decided on what never happened.
    IF line <> log_timeline() THEN
        RAISE EXCEPTION 'the server has begun another timeline'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'a writer that connects anew gives the log another id';
    END IF;

    -- Where it ends, and when that was. One step from the end of an index.
    SELECT e.position, e.recorded_at INTO head, before
    FROM events e ORDER BY e.position DESC LIMIT 1;
    head := coalesce(head, 0);
    IF head <> believed THEN
        IF read_streams IS NULL THEN
            head := NULL;
            RETURN;
        END IF;
        SELECT EXISTS (
            SELECT FROM unnest(read_streams, read_versions) AS read (stream, version)
            WHERE read.version IS DISTINCT FROM coalesce((
                SELECT e.version FROM events e WHERE e.stream = read.stream
                ORDER BY e.version DESC LIMIT 1
            ), 0)
        ) INTO stale;
        IF stale THEN
            head := NULL;
            RETURN;
        END IF;
    END IF;
    IF cardinality(guesses) > 0 THEN
        SELECT EXISTS (
            SELECT FROM unnest(guesses) AS guess (stream)
            WHERE EXISTS (SELECT FROM events e WHERE e.stream = guess.stream)
        ) INTO stale;
        IF stale THEN
            head := NULL;
            RETURN;
        END IF;
    END IF;

    -- One clock for the whole log, whichever process appends. It never goes back, whatever the
    -- clocks of the machines that were primary say.
    recorded := greatest(clock_timestamp(), before);
    INSERT INTO commands (key, fingerprint, outcome, position, recorded_at)
    SELECT key, fingerprint, outcome::json, head + after, recorded
    FROM unnest(keys, fingerprints, outcomes, offsets) AS new (key, fingerprint, outcome, after);

    IF cardinality(streams) > 0 THEN
        PERFORM set_config('commerce.appending', 'on', true);
        INSERT INTO events (position, stream, version, type, schema, slot, occurred_at, recorded_at,
                            metadata, data)
        SELECT head + n, stream, version, type, schema, slot, occurred_at, recorded,
               metadata::json, data::json
        FROM unnest(streams, versions, types, schemas, slots, occurred, metadatas, datas)
            WITH ORDINALITY
            AS new (stream, version, type, schema, slot, occurred_at, metadata, data, n);
        PERFORM set_config('commerce.appending', 'off', true);
        PERFORM pg_notify('log_head', (head + cardinality(streams))::text);
    END IF;
END
$function$;

CREATE FUNCTION clear_out(of_person uuid, was_taken boolean)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF NOT was_taken THEN
        RETURN;
    END IF;
    DELETE FROM second_factors WHERE person_id = of_person;
    DELETE FROM vault_records WHERE id = of_person AND kind = 'profile';
    UPDATE vault_records SET listed = false
    WHERE kind = 'address' AND listed
        AND subject IN (SELECT subject FROM vault_keys
                        WHERE subject = of_person OR customer = of_person);
    DELETE FROM vault_records
    WHERE kind = 'address' AND NOT listed AND NOT in_use
        AND subject IN (SELECT subject FROM vault_keys
                        WHERE subject = of_person OR customer = of_person);
END
$function$;

CREATE FUNCTION end_turn()
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
BEGIN
    PERFORM pg_advisory_unlock_all(), set_config('idle_session_timeout', '0', false);
    RETURN true;
END
$function$;

CREATE FUNCTION forget_commands(kept interval, kept_without_key interval, pages integer)
 RETURNS TABLE(forgotten bigint, table_pages bigint)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
DECLARE
    first bigint;
BEGIN
    -- What is lost is forgotten once more: not worth waiting for the disk.
    PERFORM set_config('synchronous_commit', 'off', true);
    SELECT page INTO first FROM commands_sweep FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    table_pages := pg_relation_size('commands') / current_setting('block_size')::bigint;
    IF first >= table_pages THEN
        first := 0;
    END IF;
    DELETE FROM commands
    WHERE ctid >= format('(%s,0)', first)::tid AND ctid < format('(%s,0)', first + pages)::tid
      AND NOT (key >= 'import:' AND key < 'import;')
      AND recorded_at < now() - CASE WHEN key >= 'g:' AND key < 'g;' THEN kept_without_key
                                     ELSE kept END;
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    UPDATE commands_sweep SET page = first + pages;
    RETURN NEXT;
END
$function$;

CREATE FUNCTION hold_head()
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
    PERFORM queue_for_head();
    PERFORM FROM log_identity FOR UPDATE;
END
$function$;

CREATE FUNCTION log_home()
 RETURNS text
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
    RETURN (SELECT system_identifier::text || '/' ||
                   (SELECT oid FROM pg_database WHERE datname = current_database())
            FROM pg_control_system());
EXCEPTION WHEN insufficient_privilege THEN
    RETURN NULL;
END
$function$;

CREATE FUNCTION log_in_force()
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE
AS $function$
BEGIN
    RETURN (SELECT i.log_id FROM log_identity i
            WHERE i.timeline IS NULL OR pg_is_in_recovery() OR i.timeline = log_timeline());
END
$function$;

CREATE FUNCTION log_timeline()
 RETURNS integer
 LANGUAGE plpgsql
 STABLE
AS $function$
BEGIN
    IF pg_is_in_recovery() THEN
        RETURN NULL;
    END IF;
    RETURN ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::integer;
END
$function$;

CREATE FUNCTION move_checkpoint(of_projection text, of_build smallint, of_slot_from smallint, by_epoch bigint, position_from bigint, position_to bigint, term_ms bigint, of_log uuid DEFAULT NULL::uuid)
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true),
            set_config('idle_in_transaction_session_timeout', term_ms::text, true);
    UPDATE projection_slots SET position = position_to, updated_at = clock_timestamp(),
        lease_until = clock_timestamp() + term_ms * interval '1 millisecond'
    WHERE projection = of_projection AND build = of_build AND slot_from = of_slot_from
      AND epoch = by_epoch AND position = position_from
      AND (of_log IS NULL OR of_log = log_in_force());
    IF NOT FOUND THEN
        PERFORM set_config('transaction_read_only', 'on', true);
        RETURN false;
    END IF;
    RETURN true;
END
$function$;

CREATE FUNCTION moved(step jsonb)
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
BEGIN
    RETURN step IS NULL OR move_checkpoint(
        step->>'projection', (step->>'build')::smallint, (step->>'slot_from')::smallint,
        (step->>'epoch')::bigint, (step->>'from')::bigint, (step->>'to')::bigint,
        (step->>'term_ms')::bigint, (step->>'log_id')::uuid);
END
$function$;

CREATE FUNCTION parked_of(of_projection text, of_stream text, wanted bigint)
 RETURNS TABLE(stream text, "position" bigint)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT k.stream, k.position FROM parked_streams k
    WHERE k.projection = of_projection AND k.position <= wanted
      AND k.build = (SELECT active_build FROM projections WHERE name = of_projection)
      AND (k.stream = of_stream OR k.stream = ANY (ARRAY(
          SELECT part.category || '-' || (e.data ->> part.named)
          FROM events e JOIN (VALUES
              ('order.payment_started', 'payment', 'payment_id'),
              ('order.fulfilment_planned', 'fulfilment', 'fulfilment_id'),
              ('order.return_opened', 'return', 'return_id')
          ) AS part (type, category, named) ON part.type = e.type
          WHERE of_stream LIKE 'order-%' AND e.stream = of_stream)))
    ORDER BY k.position LIMIT 1
$function$;

CREATE FUNCTION queue_for_head()
 RETURNS void
 LANGUAGE plpgsql
 SET lock_timeout TO '250ms'
AS $function$
BEGIN
    -- Any number that nobody else locks.
    IF pg_try_advisory_xact_lock(5843602714) THEN
        RETURN;
    END IF;
    BEGIN
        PERFORM pg_advisory_xact_lock(5843602714);
    EXCEPTION WHEN lock_not_available THEN
        NULL;
    END;
END
$function$;

CREATE FUNCTION refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    RAISE EXCEPTION 'the log is append-only: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$function$;

CREATE FUNCTION settle_log(anew boolean, OUT former uuid, OUT current uuid, OUT head bigint)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
DECLARE
    here text := log_home();
    line integer;
    is_copy boolean;
    has_turned boolean;
BEGIN
    BEGIN
        line := log_timeline();
    EXCEPTION WHEN feature_not_supported OR insufficient_privilege OR undefined_function THEN
        line := NULL;
    END;
    SELECT h.log_id, h.log_id, h.position, h.home IS DISTINCT FROM coalesce(here, h.home),
           h.timeline IS DISTINCT FROM coalesce(line, h.timeline)
    INTO STRICT former, current, head, is_copy, has_turned FROM log_head h;
    IF NOT (anew OR is_copy OR has_turned) THEN
        RETURN;
    END IF;
    -- Once more, now that no other process can do the same.
    PERFORM FROM log_identity FOR UPDATE;
    SELECT h.log_id, h.log_id, h.position, h.home IS DISTINCT FROM coalesce(here, h.home),
           h.timeline IS NOT NULL AND h.timeline <> coalesce(line, h.timeline)
    INTO STRICT former, current, head, is_copy, has_turned FROM log_head h;
    IF is_copy OR anew THEN
        -- Whose files were copied may go on beside the original, which nobody is to mistake it for.
        DELETE FROM log_lineage;
    ELSIF has_turned THEN
        -- Of those before, what a restore took away is common no longer.
        UPDATE log_lineage AS l SET head = settle_log.head WHERE l.head > settle_log.head;
        INSERT INTO log_lineage AS l (log_id, head) VALUES (former, settle_log.head);
        -- As many as anybody will come back with.
        DELETE FROM log_lineage WHERE log_id IN (
            SELECT l.log_id FROM log_lineage l ORDER BY l.ended_at DESC OFFSET 1000);
    ELSE
        -- It is in the timeline in which it was: nobody had written that down.
        UPDATE log_identity SET timeline = line;
        RETURN;
    END IF;
    UPDATE log_identity SET log_id = gen_random_uuid(), home = here, timeline = line
    RETURNING log_id INTO current;
END
$function$;

CREATE FUNCTION shut_out(of_person uuid, at timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
BEGIN
    DELETE FROM person_codes WHERE person_id = of_person;
    DELETE FROM invitations WHERE person_id = of_person;
    DELETE FROM sessions WHERE person_id = of_person;
    PERFORM void_tokens(of_person, at, at, at + interval '30 days');
END
$function$;

CREATE FUNCTION slots_are_whole()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
$function$;

CREATE FUNCTION standing(of_projection text, wanted bigint)
 RETURNS TABLE(log_id uuid, head bigint, standby boolean, "position" bigint, parked bigint)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT h.log_id, h.position, pg_is_in_recovery(),
           coalesce((SELECT min(s.position) FROM projection_slots s
                     WHERE s.projection = of_projection AND s.build = p.active_build), 0::bigint),
           (SELECT count(*) FROM parked_streams k
            WHERE k.projection = of_projection AND k.build = p.active_build AND k.position <= wanted)
    FROM log_head h LEFT JOIN projections p ON p.name = of_projection
$function$;

CREATE FUNCTION standing(of_projection text, wanted bigint, of_slot smallint)
 RETURNS TABLE(log_id uuid, head bigint, standby boolean, "position" bigint, parked bigint)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT h.log_id, h.position, pg_is_in_recovery(),
           coalesce((SELECT min(s.position) FROM projection_slots s
                     WHERE s.projection = of_projection AND s.build = p.active_build
                       AND (of_slot IS NULL OR of_slot BETWEEN s.slot_from AND s.slot_to)), 0),
           (SELECT count(*) FROM parked_streams k
            WHERE k.projection = of_projection AND k.build = p.active_build
              AND k.position <= wanted)
    FROM log_head h LEFT JOIN projections p ON p.name = of_projection
$function$;

CREATE FUNCTION take_turn(known bigint, news_max integer, news_bytes_max bigint)
 RETURNS TABLE(head bigint, "position" bigint, stream text, version bigint, type text, schema smallint, data text)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
 SET jit TO 'off'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
AS $function$
DECLARE
    bytes bigint := 0;
BEGIN
    -- Locks a row and changes nothing: not worth waiting for the disk.
    PERFORM set_config('synchronous_commit', 'off', true);
    PERFORM queue_for_head();
    -- Waits for the append of the turn before.
    PERFORM FROM log_identity FOR UPDATE;
    SELECT h.position INTO STRICT head FROM log_head h;
    RETURN NEXT;
    IF head - known BETWEEN 1 AND news_max THEN
        FOR "position", stream, version, type, schema, data IN
            SELECT e.position, e.stream, e.version, e.type, e.schema, e.data::text
            FROM events e WHERE e.position > known AND e.position <= known + news_max
            ORDER BY e.position
        LOOP
            bytes := bytes + octet_length(data);
            EXIT WHEN bytes > news_bytes_max;
            RETURN NEXT;
        END LOOP;
    END IF;
    PERFORM set_config('idle_session_timeout', '2s', false);
    -- Beyond this transaction, until the turn ends; at once, for we hold it already.
    PERFORM pg_try_advisory_lock(5843602714);
END
$function$;

CREATE FUNCTION void_tokens(of_person uuid, at timestamp with time zone, given_before timestamp with time zone, good_until timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
BEGIN
    DELETE FROM voided_tokens WHERE person_id IN (
        SELECT person_id FROM voided_tokens WHERE until < at AND person_id <> of_person
        LIMIT 10 FOR UPDATE SKIP LOCKED);
    INSERT INTO voided_tokens AS v (person_id, before, until)
    VALUES (of_person, given_before, good_until)
    ON CONFLICT (person_id) DO UPDATE SET
        before = greatest(v.before, given_before), until = greatest(v.until, good_until);
END
$function$;

REVOKE EXECUTE ON FUNCTION append_batch(uuid, bigint, boolean, text[], bigint[], text[], text[], uuid[], text[], bigint[], text[], bigint[], text[], smallint[], smallint[], timestamp with time zone[], text[], text[]) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION forget_commands(interval, interval, integer) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION hold_head() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION settle_log(boolean) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION take_turn(bigint, integer, bigint) FROM PUBLIC;
GRANT SELECT ON carts, carts_today, events, fulfilments, fulfilments_rows, locations, locations_rows, log_head, log_identity, log_lineage, orders, payments, products, projection_actions, projection_members, projection_positions, returns, returns_rows, sales, search_documents, skipped_events, stock, stock_on_offer TO commerce_analyst;
GRANT SELECT ON api_keys, events, log_head, log_identity, log_lineage, voided_tokens TO commerce_projector;
GRANT SELECT, INSERT, UPDATE, DELETE ON carts, carts_rows, carts_today, fulfilments, fulfilments_rows, locations, locations_rows, orders, orders_rows, parked_messages, parked_streams, payments, payments_rows, products, products_rows, projection_actions, projection_builds, projection_members, projection_positions, projection_slots, projections, returns, returns_rows, sales, sales_orders_rows, sales_rows, search_documents, search_documents_rows, search_stock_rows, skipped_events, stock, stock_on_offer, stock_rows TO commerce_projector;
GRANT SELECT ON api_keys, carts, carts_rows, carts_today, events, fulfilments, fulfilments_rows, locations, locations_rows, log_head, log_identity, log_lineage, orders, orders_rows, parked_messages, parked_streams, payments, payments_rows, products, products_rows, projection_actions, projection_builds, projection_members, projection_positions, projection_slots, projections, returns, returns_rows, sales, sales_orders_rows, sales_rows, search_documents, search_documents_rows, search_stock_rows, skipped_events, stock, stock_on_offer, stock_rows, vault_index, voided_tokens TO commerce_reader;
GRANT EXECUTE ON FUNCTION append_batch(uuid, bigint, boolean, text[], bigint[], text[], text[], uuid[], text[], bigint[], text[], bigint[], text[], smallint[], smallint[], timestamp with time zone[], text[], text[]) TO commerce_writer;
GRANT EXECUTE ON FUNCTION forget_commands(interval, interval, integer) TO commerce_writer;
GRANT EXECUTE ON FUNCTION hold_head() TO commerce_writer;
GRANT EXECUTE ON FUNCTION settle_log(boolean) TO commerce_writer;
GRANT EXECUTE ON FUNCTION take_turn(bigint, integer, bigint) TO commerce_writer;
GRANT SELECT ON commands, events, log_head, log_identity, log_lineage TO commerce_writer;
GRANT SELECT, INSERT, UPDATE ON signing_keys TO commerce_writer;
GRANT SELECT, INSERT, UPDATE, DELETE ON api_keys, gateway_events, invitations, mails, people, person_codes, reaction_tasks, reaction_waiting, reactions, recovery_codes, registrations, sandbox_gateway, second_factors, sessions, sign_in_failures, sign_ins, snapshots, vault_check, vault_erased, vault_index, vault_keys, vault_records, voided_tokens, webhook_deliveries, webhook_readings, webhook_subscriptions TO commerce_writer;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO commerce_analyst;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO commerce_projector;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO commerce_reader;
