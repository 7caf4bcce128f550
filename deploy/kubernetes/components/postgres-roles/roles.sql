-- Once, as superuser, when a server is made: the owner of the database may not make roles, so what
-- migration 0032 and deploy/logins.sql would make is here already. Rights come by the migrations.
CREATE ROLE commerce_writer NOLOGIN;
CREATE ROLE commerce_projector NOLOGIN;
CREATE ROLE commerce_reader NOLOGIN;
-- For people: CREATE ROLE ann LOGIN PASSWORD '…' IN ROLE commerce_analyst.
CREATE ROLE commerce_analyst NOLOGIN;
CREATE ROLE command_api LOGIN IN ROLE commerce_writer;
CREATE ROLE reactor LOGIN IN ROLE commerce_writer;
CREATE ROLE projector LOGIN IN ROLE commerce_projector;
CREATE ROLE query_api LOGIN IN ROLE commerce_reader;
