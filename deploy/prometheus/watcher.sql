-- The login by which the Postgres exporter looks at the server and at the shop: it reads statistics
-- and the views that analysts read, and no more. For psql, as the owner of the database, after the
-- migrations; again whenever you like. `-v password=…` gives it a password.
SET client_min_messages = warning;
SELECT 'CREATE ROLE watcher LOGIN'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'watcher') \gexec
GRANT pg_monitor, commerce_analyst TO watcher;
-- A look that takes long is worth less than what it slows down.
ALTER ROLE watcher SET statement_timeout = '10s';
\if :{?password}
ALTER ROLE watcher PASSWORD :'password';
\endif
