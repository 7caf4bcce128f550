-- Orders are found in the log by whose they are, or where they go, where somebody wants to be
-- forgotten who still waits for a parcel: by the events that placed them, gave them to somebody or
-- sent them elsewhere. Only these are in the indexes, so that no other event pays for them.
--
-- Locks: appends wait while the log is read through twice, some seconds for millions of events. Not
-- concurrently: what sqlx sends of a file of several statements is a transaction in any case, and a
-- try that broke off would leave an index that is there and not valid.
CREATE INDEX events_orders_by_whose
    ON events ((coalesce(data ->> 'customer_id', data ->> 'guest_id')))
    WHERE type IN ('order.placed', 'order.assigned');
CREATE INDEX events_orders_by_address ON events ((data ->> 'address_id'))
    WHERE type IN ('order.placed', 'order.address_changed');
