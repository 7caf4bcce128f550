-- What analysts may read says what it is, where their tools show it (`\d+`, and most others): each
-- view, each table and each column, in the words of the documents of the APIs.
DO $$
DECLARE
    told record;
BEGIN
    -- What most have alike, of a view and of the table behind it.
    FOR told IN
        SELECT c.relname, a.attname, words.says
        FROM (VALUES
            ('build', 'Which edition of the rows; a view shows the one that readers see.'),
            ('created_at', 'When it came to be.'),
            ('document', 'All of it, as query-api serves it.'),
            ('id', 'Its id.'),
            ('position', 'The position of the last event in it.'),
            ('updated_at', 'When it last changed.'),
            ('version', 'The version of its own stream.')
        ) AS words (attname, says)
        JOIN pg_attribute a ON a.attname = words.attname
        JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relnamespace = 'public'::regnamespace
          AND c.relname IN ('carts', 'carts_today', 'fulfilments', 'fulfilments_rows', 'locations',
                            'locations_rows', 'orders', 'payments', 'products', 'returns',
                            'returns_rows', 'sales', 'search_documents', 'stock',
                            'stock_on_offer')
    LOOP
        EXECUTE format('COMMENT ON COLUMN %I.%I IS %L', told.relname, told.attname, told.says);
    END LOOP;

    -- What each is.
    FOR told IN
        SELECT c.relname, c.relkind, words.says
        FROM (VALUES
            ('carts', 'Carts, as they were left.'),
            ('carts_today', 'Carts with what their lines cost and whether they are there now.'),
            ('events', 'Everything that happened, in the order of its positions. The payload of '
                       'each type is described in /events.schema.json of query-api.'),
            ('fulfilments', 'Parcels.'),
            ('fulfilments_rows', 'Parcels, of each edition: ask the view fulfilments.'),
            ('locations', 'Where stock may lie.'),
            ('locations_rows', 'Locations, of each edition: ask the view locations.'),
            ('log_head', 'How far the log has come: one row.'),
            ('log_lineage', 'The ids the log had before, and what it has in common with each.'),
            ('orders', 'Orders, with their payments, parcels and returns in the document.'),
            ('payments', 'Payments.'),
            ('products', 'Products with their variants, in any status.'),
            ('projection_actions', 'What was done to projections by hand.'),
            ('projection_members', 'The processes that run projections.'),
            ('projection_positions', 'How far each projection has folded the log.'),
            ('returns', 'Goods that come back.'),
            ('returns_rows', 'Returns, of each edition: ask the view returns.'),
            ('sales', 'What was sold, by day (UTC) and currency.'),
            ('search_documents', 'What the search finds, as it is sent to Meilisearch.'),
            ('skipped_events', 'Events that were left out of a projection for good.'),
            ('stock', 'What is there of each SKU.'),
            ('stock_on_offer', 'What everybody sees of a SKU that is for sale.')
        ) AS words (relname, says)
        JOIN pg_class c USING (relname)
        WHERE c.relnamespace = 'public'::regnamespace
    LOOP
        EXECUTE format('COMMENT ON %s %I IS %L',
                       CASE told.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END,
                       told.relname, told.says);
    END LOOP;

    -- What is particular to one.
    FOR told IN SELECT * FROM (VALUES
        ('carts', 'customer_id', 'Whose it is, unless a guest''s.'),
        ('carts', 'status', 'open, checked_out, merged or abandoned.'),
        ('events', 'position', 'Its place in the log, from 1, without gaps.'),
        ('events', 'stream', 'What it happened to: its kind and its id, such as order-<id>, or '
                             'stock-<SKU>, which names the SKU.'),
        ('events', 'version', 'Its place among all that happened to that.'),
        ('events', 'type', 'What happened.'),
        ('events', 'schema', 'In which edition the payload is written.'),
        ('events', 'slot', 'One of 256 parts of the log, by what it happened to.'),
        ('events', 'occurred_at', 'When it happened.'),
        ('events', 'recorded_at', 'When it was appended; later than it happened where it was '
                                  'imported.'),
        ('events', 'metadata', 'Where it came from: command, actor, correlation, cause.'),
        ('events', 'data', 'What happened, by its type.'),
        ('fulfilments', 'order_id', 'Whose parcel.'),
        ('fulfilments', 'status', 'Where it stands.'),
        ('fulfilments', 'location', 'Where it leaves or left from.'),
        ('fulfilments_rows', 'order_id', 'Whose parcel.'),
        ('fulfilments_rows', 'status', 'Where it stands.'),
        ('fulfilments_rows', 'location', 'Where it leaves or left from.'),
        ('locations', 'id', 'The code of the location.'),
        ('locations', 'sellable', 'Whether what lies there is for sale.'),
        ('locations_rows', 'id', 'The code of the location.'),
        ('locations_rows', 'sellable', 'Whether what lies there is for sale.'),
        ('log_head', 'only_one', 'Holds it to one row.'),
        ('log_head', 'position', 'The position of the last event.'),
        ('log_head', 'log_id', 'Which log it is; a copy gets another.'),
        ('log_head', 'home', 'The server and the database that it lives in.'),
        ('log_head', 'timeline', 'The timeline of Postgres in which it was last written.'),
        ('log_lineage', 'log_id', 'An id that the log had before.'),
        ('log_lineage', 'head', 'Up to which position it is the same.'),
        ('log_lineage', 'ended_at', 'When it got another.'),
        ('orders', 'number', 'Its number, for people: the position at which it was placed.'),
        ('orders', 'status', 'Where it stands in its life: pending, confirmed, completed or '
                             'cancelled.'),
        ('orders', 'payment_status', 'What has come of paying.'),
        ('orders', 'fulfilment_status', 'What has come of sending.'),
        ('orders', 'customer_id', 'Whose it is, unless a guest''s.'),
        ('orders', 'address_id', 'Where it goes: a record of the vault.'),
        ('orders', 'total', 'The sum of the lines, as they were bought.'),
        ('orders', 'currency', 'What its amounts are in (ISO 4217).'),
        ('orders', 'units', 'Units of all lines, as they were bought.'),
        ('orders', 'to_refund', 'What of that which was paid is to be given back.'),
        ('orders', 'skus', 'The SKUs of its lines.'),
        ('orders', 'tracking_keys', 'The tracking codes of its parcels, in capitals, without '
                                    'spaces.'),
        ('payments', 'order_id', 'What is paid.'),
        ('payments', 'method', 'How: card, cash_on_delivery, external or one of a gateway.'),
        ('payments', 'status', 'Where it stands.'),
        ('payments', 'amount', 'How much is to be paid.'),
        ('payments', 'currency', 'What its amounts are in (ISO 4217).'),
        ('payments', 'unknown', 'Whether a gateway''s answer was lost, and nobody knows yet what '
                                'it did.'),
        ('payments', 'dispute', 'How far the latest dispute has come; nothing without one.'),
        ('payments', 'to_remit', 'Whether cash that was collected is still to be handed over.'),
        ('products', 'status', 'draft, published or archived.'),
        ('products', 'title', 'What it is called.'),
        ('products', 'brand', 'Whose product it is.'),
        ('products', 'category', 'What it is among, the widest first.'),
        ('products', 'skus', 'The SKUs of its variants.'),
        ('products', 'barcodes', 'The barcodes of its variants.'),
        ('products', 'title_key', 'Its title as an older program sorts by it.'),
        ('products', 'brand_key', 'Its brand, as it is found in any spelling.'),
        ('products', 'category_keys', 'Its categories, as they are found in any spelling.'),
        ('projection_actions', 'id', 'In the order in which they were begun.'),
        ('projection_actions', 'projection', 'To which.'),
        ('projection_actions', 'action', 'What.'),
        ('projection_actions', 'detail', 'With what.'),
        ('projection_actions', 'done_by', 'By whom.'),
        ('projection_actions', 'done_at', 'When it was begun.'),
        ('projection_actions', 'ended_at', 'When it ended.'),
        ('projection_actions', 'outcome', 'What came of it.'),
        ('projection_members', 'projection', 'Which projection.'),
        ('projection_members', 'member', 'Which process runs it.'),
        ('projection_members', 'seen_until', 'Until when it is taken to live.'),
        ('projection_positions', 'name', 'Which projection.'),
        ('projection_positions', 'build', 'The edition that readers see.'),
        ('projection_positions', 'slot_from', 'The first slot of this part of it.'),
        ('projection_positions', 'slot_to', 'The last one.'),
        ('projection_positions', 'position', 'Up to where the log is in it.'),
        ('projection_positions', 'owner', 'Who writes it.'),
        ('projection_positions', 'lease_until', 'Until when that is so.'),
        ('projection_positions', 'updated_at', 'When it last moved.'),
        ('projection_positions', 'waits_at', 'The event before which it stands, which only a newer '
                                             'program reads.'),
        ('returns', 'order_id', 'What of it comes back.'),
        ('returns', 'status', 'Where it stands.'),
        ('returns_rows', 'order_id', 'What of it comes back.'),
        ('returns_rows', 'status', 'Where it stands.'),
        ('sales', 'id', 'Day and currency.'),
        ('sales', 'day', 'The day (UTC).'),
        ('sales', 'currency', 'What its amounts are in (ISO 4217).'),
        ('search_documents', 'listed', 'Whether the search finds it.'),
        ('search_documents', 'in_stock', 'Whether any of it is there.'),
        ('search_documents', 'dirty', 'Whether it is yet to be sent to Meilisearch.'),
        ('search_documents', 'dirty_from', 'Since which position it is.'),
        ('search_documents', 'refused', 'Why Meilisearch did not take it.'),
        ('search_documents', 'title', 'What it is called.'),
        ('search_documents', 'brand', 'Whose product it is.'),
        ('search_documents', 'category', 'What it is among, the widest first.'),
        ('search_documents', 'words', 'The words it is found by.'),
        ('search_documents', 'keys', 'What it is filtered by.'),
        ('search_documents', 'price', 'The lowest price of each currency.'),
        ('search_documents', 'title_key', 'Its title, as it is sorted by.'),
        ('search_documents', 'created_ts', 'When it came to be, in seconds since 1970.'),
        ('skipped_events', 'projection', 'Out of which projection.'),
        ('skipped_events', 'position', 'Which event.'),
        ('skipped_events', 'stream', 'What it happened to.'),
        ('skipped_events', 'reason', 'Why.'),
        ('skipped_events', 'skipped_at', 'When.'),
        ('stock', 'id', 'The SKU.'),
        ('stock', 'on_hand', 'Units that are there, at all locations.'),
        ('stock', 'available', 'Units that may be sold.'),
        ('stock', 'low', 'Whether few are left.'),
        ('stock', 'short', 'Units that are promised and not there.'),
        ('stock_on_offer', 'id', 'The SKU.'),
        ('stock_on_offer', 'available', 'Units that may be sold, ten at most.')
    ) AS words (relname, attname, says)
    LOOP
        EXECUTE format('COMMENT ON COLUMN %I.%I IS %L', told.relname, told.attname, told.says);
    END LOOP;

    -- The title once for each order of letters that differs from the others.
    FOR told IN
        SELECT a.attname FROM pg_attribute a
        WHERE a.attrelid = 'products'::regclass AND a.attname LIKE 'title\___%'
          AND a.attname <> 'title_key'
    LOOP
        EXECUTE format('COMMENT ON COLUMN products.%I IS %L', told.attname,
                       'The title, as it is sorted by: ' ||
                       CASE told.attname WHEN 'title_root' THEN 'in the order of most languages.'
                       ELSE 'in the order of ' || substr(told.attname, 7) || '.' END);
    END LOOP;
END
$$;
