-- Products by brand and category in whatever spelling, as the search finds them: by what the
-- projector folds of both (`folded` in domain/src/page/search_keys.rs). The version of its
-- products goes up with this, so that they are rebuilt by themselves; until then a brand is found
-- in capitals or not, as far as its letters are ASCII's, and a category as it is spelled.
--
-- `products_rows_brand_created` and `products_rows_category` stay for programs of before.
--
-- Locks products_rows while the indexes are made, a third of a second each of 100,000 products.
ALTER TABLE products_rows
    ADD COLUMN brand_key text COLLATE "C",
    ADD COLUMN category_keys text[] COLLATE "C";

CREATE OR REPLACE VIEW products AS
SELECT id, document, position, version, status, title, brand, category, created_at, updated_at,
       build, title_key, skus, barcodes,
       coalesce(title_keys[1], '') AS title_root,
       coalesce(title_keys[2], '') AS title_cs,
       coalesce(title_keys[3], '') AS title_da,
       coalesce(title_keys[4], '') AS title_fi,
       coalesce(title_keys[5], '') AS title_el,
       coalesce(title_keys[6], '') AS title_ja,
       coalesce(title_keys[7], '') AS title_nb,
       coalesce(title_keys[8], '') AS title_pl,
       coalesce(title_keys[9], '') AS title_ru,
       coalesce(title_keys[10], '') AS title_es,
       coalesce(title_keys[11], '') AS title_sv,
       coalesce(title_keys[12], '') AS title_tr,
       coalesce(title_keys[13], '') AS title_uk,
       coalesce(brand_key, lower(btrim(brand))) AS brand_key,
       coalesce(category_keys, category) AS category_keys
FROM products_rows
WHERE build = (SELECT active_build FROM projections WHERE name = 'products');

CREATE INDEX products_rows_brand_key_created
    ON products_rows (build, (coalesce(brand_key, lower(btrim(brand)))), created_at, id);
CREATE INDEX products_rows_category_keys
    ON products_rows USING gin ((coalesce(category_keys, category)));
