-- The schema as statements, in a stable order: what the catalogue says, without what differs from
-- one version of Postgres to another. What extensions bring is theirs.
WITH mine AS (
    SELECT c.oid, c.relname AS name, c.relkind AS kind, c.reloptions AS options, c.relacl AS rights,
           c.relowner AS owner
    FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v')
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
),
functions AS (
    SELECT p.oid, p.proname AS name, p.proacl AS rights, p.proowner AS owner,
           p.proname || '(' || oidvectortypes(p.proargtypes) || ')' AS signature
    FROM pg_proc p
    WHERE p.pronamespace = 'public'::regnamespace
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
),
members AS (
    -- What stands between the brackets of a table: columns as they were added, then constraints.
    SELECT a.attrelid AS of_table, 0 AS sort, a.attnum::text AS place, a.attnum AS number,
           quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
               || coalesce(' COLLATE ' || quote_ident(l.collname), '')
               || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '')
               || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END AS text
    FROM pg_attribute a
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_collation l ON l.oid = a.attcollation AND l.oid <> t.typcollation
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    -- Without those that newer versions keep for NOT NULL.
    SELECT conrelid, array_position('{p,u,x,f,c}'::"char"[], contype), conname, 0,
           'CONSTRAINT ' || quote_ident(conname) || ' ' || pg_get_constraintdef(oid, true)
    FROM pg_constraint WHERE contype IN ('p', 'u', 'x', 'f', 'c')
),
lines AS (
    SELECT 0 AS part, extname::text AS name, 0 AS sort, '' AS place,
           format('CREATE EXTENSION %I;', extname) AS text
    FROM pg_extension WHERE extname <> 'plpgsql'
    UNION ALL
    SELECT 1, m.name, 0, '',
           format(E'CREATE TABLE %I (\n    %s\n)%s;', m.name,
                  string_agg(i.text, E',\n    ' ORDER BY i.sort, i.number, i.place COLLATE "C"),
                  coalesce(' WITH (' || array_to_string(m.options, ', ') || ')', ''))
    FROM mine m JOIN members i ON i.of_table = m.oid
    WHERE m.kind = 'r' GROUP BY m.name, m.options
    UNION ALL
    SELECT 1, m.name, 1, c.relname, pg_get_indexdef(i.indexrelid, 0, true) || ';'
    FROM mine m JOIN pg_index i ON i.indrelid = m.oid JOIN pg_class c ON c.oid = i.indexrelid
    WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)
    UNION ALL
    SELECT 1, m.name, 2, t.tgname,
           pg_get_triggerdef(t.oid, true) || ';'
               || CASE t.tgenabled WHEN 'A' THEN
                   format(E'\nALTER TABLE %I ENABLE ALWAYS TRIGGER %I;', m.name, t.tgname)
                  ELSE '' END
    FROM mine m JOIN pg_trigger t ON t.tgrelid = m.oid WHERE NOT t.tgisinternal
    UNION ALL
    SELECT 2, m.name, 0, '', format(E'CREATE VIEW %I AS\n%s', m.name, pg_get_viewdef(m.oid, true))
    FROM mine m WHERE m.kind = 'v'
    UNION ALL
    -- What they say of themselves: each, then its columns as they were added.
    SELECT CASE m.kind WHEN 'v' THEN 2 ELSE 1 END, m.name, 3, lpad(d.objsubid::text, 4, '0'),
           format('COMMENT ON %s IS %L;',
                  CASE WHEN a.attname IS NOT NULL THEN format('COLUMN %I.%I', m.name, a.attname)
                       WHEN m.kind = 'v' THEN format('VIEW %I', m.name)
                       ELSE format('TABLE %I', m.name) END,
                  d.description)
    FROM mine m
    JOIN pg_description d ON d.objoid = m.oid AND d.classoid = 'pg_class'::regclass
    LEFT JOIN pg_attribute a ON a.attrelid = m.oid AND a.attnum = d.objsubid AND d.objsubid > 0
    UNION ALL
    SELECT 3, f.name, 0, f.signature,
           replace(rtrim(pg_get_functiondef(f.oid), E'\n'), 'CREATE OR REPLACE FUNCTION public.',
                   'CREATE FUNCTION ') || ';'
    FROM functions f
    UNION ALL
    -- Rights, but for those of owners; of functions everybody has, unless it says otherwise.
    SELECT 4, f.signature, 0, '', format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC;', f.signature)
    FROM functions f
    WHERE f.rights IS NOT NULL
      AND NOT EXISTS (SELECT FROM aclexplode(f.rights) a WHERE a.grantee = 0)
    UNION ALL
    SELECT 5, a.grantee::regrole::text, 0, f.signature,
           format('GRANT EXECUTE ON FUNCTION %s TO %s;', f.signature, a.grantee::regrole)
    FROM functions f, aclexplode(f.rights) a WHERE a.grantee NOT IN (0, f.owner)
    UNION ALL
    SELECT 5, g.grantee::regrole::text, 1, g.rights,
           format('GRANT %s ON %s TO %s;', g.rights,
                  string_agg(quote_ident(g.name), ', ' ORDER BY g.name COLLATE "C"),
                  g.grantee::regrole)
    FROM (
        SELECT m.name, a.grantee, string_agg(a.privilege_type, ', '
                   ORDER BY array_position('{SELECT,INSERT,UPDATE,DELETE}', a.privilege_type))
                   AS rights
        FROM mine m, aclexplode(m.rights) a WHERE a.grantee <> m.owner
        GROUP BY m.name, a.grantee
    ) g
    GROUP BY g.grantee, g.rights
    UNION ALL
    SELECT 6, a.grantee::regrole::text, 0, '',
           format('ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT %s ON TABLES TO %s;',
                  string_agg(a.privilege_type, ', '
                      ORDER BY array_position('{SELECT,INSERT,UPDATE,DELETE}', a.privilege_type)),
                  a.grantee::regrole)
    FROM pg_default_acl d, aclexplode(d.defaclacl) a
    WHERE d.defaclnamespace = 'public'::regnamespace AND d.defaclobjtype = 'r'
    GROUP BY a.grantee
)
SELECT text FROM lines ORDER BY part, name COLLATE "C", sort, place COLLATE "C";
