-- Appends copies of the first round of the log, as append() would have: events, what their commands
-- came to, together. The tail need not be moved: it is never before the head.
--
-- $1 events of the first round, $2 what its ids and SKUs begin with; for each copy: $3 what they
-- begin with there, $4 and $5 by which bits the slots of ids and of SKUs differ there, $6 when it
-- begins; $7 seconds of a round.
WITH head AS MATERIALIZED (
    SELECT position FROM log_head FOR UPDATE
), round AS MATERIALIZED (
    SELECT *, metadata->>'command' AS key FROM events WHERE position <= $1
), copy AS MATERIALIZED (
    SELECT prefix, id_slot, sku_slot, began, head.position + (n - 1) * $1 AS shift
    FROM head, unnest($3::text[], $4::smallint[], $5::smallint[], $6::timestamptz[])
        WITH ORDINALITY AS copy (prefix, id_slot, sku_slot, began, n)
), kept AS (
    INSERT INTO commands (key, fingerprint, outcome, position, recorded_at)
    -- Keys of clients are random: those of a round stand all over the index.
    SELECT 'c:' || md5(copy.prefix || original.key)::uuid, md5(original.key)::uuid,
           replace(original.outcome::text, $2, copy.prefix)::json, copy.shift + original.position,
           copy.began + make_interval(secs => original.position::float8 * $7 / $1)
    FROM copy CROSS JOIN (
        SELECT * FROM commands WHERE key IN (SELECT round.key FROM round)
    ) AS original
)
INSERT INTO events (position, stream, version, type, schema, slot, occurred_at, recorded_at,
                    metadata, data)
SELECT copy.shift + round.position, replace(round.stream, $2, copy.prefix), round.version,
       round.type, round.schema,
       -- CRC-32 is linear: keys that differ in the same way differ in the same bits of it.
       round.slot # CASE WHEN round.stream ~ '^(sku|stock)-' THEN sku_slot ELSE id_slot END,
       happened, happened,
       replace(replace(round.metadata::text, round.key,
                       'c:' || md5(copy.prefix || round.key)::uuid), $2, copy.prefix)::json,
       replace(round.data::text, $2, copy.prefix)::json
FROM copy CROSS JOIN round
CROSS JOIN LATERAL (
    SELECT copy.began + make_interval(secs => round.position::float8 * $7 / $1)
) AS at (happened)
