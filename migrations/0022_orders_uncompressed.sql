-- Orders are kept as they are: half of them are longer than the 2 kB above which Postgres compresses
-- a row, which was a fifth of writing them. Only those of more than a page's worth still are.
ALTER TABLE orders_rows SET (toast_tuple_target = 8160);
