-- Logins for the programs, each with the least that it can do its work with. For psql, as the owner
-- of the database, after the migrations; again whenever you like. With `-v password=…` all of them
-- get that password; where each is to have its own, ALTER ROLE.
\set wanted 'VALUES (''command_api'', ''commerce_writer''), (''projector'', ''commerce_projector'')'
\set wanted :wanted ', (''reactor'', ''commerce_writer''), (''query_api'', ''commerce_reader'')'

SELECT format('CREATE ROLE %I LOGIN IN ROLE %I', login, role)
FROM (:wanted) AS wanted (login, role)
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = login) \gexec

\if :{?password}
SELECT format('ALTER ROLE %I PASSWORD %L', login, :'password')
FROM (:wanted) AS wanted (login, role) \gexec
\endif
