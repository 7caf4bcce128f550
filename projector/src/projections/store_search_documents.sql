-- Writes documents of the search projection, new and old ones alike: build, documents as JSON,
-- which of them are listed, the first position each was changed at, and its keys (a JSON list) and
-- sort key. A file, so that tests of searching fill the table as the projector does.
INSERT INTO search_documents_rows AS old
    (build, id, document, position, version, listed, in_stock, dirty, dirty_from, title,
     brand, category, words, created_at, updated_at, keys, price, title_key, created_ts)
SELECT $1, f.id, new.document::json, f.position, f.version, new.listed, f.in_stock,
       new.listed AND (SELECT sends FROM projection_builds
                       WHERE projection = 'search' AND build = $1),
       new.changed_from, f.title, f.brand, coalesce(f.category, '{}'),
       setweight(to_tsvector('english', f.title), 'A')
       || setweight(to_tsvector('english', concat_ws(' ', f.brand,
              array_to_string(f.category, ' '))), 'B')
       || setweight(to_tsvector('simple', array_to_string(f.skus, ' ')), 'B')
       || setweight(json_to_tsvector('english', coalesce(f.attributes, '{}'),
              '["string"]'), 'C')
       || setweight(json_to_tsvector('english', f.options, '["string"]'), 'C')
       || setweight(jsonb_to_tsvector('english',
              jsonb_path_query_array(f.variants, '$[*].title'), '["string"]'), 'C')
       || setweight(jsonb_to_tsvector('simple',
              jsonb_path_query_array(f.variants, '$[*].barcode'), '["string"]'), 'C')
       || setweight(to_tsvector('english', coalesce(f.description, '')), 'D'),
       f.created_at, f.updated_at,
       ARRAY(SELECT json_array_elements_text(new.keys::json)), f.price, new.title_key, f.created_ts
FROM unnest($2::text[], $3::boolean[], $4::bigint[], $5::text[], $6::text[])
         AS new (document, listed, changed_from, keys, title_key),
     json_to_record(new.document::json) AS f (
         id uuid, position bigint, version bigint, in_stock boolean, title text,
         brand text, category text[], skus text[], attributes json, options json,
         variants jsonb, price jsonb, description text, created_at timestamptz,
         created_ts bigint, updated_at timestamptz)
ON CONFLICT (build, id) DO UPDATE SET
    document = excluded.document, position = excluded.position,
    version = excluded.version, listed = excluded.listed, in_stock = excluded.in_stock,
    dirty = (old.dirty OR old.listed OR excluded.listed)
        AND (SELECT sends FROM projection_builds
             WHERE projection = 'search' AND build = $1),
    revision = old.revision + 1,
    dirty_from = CASE WHEN old.dirty THEN old.dirty_from ELSE excluded.dirty_from END,
    refused = NULL,
    title = excluded.title, brand = excluded.brand, category = excluded.category,
    words = excluded.words, updated_at = excluded.updated_at, keys = excluded.keys,
    price = excluded.price, title_key = excluded.title_key
