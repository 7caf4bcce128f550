-- Orders can be found by what is in them and by the codes of their parcels, and by the records of
-- the vault that they name. The projector fills the columns; the version of its orders is raised
-- with this, so that they are rebuilt by themselves: the indexes are made of rows without any.
ALTER TABLE orders_rows
    -- Where it goes.
    ADD COLUMN address_id uuid,
    ADD COLUMN skus text[] COLLATE "C" NOT NULL DEFAULT '{}',
    -- Without spaces, in small letters.
    ADD COLUMN tracking_keys text[] COLLATE "C" NOT NULL DEFAULT '{}';
CREATE INDEX orders_rows_address ON orders_rows (build, address_id) WHERE address_id IS NOT NULL;
-- Each column may be asked for alone.
CREATE INDEX orders_rows_found ON orders_rows USING gin (skus, tracking_keys);

CREATE OR REPLACE VIEW orders AS
SELECT id, document, position, version, status, payment_status, fulfilment_status, customer_id,
       total, currency, units, created_at, updated_at, build, number, to_refund, address_id, skus,
       tracking_keys
FROM orders_rows
WHERE build = (SELECT active_build FROM projections WHERE name = 'orders');
