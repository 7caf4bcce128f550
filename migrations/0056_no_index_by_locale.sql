-- No index of a read model in the order of the database's locale: that changes with the system's
-- libraries, below the index, and pages then skip and double rows.

-- Products by title: by its folded form, which reads as people expect and is the same everywhere.
-- The projector fills it; the version of its products projection is raised with this.
ALTER TABLE products_rows ADD COLUMN title_key text COLLATE "C" NOT NULL DEFAULT '';
-- Until then, nearly the same.
UPDATE products_rows SET title_key = lower(btrim(title));
DROP VIEW products;
ALTER TABLE products_rows ALTER COLUMN status TYPE text COLLATE "C",
    ALTER COLUMN brand TYPE text COLLATE "C",
    ALTER COLUMN category TYPE text[] COLLATE "C";
DROP INDEX products_rows_status_title;
CREATE INDEX products_rows_status_title_key ON products_rows (build, status, title_key, id);
CREATE VIEW products AS
SELECT id, document, position, version, status, title, brand, category, created_at, updated_at,
       build, title_key
FROM products_rows
WHERE build = (SELECT active_build FROM projections WHERE name = 'products');

DROP VIEW orders;
ALTER TABLE orders_rows ALTER COLUMN status TYPE text COLLATE "C",
    ALTER COLUMN payment_status TYPE text COLLATE "C",
    ALTER COLUMN fulfilment_status TYPE text COLLATE "C",
    ALTER COLUMN currency TYPE text COLLATE "C";
CREATE VIEW orders AS
SELECT id, document, position, version, status, payment_status, fulfilment_status, customer_id,
       total, currency, units, created_at, updated_at, build
FROM orders_rows
WHERE build = (SELECT active_build FROM projections WHERE name = 'orders');

DROP VIEW payments;
ALTER TABLE payments_rows ALTER COLUMN status TYPE text COLLATE "C";
CREATE VIEW payments AS
SELECT id, document, position, version, order_id, method, status, amount, currency, created_at,
       updated_at, build
FROM payments_rows
WHERE build = (SELECT active_build FROM projections WHERE name = 'payments');

-- Sales by day, then by id, which is the day and the currency and always was in this order.
DROP INDEX sales_rows_day;
CREATE INDEX sales_rows_day_id ON sales_rows (build, day, id);
