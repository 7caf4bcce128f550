-- Orders can be filtered by currency: without an index, a currency that few or none are in made a
-- list read all of them. With the total behind it, "the largest in this currency" is one step too.
CREATE INDEX orders_rows_currency_total ON orders_rows (build, currency, total, id);
